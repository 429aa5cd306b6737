"""`syncd pause` and `syncd resume`: nothing at all is sent to an organization until a person says so."""

import getpass

import typer

from syncd.cli.options import ConfigOption, ForOption, OrganizationOption, WhoOption, WhyOption
from syncd.cli.selection import begin, open_store


def pause(
    *,
    config: ConfigOption = None,
    organization: OrganizationOption = None,
    for_: ForOption = None,
    why: WhyOption = "",
    by: WhoOption = None,
) -> int:
    """Send nothing any more: a cycle that runs now ends between two calls.

    Directory and WorkMail are read as before, and plans are made.
    """
    from syncd.clock import SystemClock
    from syncd.model.memory import Pause

    selection = begin(config, organization, templates=False)
    now = SystemClock().now()
    with open_store(selection) as store:
        for owner in selection.organizations:
            said = Pause(by=by or getpass.getuser(), at=now, why=why, until=now + for_ if for_ else None)
            store.organization(owner.workmail.organization_id).decisions.pause(said)
            typer.echo(f"{owner.name} is {said}. It ends with: syncd resume")
    return 0


def resume(
    *,
    config: ConfigOption = None,
    organization: OrganizationOption = None,
) -> int:
    """End a pause: the next cycle goes on; a daemon begins one at once."""
    selection = begin(config, organization, templates=False)
    with open_store(selection, must_exist=True) as store:
        for owner in selection.organizations:
            before = store.organization(owner.workmail.organization_id).decisions.resume()
            typer.echo(f"{owner.name} was {before}; it goes on now." if before else f"{owner.name} was not paused.")
    return 0
