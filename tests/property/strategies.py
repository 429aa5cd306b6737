"""Arbitrary values of the model: as wild as a directory can be, within what the types promise."""

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from syncd.model.action import Action
from syncd.model.entry import Rejection
from syncd.model.names import EntityId, Key, Kind, make_key
from syncd.model.operation import Bundle, Call, Fact, Generated, Merged, Operation, Parameter, Ref
from syncd.model.plan import Cause, Finding, Limit, Note, Plan, Populations, Use, Withheld
from syncd.model.report import Outcome, Report, Result
from syncd.model.standing import Pending
from syncd.model.window import Window
from syncd.workmail.pages import PAGES

#: What a directory may say: letters of all scripts, controls, bidi overrides, combining and wide characters.
texts = st.text(max_size=24) | st.sampled_from(
    [
        "",
        " ",
        "ada",
        "\x1b[2J",
        "\u202egnp.exe",
        "e\u0301",
        "王小明",
        "👩‍🚀",
        "<script>",
        "a|b",
        "x" * 120,
        "\x9b0m",
        "\n",
    ]
)
#: Names that code writes: kinds, fields, guards.
words = st.from_regex(r"[a-z][a-z_.]{0,11}", fullmatch=True)
digits = st.integers(min_value=0, max_value=10**6)
moments = st.integers(min_value=0, max_value=4 * 10**15).map(
    lambda microseconds: datetime(1990, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
)
kinds = st.sampled_from(Kind)
keys: st.SearchStrategy[Key] = st.builds(make_key, kinds, texts)
entity_ids: st.SearchStrategy[EntityId] = texts.map(EntityId)
facts: st.SearchStrategy[Fact] = texts.map(Fact)
placeholders = keys.map(Ref) | words.map(Generated) | words.map(Merged)
parameters: st.SearchStrategy[Parameter] = st.one_of(texts, st.booleans(), digits, placeholders)
calls = st.builds(Call, words, st.dictionaries(words | st.just("*"), parameters, max_size=3))
values = st.recursive(
    st.none() | st.booleans() | digits | texts | placeholders,
    lambda inner: (
        st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(words, inner, max_size=2)
        | st.frozensets(texts, max_size=3)
    ),
    max_leaves=3,
)
changes = st.dictionaries(words | st.sampled_from(["primary", "alias", "member", "name"]), values, max_size=3)


verbs = st.sampled_from(PAGES.verbs)
bundles = (st.sampled_from(["one", "two", "removal:user:7", "move:1"]) | texts).map(Bundle.parse)


@st.composite
def operations(draw: st.DrawFn) -> Operation:
    verb = draw(verbs)
    return Operation(
        verb=verb,
        action=draw(st.sampled_from(Action)),
        subject=draw(keys),
        entity=draw(st.none() | entity_ids),
        bundle=draw(bundles),
        summary=draw(texts),
        reason=draw(texts),
        call=draw(st.none() | calls),
        effect=draw(changes),
        before=draw(changes),
        after=draw(changes),
        awaits=draw(st.frozensets(facts, max_size=2)),
        gives=draw(st.frozensets(facts, max_size=2)),
        needs=draw(st.frozensets(texts, max_size=2)),
        follows=draw(st.frozensets(texts, max_size=2)),
        proposal=draw(st.booleans()),
    )


rejections = st.builds(Rejection, key=st.none() | keys, origin=texts, reason=texts, remedy=texts)
notes = st.builds(Note, code=words, subject=st.just("") | keys, text=texts)
pendings = st.builds(
    Pending,
    key=keys,
    entity=entity_ids,
    name=texts,
    why=texts,
    cycles=digits,
    cycles_needed=digits,
    since=moments,
    due_at=st.none() | moments,
)
limits = st.builds(Limit, count=st.none() | digits, percent=st.none() | digits, both=st.booleans())
uses = st.builds(
    Use,
    window=st.sampled_from(Window),
    counted=digits,
    before=digits,
    population=digits,
    passes=digits,
    limit=limits,
    tripped=st.booleans(),
    free_at=st.none() | moments,
)
findings = st.builds(
    Finding,
    guard=words,
    counted=digits,
    population=digits,
    tripped=st.booleans(),
    label=texts,
    budget=texts,
    limit=limits,
    about=texts,
    text=texts,
    approved=st.booleans(),
    bundles=st.frozensets(bundles, max_size=2),
    scope=words,
    windows=st.lists(uses, max_size=2).map(tuple),
)
reasons = st.builds(Withheld, cause=st.sampled_from(Cause), text=texts, guard=words)
_POPULATIONS = st.sampled_from(
    ["users_in_directory", "groups_in_directory", "users_owned_enabled", "users_within_reach", "foreign"]
)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    planned = draw(st.lists(operations(), max_size=3))
    return Plan(
        organization=draw(texts),
        organization_id=draw(texts),
        created_at=draw(moments),
        operations=tuple(planned),
        outside=tuple(draw(st.lists(operations(), max_size=1))),
        deferred=draw(st.dictionaries(verbs, digits, max_size=2)),
        withheld={one.id: draw(reasons) for one in planned if draw(st.booleans())},
        findings=tuple(draw(st.lists(findings, max_size=2))),
        pending=tuple(draw(st.lists(pendings, max_size=2))),
        rejections=tuple(draw(st.lists(rejections, max_size=2))),
        notes=tuple(draw(st.lists(notes, max_size=2))),
        populations=Populations.of_numbers(draw(st.dictionaries(_POPULATIONS, digits, max_size=3))),
        names=draw(st.dictionaries(keys, texts, max_size=2)),
    )


@st.composite
def reports(draw: st.DrawFn) -> Report:
    plan = draw(st.none() | plans())
    outcomes = [
        Outcome(
            operation=one,
            result=draw(st.sampled_from(Result)),
            code=draw(texts),
            message=draw(texts),
            attempts=draw(st.integers(min_value=0, max_value=9)),
        )
        for one in (plan.operations if plan is not None else ())
    ]
    return Report(
        cycle_id=draw(texts),
        organization=draw(texts),
        command=draw(words),
        started_at=draw(moments),
        finished_at=draw(moments),
        plan=plan,
        outcomes=tuple(outcomes),
        error=draw(texts),
        exit_code=draw(st.sampled_from([0, 1, 3, 4])),
    )
