"""Nothing that can be done to anybody is without a page: read, guarded, counted, ordered, permitted, shown."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given

from syncd import wire
from syncd.guards import GUARDS, SOURCE_GUARDS
from syncd.mapping.rules import Rules
from syncd.mapping.settings import mapping_settings
from syncd.model.detail import Detail, Details
from syncd.model.names import STATED, Kind
from syncd.model.page import EVERYTHING, LISTS, Count, Managed, Page, Pages, Rank, Right, Role, Verb
from syncd.model.policy import (
    WINDOWED,
    GuardSettings,
    Manage,
    Mode,
    Policy,
    RejectionThreshold,
    SourceThreshold,
    Threshold,
)
from syncd.model.report import Outcome, Result
from syncd.model.window import Window
from syncd.planning.dependencies import rank
from syncd.planning.freshness import touched
from syncd.planning.judge import judge
from syncd.ports import Facet, Guard
from syncd.rendering.advice import advice
from syncd.rendering.view import NOUNS
from syncd.workmail.facets import FACETS
from syncd.workmail.pages import PAGES
from syncd.workmail.permissions import NEVER, PERMISSIONS
from syncd.workmail.terms import ADVICE
from tests.builders import NOW, binding, entity, operation, plan, situation
from tests.property.happenings import Stage
from tests.property.test_digest import plan as plan_of
from tests.property.test_digest import stages

NOTHING_AT_ALL = GuardSettings(
    **{
        name: Threshold(percent=0, count=0)
        for name, field in GuardSettings.model_fields.items()
        if field.annotation is Threshold
    },
    rejections=RejectionThreshold(percent=100, count=10_000),
    source_shrink=SourceThreshold(percent=100),
)


@dataclass(frozen=True, kw_only=True)
class Tables:
    """What must have a row for whatever can be done."""

    details: tuple[Detail[Any], ...] = PAGES.details
    guards: tuple[Guard, ...] = GUARDS
    permissions: Mapping[str, Right] = field(default_factory=lambda: PERMISSIONS)
    advice: Mapping[str, str] = field(default_factory=lambda: ADVICE)
    kinds: tuple[Kind, ...] = tuple(Kind)


def gaps(verb: Verb, tables: Tables) -> Iterator[str]:
    """What is missing of *verb*; an operation that is missing something must never be sent."""
    calls = verb.calls.values()
    if not all(read in (LISTS, EVERYTHING) or read in tables.details for read in verb.rests_on):
        yield "a read"
    uncounted = verb.counts_as is Count.NOTHING and not verb.destructive
    if not uncounted and not any(verb.counts_as in guard.counts for guard in tables.guards):
        yield "a guard"
    if not all(verb.titles.get(kind) for kind in tables.kinds):
        yield "a title"
    if not all(call in tables.permissions and call not in NEVER and call in wire.operation_names() for call in calls):
        yield "a right"
    if not all(tables.advice.get(code) for call in calls for code in wire.declared_errors(call)):
        yield "advice"


def found(tables: Tables) -> set[str]:
    """What is missing of any verb of any page."""
    return {gap for verb in PAGES.verbs for gap in gaps(verb, tables)}


def test_every_verb_has_everything() -> None:
    """Reads, a guard, a title, a rank, a right, advice: of every page, whether or not something uses it today."""
    assert {verb.name: list(gaps(verb, Tables())) for verb in PAGES.verbs if list(gaps(verb, Tables()))} == {}


USED = sorted({call for verb in PAGES.verbs for call in verb.calls.values()})
ROWS = [
    *(
        pytest.param(Tables(details=tuple(one for one in PAGES.details if one is not row)), "a read", id=row.thing)
        for row in PAGES.details
    ),
    *(
        pytest.param(Tables(guards=tuple(one for one in GUARDS if count not in one.counts)), "a guard", id=count.value)
        for count in sorted({verb.counts_as for verb in PAGES.verbs} - {Count.NOTHING})
    ),
    *(
        pytest.param(Tables(permissions={k: v for k, v in PERMISSIONS.items() if k != row}), "a right", id=row)
        for row in USED
    ),
    *(
        pytest.param(Tables(advice={k: v for k, v in ADVICE.items() if k != row}), "advice", id=row)
        for row in sorted({code for call in USED for code in wire.declared_errors(call)})
    ),
]


@pytest.mark.parametrize(("without_a_row", "missing"), ROWS)
def test_each_row_of_each_table_is_missed(without_a_row: Tables, missing: str) -> None:
    """Taken out of its table, it leaves a verb with a gap; a verb's own rows have no defaults, and are types."""
    assert found(without_a_row) == {missing}


@given(stages())
def test_whatever_is_planned_comes_from_a_page(stage: Stage) -> None:
    """In every world: each operation has a verb of a page, makes a call that the page names, and does what it may."""
    for one in (*plan_of(stage).operations, *plan_of(stage).outside):
        assert PAGES.verb(one.verb.name) is one.verb
        assert one.action in one.verb.actions
        assert one.call is None or one.call.operation in one.verb.calls.values()
        assert rank(one) in tuple(Rank)
        assert all(advice(Outcome(operation=one, result=result)) for result in Result if result is not Result.APPLIED)


@pytest.mark.parametrize("verb", [verb for verb in PAGES.verbs if verb.destructive], ids=str)
@pytest.mark.parametrize("kind", list(Kind), ids=str)
@pytest.mark.parametrize("known", [True, False], ids=["known", "not known"])
def test_whatever_destroys_is_withheld_where_nothing_may_be(verb: Verb, kind: Kind, *, known: bool) -> None:
    """With all limits at 0, one operation of any destructive verb on any kind trips a guard, and is withheld."""
    one = operation(verb.name, f"{kind.value}:crew", entity="id-crew" if known else None, before={"alias": "x"})
    here = situation(entities=[entity("crew", kind=kind)], policy=Policy(mode=Mode.FULL, guards=NOTHING_AT_ALL))
    judged = judge(plan(one), here, GUARDS)
    assert judged.sendable == ()
    assert judged.withheld[one.id].guard in {guard.name for guard in GUARDS} - SOURCE_GUARDS


@pytest.mark.parametrize("verb", [verb for verb in PAGES.verbs if not verb.believed], ids=str)
def test_what_is_not_believed_is_withheld_with_the_source(verb: Verb) -> None:
    """A source that shows nobody takes nothing away and renames nobody, whatever the other limits say."""
    one = operation(verb.name, "user:fry", entity="id-fry", before={"alias": "x"}, after={"city": "Rome"})
    here = situation(entities=[entity("fry")], counts=dict.fromkeys(STATED, 0), policy=Policy(mode=Mode.FULL))
    made = plan(one, populations={"users_owned_enabled": 1000})
    assert judge(made, here, GUARDS).sendable == ()


def test_every_limit_of_a_guard_is_a_count_of_operations_or_about_the_source() -> None:
    """A limit in the configuration belongs to a guard of its name, and each guard of operations has one."""
    assert {guard.name for guard in GUARDS} - {"empty_source"} == GuardSettings.model_fields.keys()
    assert {count for guard in GUARDS for count in guard.counts} >= set(Count) - {Count.NOTHING}


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
def test_every_guard_counts_over_windows_or_measures_the_source_alone(guard: Guard) -> None:
    """Its limits have a day and a week, and it says what a trip means."""
    assert guard.means.endswith(".")
    assert (guard.name in WINDOWED) == (bool(guard.counts) or guard.name == "source_shrink")
    if guard.counts:
        limits = getattr(GuardSettings(), guard.name)
        assert limits.within(Window.DAY) == limits.amount
        assert limits.within(Window.WEEK).percent == min(limits.percent * 2, 100)


@pytest.mark.parametrize("verb", [verb for verb in PAGES.verbs if verb.counts_as is not Count.NOTHING], ids=str)
def test_whatever_is_counted_tells_what_is_used_of_each_window(verb: Verb) -> None:
    """One operation of any verb is counted by the guard of its count, in this plan, in a day, in a week."""
    counting = [guard for guard in GUARDS if verb.counts_as in guard.counts]
    new = verb.role in (Role.BEGINS, Role.ENABLES)
    one = operation(verb.name, "user:fry", entity=None if new else "id-fry", before={"city": "Rome"})
    bound = [binding("user:leela" if new else "user:fry", since=NOW - timedelta(days=30))]
    here = situation(entities=[entity("fry"), entity("leela")], bindings=bound, policy=Policy(mode=Mode.FULL))
    found = [finding for guard in counting for finding in guard.examine(plan(one), here)]
    assert [use.counted for finding in found if finding.counted for use in finding.windows] == [1, 1] * len(counting)
    assert {guard.tally(one, here) is not None for guard in counting} == {True}


@pytest.mark.parametrize("count", sorted(set(Count) - {Count.NOTHING}))
def test_whatever_is_counted_has_a_guard_with_limits(count: Count) -> None:
    """What an operation may count as is what a guard is called, whose limits stand in the configuration."""
    assert count.value in {guard.name for guard in GUARDS if count in guard.counts}
    assert isinstance(getattr(GuardSettings(), count.value), Threshold)


@pytest.mark.parametrize("verb", PAGES.verbs, ids=str)
def test_every_verb_is_counted_or_says_that_it_only_adds(verb: Verb) -> None:
    """Nothing takes, changes or makes an account uncounted: what counts as nothing adds to what is there."""
    assert verb.counts_as is not Count.NOTHING or verb.name in {"adopt", "rebind", "alias.add", "member.add"}


def test_every_detail_comes_back_as_it_was_read() -> None:
    """What is kept of a detail is what was read: its codec is the identity, there and back."""
    samples: dict[str, Any] = {
        "aliases": frozenset({"a@x.example", "b@x.example"}),
        "profile": {"city": "Rome"},
        "members": frozenset({"id-fry"}),
        "quota": 51_200,
    }
    for detail in PAGES.details:
        value = samples[detail.thing]
        assert detail.codec.decode(detail.codec.encode(value), lambda text, _: text) == value
        assert Details({detail.thing: {entity("fry").id: value}}).of(detail) == {entity("fry").id: value}


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        ({"counts_as": Count.NOTHING}, "counted by a guard"),
        ({"believed": True}, "never follow from disbelief"),
        ({"destructive": False}, "removes, so it is destructive"),
        ({"rests_on": ()}, "what it rests on"),
        ({"titles": {}}, "as what it is shown"),
        ({"actions": frozenset()}, "what it does"),
    ],
)
def test_a_verb_without_one_of_its_rows_cannot_be_made(change: dict[str, Any], missing: str) -> None:
    """Removing what safety rests on is an error where the page stands, before anything runs."""
    with pytest.raises(ValueError, match=missing):
        replace(PAGES.verb("alias.remove"), **change)


def test_no_field_of_a_verb_has_a_default() -> None:
    """Whoever adds a verb answers every question; the type checker asks."""
    required = [field.name for field in fields(Verb) if field.default is field.default_factory]
    assert required == [field.name for field in fields(Verb)]
    assert {field.name for field in fields(Page) if field.default is not field.default_factory} == set()


@pytest.mark.parametrize("page", list(PAGES), ids=lambda page: page.thing)
def test_without_a_page_nothing_of_it_is_known(page: Page) -> None:
    """A row taken out is missed: no verb of it can be read back, read, or permitted."""
    rest = Pages([one for one in PAGES if one is not page])
    for verb in page.verbs:
        with pytest.raises(KeyError):
            rest.verb(verb.name)
    assert len(rest.details) + (page.detail is not None) == len(PAGES.details)
    only_here = {call for verb in page.verbs for call in verb.calls.values()}
    assert only_here.isdisjoint(rest.calls())


def test_whatever_is_planned_rests_on_a_read_of_this_cycle() -> None:
    """A verb that rests on a detail makes the cycle read it anew before anything is sent."""
    fry = entity("fry")
    for verb in PAGES.verbs:
        one = operation(verb.name, "user:fry", entity=fry.id)
        read = {thing for thing, _ in touched([one], {fry.id: fry}, PAGES)}
        details = [detail for detail in verb.rests_on if isinstance(detail, Detail)]
        assert read >= {detail.thing for detail in details if detail.concerns(fry)}


def planned(facets: Sequence[Facet]) -> list[str]:
    """The things that *facets* plan."""
    return sorted(thing for facet in facets for thing in facet.things)


def test_every_page_is_planned_by_one_facet() -> None:
    """A page without a facet would be read and never kept; `test_calls_are_valid.py` sees each call of it made."""
    assert planned(FACETS) == sorted(page.thing for page in PAGES)
    assert len({facet.name for facet in FACETS}) == len(FACETS)


@pytest.mark.parametrize("facet", FACETS, ids=lambda facet: facet.name)
def test_a_facet_taken_out_is_missed(facet: Facet) -> None:
    """Its pages would be planned by nobody."""
    assert planned([one for one in FACETS if one is not facet]) != planned(FACETS)


@pytest.mark.parametrize("page", list(PAGES), ids=lambda page: page.thing)
def test_a_page_reaches_every_kind_it_is_of(page: Page) -> None:
    """Whatever role a verb has, the verbs of that role make a call for each kind, or none at all."""
    for role in {verb.role for verb in page.verbs}:
        made = {kind for verb in page.verbs if verb.role is role for kind in verb.calls}
        assert made in (set(), page.kinds), role


def test_everything_is_managed_where_everything_is_given_and_read() -> None:
    """A page that asks the directory for a value, and gets it, is read; none asks in vain, or for nothing."""
    fields = {field.name: "x" for field in PAGES.given}
    users = {"name": "x", "display_name": "x", "primary_email": "x", "profile": {"city": "x"}} | fields
    rules = Rules(mapping_settings(PAGES.given).model_validate({"key": "x", "users": users}))
    managed = Managed(manage=Manage(), given=rules.given, read=frozenset(Kind))
    assert {detail.thing for detail in PAGES.managed(managed)} == {detail.thing for detail in PAGES.details}


def test_what_destroys_a_mailbox_says_for_how_long_it_can_be_put_back() -> None:
    """People decide by it: `workmail.md` B10."""
    ends = [verb for verb in PAGES.verbs if verb.role is Role.ENDS]
    assert ends
    assert all(verb.fuse[Kind.USER] > timedelta(0) for verb in ends)


def test_every_kind_has_its_noun() -> None:
    """Figures say how many of each."""
    assert NOUNS.keys() == set(Kind)
