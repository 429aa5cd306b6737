"""Who is who: the rows of the table in match.py."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from syncd.model.detail import Details
from syncd.model.entry import Absence, Rejection
from syncd.model.memory import Mark, Memory, OpenIntent
from syncd.model.names import Key, Kind
from syncd.model.policy import Adopt, Mode, Pilot, Policy, Removal
from syncd.model.standing import ProposalKind, Standings
from syncd.model.state import Desired, Entity, Organization, State, Wanted
from syncd.planning.evidence import Evidence
from syncd.planning.match import match
from syncd.planning.meant import protections
from tests.builders import DOMAIN, NOW, SOURCE, binding, desired, entity, entity_id, known, observed, wanted

FRY, LEELA = Key("user:fry"), Key("user:leela")
LONG_AGO = NOW - timedelta(days=31)


def standings(
    rows: Iterable[Wanted] | Desired = (),
    entities: Iterable[Entity] = (),
    *,
    bound: Iterable[Any] = (),
    marks: Iterable[Mark] = (),
    intents: Iterable[OpenIntent] = (),
    domains: Iterable[str] = (DOMAIN,),
    details: Details | None = None,
    **policy: Any,  # noqa: ANN401 - Policy's own
) -> tuple[Standings, tuple[Rejection, ...]]:
    bindings = [binding(one) if isinstance(one, str) else one for one in bound]
    given = {mark.key: mark for mark in marks}
    directory = rows if isinstance(rows, Desired) else desired(*rows)
    there = observed(*entities, domains=domains, details=details)
    memory = Memory(bindings={one.key: one for one in bindings}, marks=given, open_intents=tuple(intents))
    return match(
        directory,
        there,
        memory,
        evidence=Evidence(marks=given, uncounted=protections(memory, directory, there)),
        policy=Policy(mode=Mode.FULL, **policy),
        source=SOURCE,
        now=NOW,
    )


def missing(cycles: int, since: timedelta, key: Key = FRY) -> Mark:
    return Mark(key=key, missing_since=NOW - since, missing_cycles=cycles, counted=since)


# --- bound -----------------------------------------------------------------------------------------------------------


def test_an_enabled_entry_with_its_entity_is_ours() -> None:
    """Bound, wanted, there: ours, and nothing stands in the way."""
    found, rejections = standings([wanted("fry")], [entity("fry")], bound=["user:fry"])
    assert found.entity_of == {FRY: entity_id("fry")}
    assert found.key_of == {entity_id("fry"): FRY}
    assert (found.frozen, found.leaving, found.newcomers, found.proposals, rejections) == ({}, {}, frozenset(), {}, ())


@pytest.mark.parametrize("entities", [[], [entity("fry", state=State.DELETED)]])
def test_a_lost_entity_is_recreated_only_on_approval(entities: list[Entity]) -> None:
    """Gone or a ghost: a newcomer behind *recreate*, which always needs a yes."""
    found, _ = standings([wanted("fry")], entities, bound=["user:fry"])
    assert (found.lost, found.newcomers) == (frozenset({FRY}), frozenset({FRY}))
    assert found.proposals[FRY].kind is ProposalKind.RECREATE
    assert found.proposals[FRY].needs_approval


def test_a_lost_entity_that_nobody_wants_is_nothing() -> None:
    """Gone here and there: nothing to do, nothing to propose."""
    found, _ = standings([], [], bound=["user:fry"], marks=[missing(9, timedelta(days=9))])
    assert (found.lost, found.newcomers, found.proposals, found.leaving) == (frozenset({FRY}), frozenset(), {}, {})


def test_a_burnt_fuse_asks_before_it_registers() -> None:
    """Deregistered for over 30 days: registering gives an empty mailbox, so it is proposed."""
    away = entity("fry", state=State.DISABLED, disabled_at=LONG_AGO)
    found, _ = standings([wanted("fry")], [away], bound=["user:fry"])
    assert found.proposals[FRY].kind is ProposalKind.REREGISTER
    within = replace(away, disabled_at=NOW - timedelta(days=29))
    assert standings([wanted("fry")], [within], bound=["user:fry"])[0].proposals == {}


@pytest.mark.parametrize(
    "away",
    [
        entity("crew", kind=Kind.GROUP, state=State.DISABLED, disabled_at=LONG_AGO),
        entity("crew", kind=Kind.GROUP, state=State.DISABLED, disabled_at=LONG_AGO, ever_enabled=False),
    ],
)
def test_a_group_has_no_fuse(away: Entity) -> None:
    """A group holds no mail that could be lost."""
    found, _ = standings([wanted("crew", kind=Kind.GROUP)], [away], bound=["group:crew"])
    assert found.proposals == {}


def test_untouchable_entities_are_frozen() -> None:
    """System, remote and migration accounts are never changed, even if bound."""
    found, _ = standings([wanted("fry")], [entity("fry", untouchable=True)], bound=["user:fry"])
    assert "system" in found.frozen[FRY].text


@pytest.mark.parametrize("pattern", ["fry@*", "user:fry", "FRY@PLANETEXPRESS.EXAMPLE"])
def test_protected_entities_are_frozen(pattern: str) -> None:
    """A pattern on address or name protects, whatever the directory says."""
    gone = [missing(9, timedelta(days=9))]
    found, _ = standings([], [entity("fry")], bound=["user:fry"], marks=gone, protected=(pattern,))
    assert "protected" in found.frozen[FRY].text
    assert found.leaving == {}


def test_a_pattern_for_groups_protects_no_user() -> None:
    """`group:` and `user:` patterns are told apart."""
    found, _ = standings([wanted("fry")], [entity("fry")], bound=["user:fry"], protected=("group:fry",))
    assert found.frozen == {}


def test_a_rejected_entry_is_frozen() -> None:
    """Who can't be read stays as they are."""
    row = Rejection(key=FRY, origin="people.csv:2", reason="no name", remedy="fill it in")
    found, _ = standings(desired(rejections=(row,)), [entity("fry")], bound=["user:fry"])
    assert found.frozen[FRY].text == "rejected: no name"
    assert (found.leaving, found.waiting) == ({}, {})


def test_disabled_is_due_at_once() -> None:
    """A disabled entry leaves, and the reason names the row."""
    mark = Mark(key=FRY, disabled_since=NOW)
    found, _ = standings([wanted("fry", enabled=False)], [entity("fry")], bound=["user:fry"], marks=[mark])
    assert found.leaving == {FRY: "disabled in the directory (people.csv:2)"}


def test_disabled_may_have_to_wait() -> None:
    """With `removal.disabled_after` it waits, frozen, and the date is told."""
    removal = Removal(disabled_after=timedelta(hours=4))
    mark = Mark(key=FRY, disabled_since=NOW - timedelta(hours=1), counted=timedelta(hours=1))
    row = [wanted("fry", enabled=False)]
    found, _ = standings(row, [entity("fry")], bound=["user:fry"], marks=[mark], removal=removal)
    assert found.waiting[FRY].due_at == NOW + timedelta(hours=3)
    assert FRY in found.frozen
    due = replace(mark, counted=timedelta(hours=4))
    assert FRY in standings(row, [entity("fry")], bound=["user:fry"], marks=[due], removal=removal)[0].leaving


def test_having_been_disabled_is_no_evidence_for_an_absent_entry() -> None:
    """A row that was disabled and isn't there any more, while some key is unreadable, may be that very row, enabled."""
    unreadable = Rejection(key=None, origin="people.csv:9", reason="no key", remedy="give it one")
    mark = Mark(key=FRY, disabled_since=NOW - timedelta(days=9))
    found, _ = standings(desired(rejections=(unreadable,)), [entity("fry")], bound=["user:fry"], marks=[mark])
    assert found.leaving == {}
    assert found.waiting[FRY].due_at is None


@pytest.mark.parametrize(
    ("cycles", "since", "leaves"),
    [
        (3, timedelta(hours=24), True),
        (2, timedelta(hours=48), False),
        (9, timedelta(hours=23), False),
        (0, timedelta(0), False),
    ],
)
def test_missing_needs_reads_and_time(cycles: int, since: timedelta, leaves: bool) -> None:
    """Three complete reads *and* a day: one without the other is not enough."""
    found, _ = standings([], [entity("fry")], bound=["user:fry"], marks=[missing(cycles, since)])
    assert (FRY in found.leaving) is leaves
    assert (FRY in found.waiting) is not leaves
    if not leaves:
        assert found.frozen[FRY].text.startswith("removal pending: missing since")
        assert (found.waiting[FRY].cycles, found.waiting[FRY].cycles_needed) == (cycles, 3)
        assert found.waiting[FRY].due_at == NOW - since + timedelta(hours=24)


def test_not_visible_is_never_due() -> None:
    """However long: what we may not see is not gone."""
    directory = desired(absences={FRY: Absence.NOT_VISIBLE})
    found, _ = standings(directory, [entity("fry")], bound=["user:fry"], marks=[missing(99, timedelta(days=99))])
    assert found.waiting[FRY].due_at is None
    assert found.leaving == {}


def test_nobody_leaves_while_a_key_is_unreadable() -> None:
    """Even with all the evidence: this cycle the record could be theirs."""
    row = Rejection(key=None, origin="people.csv:9", reason="no key", remedy="give it one")
    marks = [missing(9, timedelta(days=9))]
    found, _ = standings(desired(rejections=(row,)), [entity("fry")], bound=["user:fry"], marks=marks)
    assert found.leaving == {}
    assert "people.csv:9: its key can't be read" in found.waiting[FRY].why
    assert found.waiting[FRY].because.startswith("people.csv:9")


def test_a_new_source_deletes_nobody() -> None:
    """Bound under another key attribute and missing: frozen until rebound, whatever marks there are."""
    old = binding("user:fry", source="csv:login")
    found, _ = standings([], [entity("fry")], bound=[old], marks=[missing(9, timedelta(days=9))])
    assert found.frozen[FRY].text == f"bound under csv:login, missing under {SOURCE}: rebind it"


def test_groups_stay_where_none_are_read() -> None:
    """A source without groups removes none."""
    crew = Key("group:crew")
    found, _ = standings(
        desired(read=frozenset({Kind.USER})),
        [entity("crew", kind=Kind.GROUP)],
        bound=["group:crew"],
        marks=[missing(9, timedelta(days=9), crew)],
    )
    assert found.frozen[crew].text == "no groups are read from the source"


def test_who_is_disabled_already_has_nothing_left_to_do() -> None:
    """Removed earlier: the binding is kept, so that a return finds it."""
    found, _ = standings([], [entity("fry", state=State.DISABLED)], bound=["user:fry"])
    assert (found.dropped, found.leaving, found.waiting) == (frozenset({FRY}), {}, {})


# --- unbound ---------------------------------------------------------------------------------------------------------


def test_nobody_there_makes_a_newcomer() -> None:
    """No entity has the name or the address: a newcomer. A disabled entry is none."""
    found, rejections = standings([wanted("fry"), wanted("leela", enabled=False)])
    assert (found.newcomers, rejections) == (frozenset({FRY}), ())


ALIKE = entity("philip", primary=f"fry@{DOMAIN}")


@pytest.mark.parametrize(
    ("there", "adopt", "asks"),
    [
        (entity("fry"), Adopt.ASK, True),
        (entity("fry"), Adopt.EXACT, False),
        (ALIKE, Adopt.EXACT, True),  # the address alone is not exact
        (entity("fry", primary=f"other@{DOMAIN}"), Adopt.EXACT, True),  # nor is the name
        (entity("FRY", primary=f"Fry@{DOMAIN}"), Adopt.EXACT, False),  # case alone is no difference
        (entity("fry", state=State.DISABLED, ever_enabled=False), Adopt.ASK, True),
    ],
)
def test_a_foreign_entity_that_matches_is_adopted(there: Entity, adopt: Adopt, asks: bool) -> None:
    """By primary address, else by name; without asking only under `exact`, when both match."""
    found, rejections = standings([wanted("fry")], [there], adopt=adopt)
    proposal = found.proposals[FRY]
    assert (proposal.kind, proposal.entity, proposal.needs_approval) == (ProposalKind.ADOPT, there.id, asks)
    assert (found.entity_of, rejections) == ({FRY: there.id}, ())
    assert "people.csv:2" in proposal.reason


@pytest.mark.parametrize("there", [entity("fry"), entity("fry", untouchable=True)])
def test_a_held_name_is_rejected_naming_the_holder(there: Entity) -> None:
    """Where it can't be adopted, whoever holds the name is named, with the way out."""
    adopt = Adopt.ASK if there.untouchable else Adopt.NEVER
    found, (rejection,) = standings([wanted("fry")], [there], adopt=adopt)
    assert rejection.key == FRY
    assert "the name 'fry' is held by the user 'fry' (not ours)" in rejection.reason
    assert "can't rename" in rejection.remedy
    assert (found.newcomers, found.proposals) == (frozenset(), {})
    assert found.frozen[FRY].text.startswith("rejected")


def test_an_address_held_by_a_stranger_is_no_rejection_under_never() -> None:
    """Only the name is written once; an address waits until it is free."""
    found, rejections = standings([wanted("fry")], [ALIKE], adopt=Adopt.NEVER)
    assert (found.newcomers, rejections) == (frozenset({FRY}), ())


def test_a_name_of_ours_is_rejected_naming_the_key() -> None:
    """Who wants the name of somebody who stays is told who that is."""
    rows = [wanted("fry"), wanted("fry", key="user:other", primary=f"other@{DOMAIN}")]
    found, (rejection,) = standings(rows, [entity("fry")], bound=["user:fry"])
    assert rejection.key == "user:other"
    assert "the user 'fry' (user:fry)" in rejection.reason
    assert found.newcomers == set()


def test_a_group_can_hold_a_persons_name() -> None:
    """Users, groups and resources share one namespace of names (`workmail.md` B2)."""
    _, (rejection,) = standings([wanted("fry")], [entity("fry", kind=Kind.GROUP)])
    assert "the group 'fry'" in rejection.reason


def test_two_candidates_are_rejected() -> None:
    """One entity has the address, another one the name: a person must say which it is."""
    found, (rejection,) = standings([wanted("fry")], [ALIKE, entity("fry", primary=f"x@{DOMAIN}")])
    assert "two entities match: 'philip' has its address" in rejection.reason
    assert found.proposals == {}


def test_two_entries_for_one_entity() -> None:
    """The first by key is offered the entity; for the other one it is somebody else's, who holds its address."""
    rows = [wanted("philip", key="user:1", primary=f"p@{DOMAIN}"), wanted("fry", key="user:2")]
    found, rejections = standings(rows, [ALIKE])
    assert list(found.proposals) == ["user:1"]
    assert (found.newcomers, rejections) == (frozenset({Key("user:2")}), ())


@pytest.mark.parametrize("pattern", ["fry@*", "user:fry"])
def test_the_protected_are_not_adopted(pattern: str) -> None:
    """A protected entity never becomes ours; its name is taken."""
    found, (rejection,) = standings([wanted("fry")], [entity("fry")], protected=(pattern,))
    assert found.proposals == {}
    assert "is held by" in rejection.reason


@pytest.mark.parametrize(
    ("made", "says"), [({"display_name": "F. the Bartender"}, "is called 'F. the Bartender'"), ({}, "is hidden")]
)
def test_what_somebody_else_made_after_a_lost_answer_is_asked_for(made: dict[str, str], says: str) -> None:
    """Another display name than was sent, or hidden, which was not: maybe another hand's, though never enabled."""
    intent = OpenIntent(operation="x", key=FRY, kind=Kind.USER, name="fry", display_name="Fry", at=NOW)
    fresh = entity("fry", state=State.DISABLED, ever_enabled=False, **made)  # type: ignore[arg-type] # entity's own
    details = known(profile={fresh.id: {"hidden": "true"}} if not made else {})

    found, _ = standings([wanted("fry")], [fresh], intents=[intent], details=details, adopt=Adopt.EXACT)
    never, rejections = standings([wanted("fry")], [fresh], intents=[intent], details=details, adopt=Adopt.NEVER)

    assert found.proposals[FRY].needs_approval
    assert says in found.proposals[FRY].reason
    assert FRY not in never.proposals
    assert [rejection.key for rejection in rejections] == [FRY]


def test_a_creation_without_answer_is_ours() -> None:
    """Same name, never enabled, intent still open: ours, without asking."""
    intent = OpenIntent(operation="x", key=FRY, kind=Kind.USER, name="fry", display_name="Fry", at=NOW)
    fresh = entity("fry", state=State.DISABLED, ever_enabled=False)
    found, _ = standings([wanted("fry")], [fresh], intents=[intent], adopt=Adopt.NEVER)
    assert (found.proposals[FRY].kind, found.proposals[FRY].needs_approval) == (ProposalKind.ADOPT, False)


@pytest.mark.parametrize(
    "other",
    [
        entity("fry", state=State.DISABLED, ever_enabled=True),
        entity("fry"),
        entity("fry", kind=Kind.GROUP, state=State.DISABLED, ever_enabled=False),
        entity("fry", state=State.DISABLED, ever_enabled=False, untouchable=True),
    ],
)
def test_an_open_intent_claims_nothing_else(other: Entity) -> None:
    """Somebody else's entity that happens to have the name is not taken without asking."""
    intent = OpenIntent(operation="x", key=FRY, kind=Kind.USER, name="fry", display_name="Fry", at=NOW)
    found, _ = standings([wanted("fry")], [other], intents=[intent])
    assert all(proposal.needs_approval for proposal in found.proposals.values())


# --- rebinding -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("away", [False, True])
def test_an_unknown_key_of_a_known_person_is_rebound(away: bool) -> None:
    """The owner's key is missing, name and address are the same: proposed as the same person; nobody leaves."""
    there = entity("fry", state=State.DISABLED if away else State.ENABLED)
    marks = [missing(9, timedelta(days=9))]
    found, _ = standings([wanted("fry", key="user:new")], [there], bound=["user:fry"], marks=marks)
    proposal = found.proposals[Key("user:new")]
    assert (proposal.kind, proposal.previous, proposal.needs_approval) == (ProposalKind.REBIND, FRY, True)
    assert found.key_of[there.id] == "user:new"
    assert FRY not in found.entity_of
    assert (found.leaving, found.waiting, found.dropped) == ({}, {}, frozenset())
    assert "same as user:new" in found.frozen[FRY].text


def test_a_person_under_a_new_source_is_rebound() -> None:
    """After a change of the key attribute everybody is proposed, nobody removed."""
    old = binding("user:fry", source="csv:login")
    found, _ = standings([wanted("fry", key="user:4711")], [entity("fry")], bound=[old])
    assert found.proposals[Key("user:4711")].kind is ProposalKind.REBIND


def test_who_is_still_there_is_not_rebound() -> None:
    """An owner in the directory, enabled or rejected, keeps the entity."""
    row = Rejection(key=FRY, origin="people.csv:2", reason="no name", remedy="fill it in")
    newcomer = wanted("fry", key="user:new")
    for directory in (desired(wanted("fry"), newcomer), desired(newcomer, rejections=(row,))):
        found, rejections = standings(directory, [entity("fry")], bound=["user:fry"])
        assert found.proposals == {}
        assert [one.key for one in rejections] == ["user:new"]


def test_a_lost_person_may_be_somebody_known() -> None:
    """Whose own entity is lost, and who now looks like one whose key is missing, is rebound, not created too."""
    rows = [wanted("fry", key="user:leela")]
    marks = [missing(9, timedelta(days=9))]
    found, _ = standings(rows, [entity("fry")], bound=["user:fry", binding("user:leela", "lost")], marks=marks)
    assert found.proposals[LEELA].kind is ProposalKind.REBIND
    assert found.newcomers == set()


# --- domains and pilot -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "row",
    [wanted("fry", primary="fry@elsewhere.example"), wanted("fry", aliases=("fry@elsewhere.example",))],
)
def test_an_unknown_domain_rejects(row: Wanted) -> None:
    """A domain that the organization doesn't have is found at plan time; what there is is listed."""
    found, (rejection,) = standings([row])
    assert "'elsewhere.example' is not a mail domain in the organization 'planetexpress'" in rejection.reason
    assert DOMAIN in rejection.remedy
    assert (found.newcomers, rejection.key) == (frozenset(), FRY)


def test_an_unverified_domain_rejects() -> None:
    """Registered is not verified (`workmail.md` B7)."""
    there = observed()
    organization: Organization = replace(there.organization, domains={DOMAIN: False})
    _, (rejection,) = match(
        desired(wanted("fry")),
        replace(there, organization=organization),
        Memory(),
        evidence=Evidence(),
        policy=Policy(mode=Mode.FULL),
        source=SOURCE,
        now=NOW,
    )
    assert "registered but not verified" in rejection.reason


def test_only_the_pilot_moves() -> None:
    """Everyone outside the pilot is frozen: newcomers, leavers, those who stay."""
    rows = [wanted("fry"), wanted("leela"), wanted("amy")]
    there = [entity("leela"), entity("kif")]
    marks = [missing(9, timedelta(days=9), Key("user:kif"))]
    found, _ = standings(rows, there, bound=["user:leela", "user:kif"], marks=marks, only=Pilot(keys=("fry",)))
    assert found.newcomers == {FRY}
    assert found.frozen.keys() == {"user:leela", "user:amy", "user:kif"}
    assert (found.leaving, found.waiting) == ({}, {})


def test_a_group_can_be_the_pilot() -> None:
    """The group itself and whoever is in it, nested too."""
    rows = [
        wanted("crew", kind=Kind.GROUP, members=("user:fry", "group:inner")),
        wanted("inner", kind=Kind.GROUP, members=("user:leela",)),
        *(wanted(name) for name in ("fry", "leela", "amy")),
    ]
    found, _ = standings(rows, only=Pilot(group="crew"))
    assert found.newcomers == {"group:crew", "group:inner", FRY, LEELA}


def test_a_frozen_key_has_no_proposal() -> None:
    """What can't be carried out isn't put before a person."""
    found, _ = standings([wanted("fry")], [entity("fry")], only=Pilot(keys=("leela",)))
    assert found.proposals == {}
