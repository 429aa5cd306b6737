"""Whatever entities the limits let through: no facet ever makes a call that WorkMail's own model refuses."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd import wire
from syncd.model.limits import TextLimit
from syncd.model.names import EntityId, Key, Kind, fold
from syncd.model.operation import Operation
from syncd.model.policy import Manage, Mode, Policy
from syncd.model.situation import Situation
from syncd.model.standing import Proposal, ProposalKind, Standings
from syncd.model.state import HIDDEN, PROFILE_FIELDS, Entity, State, Wanted
from syncd.workmail.facets import FACETS, accounts, members, profile, quota
from syncd.workmail.limits import workmail_limits
from syncd.workmail.pages import PAGES
from tests.builders import DOMAIN, binding, entity, known, situation, wanted
from tests.property.worlds import filled

LIMITS = workmail_limits()
IDS = tuple(EntityId(f"{number:08x}-0000-0000-0000-000000000000") for number in range(6))


def allowed(limit: TextLimit, *texts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """What of *texts* the limit lets through."""
    return st.one_of(*texts).filter(lambda text: not limit.complaint(text))


LETTERS = "abzABZ019_-."
user_names = allowed(
    LIMITS.user_name, st.text(LETTERS, min_size=1, max_size=9), st.sampled_from(["x" * 64, "ada@corp.example", "ß"])
)
group_names = allowed(
    LIMITS.group_name,
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF), min_size=1, max_size=9),
    st.just("ÿ" * 256),
)
addresses = allowed(
    LIMITS.address,
    st.builds(
        "{}@{}.{}".format, st.text(LETTERS + "%+", min_size=1, max_size=5), st.text("ab-.9", max_size=4), st.just("ex")
    ),
    st.sampled_from(["x" * 64 + "@corp.example", "a@" + "b" * 240 + ".example"]),
)
texts = allowed(LIMITS.display_name, st.text(st.characters(exclude_categories=["Cs"]), max_size=9), st.just("x" * 256))
hidden = st.fixed_dictionaries({}, optional={HIDDEN: st.sampled_from(["true", "false"])})
profiles = st.builds(
    lambda some, flag: some | flag, st.dictionaries(st.sampled_from(PROFILE_FIELDS), texts, max_size=3), hidden
)


@st.composite
def wants(draw: st.DrawFn, kind: Kind, number: int) -> Wanted:
    """An entity within the limits."""
    user = kind is Kind.USER
    return wanted(
        draw(user_names if user else group_names),
        key=f"{kind}:{number}",
        kind=kind,
        display_name=draw(texts) if user else "",
        enabled=draw(st.booleans()),
        primary=draw(addresses),
        aliases=draw(st.lists(addresses, max_size=2, unique_by=fold)),
        profile=draw(profiles if user else hidden),
        members=draw(st.frozensets(st.sampled_from(["user:0", "user:1", "user:2"]))) if not user else (),
    )


@st.composite
def holders(draw: st.DrawFn, number: int, kind: Kind) -> Entity:
    """What WorkMail may hold."""
    state = draw(st.sampled_from([State.ENABLED, State.ENABLED, State.DISABLED]))
    enabled = state is State.ENABLED
    return Entity(
        IDS[number],
        kind,
        draw(st.text(max_size=5)),
        draw(st.text(max_size=5)),
        draw(addresses) if enabled else "",
        state,
        ever_enabled=enabled or draw(st.booleans()),
    )


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    """Two users and a group that are ours, a leaver, and a user and a group that aren't there yet."""
    rows = [
        draw(wants(Kind.USER, 0)),
        draw(wants(Kind.USER, 1)),
        draw(wants(Kind.GROUP, 0)),
        draw(wants(Kind.GROUP, 1)),
    ]
    there = [draw(holders(0, Kind.USER)), draw(holders(1, Kind.GROUP)), draw(holders(2, Kind.USER))]
    ours = {Key("user:0"): IDS[0], Key("group:0"): IDS[1], Key("user:9"): IDS[2]}
    rows = [replace(row, given={"quota": 1024}) if row.kind is Kind.USER else row for row in rows]
    proposal = Proposal(kind=draw(st.sampled_from(ProposalKind)), key=Key("user:0"), entity=IDS[0], reason="alike")
    return situation(
        rows,
        there,
        bindings=[binding(key, key) for key in ours],
        policy=Policy(mode=Mode.FULL, manage=Manage(aliases=draw(st.sampled_from(["exact", "additive"])))),
        details=known(
            aliases={one.id: draw(st.frozensets(addresses, max_size=2)) for one in there if one.primary},
            profile={IDS[0]: {"first_name": "Ada"}, IDS[1]: {}},
            quota={IDS[0]: 51_200},
            members={IDS[1]: frozenset(draw(st.sets(st.sampled_from([IDS[0], IDS[2]]))))},
        ),
        standings=Standings(
            entity_of=ours,
            key_of={identity: key for key, identity in ours.items()},
            leaving={Key("user:9"): "gone"} if there[2].state is State.ENABLED else {},
            newcomers=frozenset({Key("user:1"), Key("group:1")}),
            proposals={proposal.key: proposal} if draw(st.booleans()) else {},
        ),
    )


def everything(now: Situation) -> Iterator[Operation]:
    """What the facets make of a situation."""
    for facet in FACETS:
        yield from facet.propose(now).operations


@given(situations())
def test_no_facet_makes_an_invalid_call(now: Situation) -> None:
    """Names, addresses, profiles and members within the limits only lead to calls that are valid."""
    for operation in everything(now):
        if operation.call is not None:
            assert wire.problems(operation.call.operation, filled(operation.call)) == (), operation


Constructor = Callable[[], Operation]
ADA, CREW = wanted("ada"), wanted("crew", kind=Kind.GROUP, members=("user:ada",))
HERE = situation(
    [ADA, CREW],
    [entity("ada"), entity("crew", kind=Kind.GROUP)],
    bindings=[binding("user:ada"), binding("group:crew")],
    standings=Standings(
        entity_of={ADA.key: IDS[0], CREW.key: IDS[1]},
        key_of={IDS[0]: ADA.key, IDS[1]: CREW.key, EntityId("id-ada"): ADA.key},
        leaving={ADA.key: "gone"},
    ),
    details=known(members={IDS[1]: frozenset({IDS[0]})}),
)
CONSTRUCTORS: dict[str, Constructor] = {
    "CreateUser": lambda: accounts.create(HERE, ADA),
    "CreateGroup": lambda: accounts.create(HERE, CREW),
    "DeregisterFromWorkMail": lambda: accounts.deregister(
        HERE, entity=Entity(IDS[0], Kind.USER, "ada", "Ada", f"ada@{DOMAIN}", State.ENABLED)
    ),
    "UpdateUser": lambda: profile.update(HERE, ADA, IDS[0], before={}, after={"first_name": "", HIDDEN: "true"}),
    "UpdateGroup": lambda: profile.update(HERE, CREW, IDS[1], before={}, after={HIDDEN: "false"}),
    "UpdateMailboxQuota": lambda: quota.update(HERE, ADA, IDS[0], before=1, after=51_200),
    "AssociateMemberToGroup": lambda: members.add(HERE, CREW, None, ADA),
}


@pytest.mark.parametrize("call", CONSTRUCTORS)
def test_each_constructor_makes_the_call_it_is_for(call: str) -> None:
    """A constructor by itself makes a valid call; and one that lacks its id would be found."""
    operation = CONSTRUCTORS[call]()
    assert operation.call is not None
    assert operation.call.operation == call
    parameters = filled(operation.call)
    assert wire.problems(call, parameters) == ()
    del parameters["OrganizationId"]
    assert wire.problems(call, parameters) != ()


def test_all_calls_of_the_pages_are_made() -> None:
    """A facet makes each call of each verb of each page in some situation, so that the first test reaches all."""
    seen: set[tuple[str, str]] = set()

    @given(situations())
    def look(now: Situation) -> None:
        seen.update((o.verb.name, o.call.operation) for o in everything(now) if o.call is not None)

    look()
    assert seen == {(verb.name, call) for verb in PAGES.verbs for call in verb.calls.values()}
