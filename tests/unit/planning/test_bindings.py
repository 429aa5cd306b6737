"""How ownership changes with each operation."""

from dataclasses import replace
from datetime import timedelta
from typing import Literal

import pytest

from syncd.model.memory import Binding
from syncd.model.names import EntityId, Key
from syncd.model.operation import Operation
from syncd.model.policy import Manage, Mode, Policy
from syncd.model.report import Outcome, Result
from syncd.model.situation import Situation
from syncd.model.standing import Proposal, ProposalKind, Standings
from syncd.planning.bindings import after_success, before_sending, remembered, rolled_back
from tests.builders import DOMAIN, NOW, SOURCE, binding, entity, entity_id, known, operation, plan, situation

FRY, NEW = Key("user:fry"), Key("user:new")
EARLIER = NOW - timedelta(days=3)


def here(*bindings: Binding, proposal: Proposal | None = None) -> Situation:
    return situation(
        entities=[entity("fry")],
        bindings=bindings,
        details=known(aliases={entity_id("fry"): frozenset({f"z@{DOMAIN}", f"a@{DOMAIN}"})}),
        standings=Standings(proposals={proposal.key: proposal} if proposal else {}),
    )


def about(kind: str, key: Key = FRY, entity: str | None = "id-fry", bundle: str = "") -> Operation:
    return operation(kind, key, entity=entity, bundle=bundle)


def test_a_leavers_addresses_are_stored_before_the_first_is_given_up() -> None:
    """Every operation of the removal carries them, the primary first; other operations carry nothing."""
    now = here(binding("user:fry"))
    stored = before_sending(now, {}, about("alias.remove", bundle="removal:user:fry"))
    assert stored is not None
    assert stored.addresses == (f"fry@{DOMAIN}", f"a@{DOMAIN}", f"z@{DOMAIN}")
    exit_ = operation("member.remove", "group:crew", entity="id-crew", bundle="removal:user:fry")
    assert before_sending(now, {}, exit_) == stored
    assert before_sending(now, {}, about("alias.remove")) is None


def test_a_creation_binds() -> None:
    """Whoever we make is ours from then on, under this source."""
    made, replaces = after_success(here(), about("user.create", entity=None), EntityId("id-new"))
    assert made == Binding(key=FRY, entity=EntityId("id-new"), source=SOURCE, since=NOW)
    assert replaces is None


def test_an_adoption_binds_as_adopted() -> None:
    """Ours, though not made by us."""
    proposal = Proposal(kind=ProposalKind.ADOPT, key=FRY, entity=entity_id("fry"), reason="alike")
    made, replaces = after_success(here(proposal=proposal), about("adopt"), None)
    assert made is not None
    assert (made.entity, made.adopted, replaces) == ("id-fry", True, None)


def test_a_rebinding_takes_everything_over() -> None:
    """The entity, and what was held before a removal, pass from the old key to the new one."""
    old = binding("user:fry", adopted=True, addresses=(f"fry@{DOMAIN}",), removed_at=EARLIER, source="csv:login")
    proposal = Proposal(kind=ProposalKind.REBIND, key=NEW, entity=entity_id("fry"), reason="alike", previous=FRY)
    now = here(old, proposal=proposal)
    made, replaces = after_success(now, about("rebind", NEW), None)
    assert made is not None
    assert (made.key, made.entity, made.source, made.adopted) == (NEW, "id-fry", SOURCE, True)
    assert (made.addresses, made.removed_at, replaces) == (old.addresses, EARLIER, FRY)
    assert remembered(now, NEW) == old
    back, _ = after_success(now, about("register", NEW), None)
    assert back is not None
    assert (back.key, back.removed_at, back.addresses) == (NEW, None, old.addresses)


def test_a_deregistration_is_remembered_with_the_addresses() -> None:
    """A return finds them, and knows since when."""
    made, _ = after_success(here(binding("user:fry")), about("deregister", bundle="removal:user:fry"), None)
    assert made is not None
    assert (made.removed_at, made.addresses[0]) == (NOW, f"fry@{DOMAIN}")


@pytest.mark.parametrize(("manage", "kept"), [("exact", False), ("additive", True), (False, True)])
def test_a_return_ends_the_removal(manage: Literal["exact", "additive", False], kept: bool) -> None:
    """Registered again: what only WorkMail knew of is owed until it was given back, the rest the directory says."""
    old = binding("user:fry", addresses=(f"fry@{DOMAIN}",), groups=(entity_id("crew"),), removed_at=EARLIER)
    policy = Policy(mode=Mode.FULL, manage=Manage(aliases=manage, members=manage))
    made, _ = after_success(replace(here(old), policy=policy), about("register"), None)
    assert made is not None
    assert (made.removed_at, bool(made.addresses), bool(made.groups)) == (None, kept, kept)


def test_a_first_registration_changes_no_binding() -> None:
    """The creation has bound already; so it is with every other operation."""
    assert after_success(here(binding("user:fry")), about("register"), None) == (None, None)
    assert after_success(here(binding("user:fry")), about("alias.add"), None) == (None, None)


def test_a_recreated_entity_is_not_bound_to_the_lost_one_again() -> None:
    """The registration of a new entity leaves the binding that its creation wrote: the old one is gone for good."""
    old = binding("user:fry", "lost", removed_at=EARLIER)
    assert after_success(here(old), about("register", entity=None), None) == (None, None)
    assert after_success(here(old), about("register"), None) == (None, None)
    assert after_success(here(old), about("deregister"), None) == (None, None)


# --- giving back -----------------------------------------------------------------------------------------------------

STEPS = tuple(
    operation("alias.add", FRY, entity="id-fry", bundle=f"rollback:{FRY}", after={"alias": f"{name}@{DOMAIN}"})
    for name in ("fry", "philip")
)
GIVEN_UP = situation(
    entities=[entity("fry")],
    bindings=[binding(FRY, began_at=EARLIER, addresses=(f"fry@{DOMAIN}",), groups=("id-crew",), stuck="AccessDenied")],
    standings=Standings(rollbacks={FRY: "the service refused it"}),
)


def ended(one: Operation, result: Result = Result.APPLIED) -> Outcome:
    return Outcome(operation=one, result=result)


def test_who_has_everything_back_keeps_no_memento() -> None:
    """Every step succeeded, or there was none: what was held is forgotten, why it was given up is not."""
    for made, outcomes in ((plan(*STEPS), [ended(one) for one in STEPS]), (plan(), [])):
        (whole,) = rolled_back(GIVEN_UP, made, outcomes)
        assert (whole.began_at, whole.addresses, whole.groups, whole.stuck) == (None, (), (), "AccessDenied")


@pytest.mark.parametrize("result", [result for result in Result if result is not Result.APPLIED])
def test_who_lacks_a_step_keeps_it(result: Result) -> None:
    """One that failed, whose answer was lost, or that was never sent."""
    assert list(rolled_back(GIVEN_UP, plan(*STEPS), [ended(STEPS[0]), ended(STEPS[1], result)])) == []
    assert list(rolled_back(GIVEN_UP, plan(*STEPS), [ended(STEPS[0])])) == []


def test_a_plan_that_left_something_for_later_forgets_nothing() -> None:
    """A step that rests on what wasn't read freshly is deferred: without it, nothing seems to be left."""
    assert list(rolled_back(GIVEN_UP, plan(deferred={"alias.add": 1}), [])) == []
