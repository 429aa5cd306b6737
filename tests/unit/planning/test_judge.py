"""What may be sent: guards, proposals, approvals, and what hangs on them."""

from collections.abc import Iterable
from datetime import timedelta

from syncd.model.memory import Approval, Memory
from syncd.model.operation import Bundle, Operation
from syncd.model.page import Count
from syncd.model.plan import Cause, Finding, Plan
from syncd.model.situation import Situation
from syncd.planning.judge import approvable, approved, chosen_of, judge
from tests.builders import NOW, operation, plan, situation


class Trips:
    """A guard that finds what it is told to."""

    name = "trips"
    means = "It has tripped."
    counts: frozenset[Count] = frozenset()

    def __init__(self, *bundles: str, tripped: bool = True, counted: int = 9) -> None:
        self.finding = Finding(
            guard=self.name,
            counted=counted,
            population=10,
            tripped=tripped,
            label="trips",
            budget="9 of 2",
            text="too many",
            bundles=frozenset(map(Bundle.parse, bundles)) if tripped else frozenset(),
        )

    def tally(self, operation: Operation, situation: Situation) -> None:
        del operation, situation

    def examine(self, plan: Plan, situation: Situation) -> Iterable[Finding]:
        yield self.finding


def approval(*operations: str) -> Approval:
    return Approval(digest="d", operations=frozenset(operations), by="ada", expires_at=NOW + timedelta(hours=1))


def judged(*operations: Operation, guards: Iterable[Trips] = (), approvals: Iterable[Approval] = ()) -> Plan:
    return judge(plan(*operations), situation(memory=Memory(approvals=tuple(approvals))), tuple(guards))


FIRST = operation("deregister", "user:a", bundle="removal:a")
SECOND = operation("deregister", "user:b", bundle="removal:b")
NEEDY = operation("alias.add", "user:c", needs=frozenset({FIRST.id}), after={"alias": "x"})
ADOPT = operation("adopt", "user:d", proposal=True, reason="its name matches")


def test_a_tripped_guard_withholds_its_bundles_and_what_needs_them() -> None:
    """Only the bundles that it counts; the rest goes on."""
    result = judged(FIRST, SECOND, NEEDY, guards=[Trips("removal:a")])
    assert {i: str(why) for i, why in result.withheld.items()} == {
        FIRST.id: "guard trips: too many",
        NEEDY.id: "needs an operation that is withheld",
    }
    assert result.sendable == (SECOND,)


def test_a_guard_that_didnt_trip_withholds_nothing() -> None:
    """Its finding is shown all the same."""
    result = judged(FIRST, guards=[Trips("removal:a", tripped=False)])
    assert (result.withheld, len(result.findings)) == ({}, 1)


def test_a_proposal_waits_for_a_person() -> None:
    """Withheld with its reason, until its id is approved."""
    assert judged(ADOPT).withheld[ADOPT.id].text == "needs approval: its name matches"
    assert judged(ADOPT, approvals=[approval(ADOPT.id)]).withheld == {}


def test_an_approval_frees_what_it_names_wherever_it_recurs() -> None:
    """Another plan with the same operation is freed; a new operation of the same guard is judged on its own."""
    result = judged(FIRST, SECOND, guards=[Trips("removal:a", "removal:b")], approvals=[approval(FIRST.id)])
    assert result.withheld.keys() == {SECOND.id}
    assert result.findings[0].tripped


def test_a_finding_whose_operations_are_all_approved_is_no_trip() -> None:
    """Then nothing is refused any more, and the budget says why."""
    ids = [approval(FIRST.id), approval(SECOND.id)]
    result = judged(FIRST, SECOND, guards=[Trips("removal:a", "removal:b")], approvals=ids)
    assert (result.withheld, result.findings[0].tripped) == ({}, False)
    assert result.findings[0].used.endswith("(approved)")


def test_an_approved_finding_about_the_source_holds_for_its_numbers() -> None:
    """The same numbers don't trip again, others do."""
    freed = approval("finding:trips:trips:9/10")
    assert not judged(FIRST, guards=[Trips("removal:a")], approvals=[freed]).findings[0].tripped
    assert judged(FIRST, guards=[Trips("removal:a", counted=10)], approvals=[freed]).findings[0].tripped


def test_an_approved_operation_whose_need_is_withheld_stays() -> None:
    """Freed by name, but what it needs isn't."""
    result = judged(FIRST, NEEDY, guards=[Trips("removal:a")], approvals=[approval(NEEDY.id)])
    assert result.withheld.keys() == {FIRST.id, NEEDY.id}


def test_half_an_address_move_is_never_sent() -> None:
    """With one operation of a connected move all of it is withheld: nobody is left on a parking address."""
    park = operation("address.park", "user:a", bundle="move:1", after={"primary": "p"})
    swap = operation("primary.change", "user:b", bundle="move:1", needs=frozenset({ADOPT.id}), after={"primary": "a"})
    result = judged(ADOPT, park, swap)
    assert result.sendable == ()
    assert result.withheld[park.id].text == "needs an operation that is withheld"


def test_half_a_removal_is_never_sent() -> None:
    """With one operation of a removal all of it is withheld: nobody is left half removed."""
    exit_ = operation("member.remove", "group:g", bundle="removal:a", needs=frozenset({ADOPT.id}))
    result = judged(ADOPT, exit_, FIRST, SECOND)
    assert result.sendable == (SECOND,)


def test_what_approving_a_plan_frees() -> None:
    """Its withheld operations, and its findings about the source, which withhold nothing at first."""
    result = judged(FIRST, ADOPT, guards=[Trips("removal:a")])
    assert approvable(result, ["trips"]) == {FIRST.id, ADOPT.id, "finding:trips:trips:9/10"}
    assert approvable(result, []) == {FIRST.id, ADOPT.id}


def test_approvals_add_up() -> None:
    """Several approvals free the sum of what they name."""
    assert approved([approval("a", "b"), approval("c")]) == {"a", "b", "c"}


def test_a_removal_is_approved_by_what_it_comes_to() -> None:
    """What its bundle holds besides may have changed since: a group joined, an address taken."""
    later = operation("member.remove", "group:g", bundle="removal:a", before={"member": "a"})
    result = judged(later, FIRST, guards=[Trips("removal:a")], approvals=[approval(FIRST.id)])
    assert result.withheld == {}


def test_what_rests_on_the_same_row_is_withheld_together() -> None:
    """A sheet sorted in one column only renames nobody while its addresses are withheld; creations go on."""
    primary = operation("primary.change", "user:a", entity="id-a", bundle="x", after={"primary": "b"})
    profile = operation("profile.update", "user:a", entity="id-a", after={"city": "Rome"})
    other = operation("profile.update", "user:b", entity="id-b", after={"city": "Rome"})
    newcomer = operation("profile.update", "user:a", after={"city": "Oslo"})
    result = judged(primary, profile, other, newcomer, guards=[Trips("x")])
    assert {i: why.cause for i, why in result.withheld.items()} == {primary.id: Cause.GUARD, profile.id: Cause.ROW}


def test_a_plan_is_applied_as_far_as_it_was_not_withheld() -> None:
    """What it withheld is sent only if an approval frees it now."""
    made = judged(FIRST, SECOND, guards=[Trips("removal:a")])
    assert chosen_of(made, made, Memory())[0] == (SECOND,)
    assert chosen_of(plan(FIRST, SECOND), made, Memory(approvals=(approval(FIRST.id),))) == ((FIRST, SECOND), ())


def test_half_of_an_address_move_is_not_what_was_chosen() -> None:
    """A third one has joined the move since: none of it is sent, and it is said to be another one."""
    ours, theirs, third = (operation("primary.change", f"user:{who}", entity=who, bundle="move:1") for who in "abc")
    alone = operation("alias.add", "user:d", entity="d")
    sent, stale = chosen_of(plan(ours, theirs, third, alone), plan(ours, theirs, alone), Memory())
    assert (sent, stale) == ((alone,), (ours, theirs))


def test_what_was_approved_and_is_needed_no_more_is_told() -> None:
    """An approval frees it, and nothing of it recurs: as stale as what nothing withheld."""
    made = judged(FIRST, guards=[Trips("removal:a")])
    assert chosen_of(plan(), made, Memory(approvals=(approval(FIRST.id),))) == ((), (FIRST,))
    assert chosen_of(plan(), made, Memory()) == ((), ())


def test_a_finding_about_one_kind_is_not_that_about_another() -> None:
    """No people of 40 was approved: no groups of 40 is another question, though the numbers are the same."""
    people, groups = (
        Finding(guard="empty_source", counted=0, population=40, tripped=True, label=f"{kind}s", budget="0")
        for kind in ("user", "group")
    )
    assert people.words.isdisjoint(groups.words)
