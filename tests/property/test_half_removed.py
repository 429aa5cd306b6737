"""A removal that is interrupted anywhere ends in one of two states: wholly removed, or wholly as before.

Each call of a removal fails in each way, something happens meanwhile, and the trouble is over. What the directory and
the administrators say afterwards decides which of the two states it is; nobody stays half removed, and nobody is given
an address out of a removal before its deregistration has succeeded.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from syncd.emulator.faults import ErrorAnswer, Fault
from syncd.errors import SyncdError
from syncd.model.names import Key, Kind
from syncd.model.policy import Manage, Mode, Policy, Removal
from tests.builders import wanted
from tests.fakes.cycles import DOMAIN
from tests.property.worlds import WIDE_OPEN, Directory, LivingWorld

AMY = Key("user:amy")
EXTRA = f"planet.express.intern@{DOMAIN}"
REMOVAL = Removal(after_cycles=1, after=timedelta(0), finish_within=timedelta(hours=1))
CALLS = (
    ("DisassociateMemberFromGroup", 1),
    ("DisassociateMemberFromGroup", 2),
    ("UpdatePrimaryEmailAddress", 1),
    ("DeleteAlias", 1),
    ("DeleteAlias", 3),
    ("DeregisterFromWorkMail", 1),
)
TROUBLES: dict[str, dict[str, Any]] = {
    "access denied": {"error": ErrorAnswer(code="AccessDeniedException")},
    "500 for ever": {"error": ErrorAnswer(code="InternalFailure", status=500)},
    "no answer, no effect": {"timeout": "before"},
    "effect, no answer": {"drop": "after"},
}
MANAGED = {
    "all managed": Manage(aliases="exact", members="exact"),
    "extras kept": Manage(aliases="additive", members="additive"),
    "nothing managed": Manage(aliases=False, members=False),
}


@dataclass(frozen=True, slots=True)
class Held:
    """What somebody holds."""

    state: str
    primary: str
    aliases: frozenset[str]
    groups: frozenset[str]


def held(world: LivingWorld, name: str) -> Held:
    """What the one called *name* holds in the organization."""
    documents = world.documents()
    identity, mine = next((i, one) for i, one in documents.items() if one["name"] == name)
    groups = frozenset(one["name"] for one in documents.values() if identity in one["members"])
    return Held(mine["state"], mine.get("email") or "", frozenset(mine.get("aliases", ())), groups)


def directory() -> Directory:
    """Amy, with two aliases, in two groups; and somebody who stays."""
    found = Directory()
    for name in ("fry", "leela", "amy", "bender"):
        found.put(wanted(name))
    found.change(AMY, aliases=(f"wong@{DOMAIN}", f"amy.wong@{DOMAIN}"))
    found.put(wanted("crew", kind=Kind.GROUP, members=("user:fry", "user:amy")))
    found.put(wanted("staff", kind=Kind.GROUP, members=("user:leela", "user:amy")))
    return found


def settled(manage: Manage) -> tuple[LivingWorld, Directory, Held]:
    """A world in sync, what the directory says of it, and what Amy holds; one alias only an administrator knows of."""
    world, rows = (
        LivingWorld(policy=Policy(mode=Mode.FULL, manage=manage, removal=REMOVAL, guards=WIDE_OPEN)),
        directory(),
    )
    world.desired = rows.mapped()
    world.fresh()
    if not manage.members or manage.members == "additive":
        documents = world.documents()
        amy, crew, staff = (next(i for i, d in documents.items() if d["name"] == n) for n in ("amy", "crew", "staff"))
        for group in (crew, staff):
            world.meddle("AssociateMemberToGroup", GroupId=group, MemberId=amy)
        if manage.aliases != "exact":
            for alias in (EXTRA, f"wong@{DOMAIN}"):
                world.meddle("CreateAlias", EntityId=amy, Alias=alias)
    world.fresh()
    return world, rows, held(world, "amy")


def tried(world: LivingWorld) -> None:
    """Run a cycle; one that ends with an error of its own is a cycle all the same."""
    try:
        world.fresh()
    except SyncdError:
        return


def nothing(world: LivingWorld, rows: Directory) -> None:
    """Nobody does anything."""


def returns(world: LivingWorld, rows: Directory) -> None:
    """The entry is enabled again."""
    rows.set_status(AMY, "enabled")


def is_rejected(world: LivingWorld, rows: Directory) -> None:
    """The entry can't be used any more."""
    rows.set_status(AMY, "rejected")


def is_protected(world: LivingWorld, rows: Directory) -> None:
    """The operator protects her."""
    world.policy = world.policy.model_copy(update={"protected": ("user:amy",)})


def removes_nobody(world: LivingWorld, rows: Directory) -> None:
    """The operator goes back to a mode that removes nobody."""
    world.policy = world.policy.model_copy(update={"mode": Mode.UPSERT})


MEANWHILE: tuple[Callable[[LivingWorld, Directory], None], ...] = (
    nothing,
    returns,
    is_rejected,
    is_protected,
    removes_nobody,
)


def removed(now: Held) -> bool:
    """Whether somebody is wholly removed: nothing is left, wherever WorkMail lets it be seen."""
    return now.state == "DISABLED" and not now.aliases - {now.primary} and not now.groups


@pytest.mark.parametrize("managed", MANAGED)
@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("happens", MEANWHILE, ids=lambda happens: happens.__name__)
def test_nobody_stays_half_removed(managed: str, trouble: str, happens: Callable[..., None]) -> None:
    """Wherever it is interrupted: wholly removed in the end, or wholly as before."""
    ends: Counter[str] = Counter()
    neither = []
    for call, nth in CALLS:
        world, rows, before = settled(MANAGED[managed])
        rows.set_status(AMY, "disabled")
        rows.put(wanted("hermes", primary=f"amy@{DOMAIN}"))
        world.desired = rows.mapped()
        only: dict[str, Any] = {"nth": nth} if TROUBLES[trouble].keys() & {"drop", "timeout"} else {}
        world.fail(Fault(operation=call, **TROUBLES[trouble], **only))
        tried(world)
        amy = held(world, "amy")
        if amy.state == "ENABLED":
            assert all(
                one.get("email") != f"amy@{DOMAIN}" or one["name"] == "amy" for one in world.documents().values()
            )
        happens(world, rows)
        world.desired = rows.mapped()
        tried(world)
        world.fail()
        for _ in range(4):
            world.clock.advance(hours=2)
            tried(world)
        end = held(world, "amy")
        same = end == before
        ends["as before" if same else "removed" if removed(end) else "neither"] += 1
        if not same and not removed(end):
            neither.append((call, nth, before, end))
    print(f"{managed}, {trouble}, {happens.__name__}: {dict(ends)}")
    assert not neither
