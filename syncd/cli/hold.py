"""`syncd hold KEY` and `syncd release KEY`: everything of somebody stays as it is, until a person says otherwise."""

import getpass
from difflib import get_close_matches
from typing import TYPE_CHECKING

import typer

from syncd.cli.options import ConfigOption, ForOption, KeyArgument, OrganizationOption, WhoOption, WhyOption
from syncd.cli.selection import begin, keys_of, open_store

if TYPE_CHECKING:
    from collections.abc import Iterable

    from syncd.cli.selection import Selection
    from syncd.model.names import Key
    from syncd.settings import OrganizationSettings
    from syncd.store.store import OrganizationStore, Store


def hold(
    *,
    key: KeyArgument,
    config: ConfigOption = None,
    organization: OrganizationOption = None,
    for_: ForOption = None,
    why: WhyOption = "",
    by: WhoOption = None,
) -> int:
    """Leave a person or a group as they are: nothing of theirs is added, changed or removed.

    A removal that has begun is given back by the next cycle. Heard by whatever runs now, between two calls.
    """
    from syncd.clock import SystemClock
    from syncd.model.memory import Hold

    selection = begin(config, organization, templates=False)
    now = SystemClock().now()
    with open_store(selection, must_exist=True) as store:
        for owner, ours, found in _known(selection, store, key):
            said = Hold(key=found, by=by or getpass.getuser(), at=now, why=why, until=now + for_ if for_ else None)
            ours.decisions.hold(said)
            typer.echo(f"{found} of {owner.name} is {said}. It ends with: syncd release {found}")
    return 0


def release(
    *,
    key: KeyArgument,
    config: ConfigOption = None,
    organization: OrganizationOption = None,
) -> int:
    """End a hold: the next cycle does to them again what the directory says."""
    from syncd.errors import UsageError

    selection = begin(config, organization, templates=False)
    released = []
    held: list[str] = []
    with open_store(selection, must_exist=True) as store:
        for owner in selection.organizations:
            decisions = store.organization(owner.workmail.organization_id).decisions
            held += decisions.holds()
            released += [f"{each} of {owner.name}" for each in keys_of(key) if decisions.release(each)]
    if not released:
        hint = f"held are: {', '.join(sorted(held))}" if held else "nobody is held"
        raise UsageError(f"{key} is not held", hint=hint)
    for each in released:
        typer.echo(f"{each} is released: the next cycle does to them again what the directory says.")
    return 0


def _known(
    selection: "Selection", store: "Store", text: str
) -> "Iterable[tuple[OrganizationSettings, OrganizationStore, Key]]":
    """Return what *text* names: a key that is bound, or that the last plan knows.

    Raises:
        UsageError: nobody, so that a mistyped key would hold nobody, and look like success.
    """
    from syncd.errors import UsageError

    found, known = [], set[str]()
    for owner in selection.organizations:
        ours = store.organization(owner.workmail.organization_id)
        plan = ours.history.newest_whole_plan()
        keys = set(ours.memory.load().bindings)
        if plan is not None:
            keys |= {o.subject for o in (*plan.operations, *plan.outside)}
            keys |= {rejection.key for rejection in plan.rejections if rejection.key is not None}
        known |= keys
        found += [(owner, ours, key) for key in keys_of(text) if key in keys]
    if not found:
        near = get_close_matches(text, [*known, *(key.partition(":")[2] for key in known)], 1)
        hint = f"did you mean {near[0]}?" if near else "keys look like user:4711 or group:sales; syncd plan shows them"
        raise UsageError(f"nothing is known of {text!r}, so that nobody would be held", hint=hint)
    return found
