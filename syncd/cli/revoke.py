"""`syncd revoke DIGEST`: a person takes back their yes."""

import getpass
from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from syncd.cli.options import ConfigOption, DigestArgument, OrganizationOption, WhoOption
from syncd.cli.selection import begin, find_plan, open_store

if TYPE_CHECKING:
    from syncd.model.plan import Plan
    from syncd.store.records import Revocation


def revoke(
    *,
    digest: DigestArgument,
    config: ConfigOption = None,
    organization: OrganizationOption = None,
    by: WhoOption = None,
) -> int:
    """Take back the approval of a stored plan.

    What is not sent yet waits again. A removal that has begun is given back by the next cycle, and not begun again
    before another approval. What is done stays done.
    """
    selection = begin(config, organization, templates=False)
    name = by or getpass.getuser()
    with open_store(selection, must_exist=True) as store:
        owner, stored = find_plan(selection, store, digest)
        taken = store.organization(owner.workmail.organization_id).decisions.revoke(stored.digest, by=name)
    short = stored.digest[:8]
    if not taken.approvals:
        typer.echo(f"Plan {short} of {owner.name} is not approved: there is nothing to revoke.")
        return 0
    for line in _lines(taken, stored):
        typer.echo(line)
    return 0


def _lines(taken: "Revocation", plan: "Plan") -> Iterator[str]:
    from syncd.rendering.view import counted

    freed = len(taken.operations)
    yield f"The approval of plan {plan.digest[:8]} of {plan.organization} is revoked."
    if freed:
        yield f"{freed:,} of what it freed {'were' if freed > 1 else 'was'} not sent yet, and must be approved again."
    elif not taken.in_force:
        yield "It had expired: nothing was to be sent under it any more."
    elif not taken.under_way and not taken.also_by:
        yield "Nothing of it was left to be sent: what is done stays done."
    for other in taken.also_by:
        yield f"The approval of plan {other[:8]} frees some of the same; if it shall not: syncd revoke {other[:8]}"
    if taken.under_way:
        begun = counted(len(taken.under_way), "removal")
        yield f"{begun} had begun. The next cycle gives back what they took, but for a call under way:"
        yield from (f"  {key} ({plan.names.get(key, 'no name known')})" for key in taken.under_way)
