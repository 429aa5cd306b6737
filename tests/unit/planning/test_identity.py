"""Whom nothing vouches for: the rows of the table in identity.py."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from syncd.model.look import Look, look_of, words
from syncd.model.memory import Mark, Memory
from syncd.model.names import Key, Kind
from syncd.model.standing import Doubt, Freeze, Frozen, Proposal, ProposalKind, Standings
from syncd.model.state import Entity, State, Wanted
from syncd.planning.identity import Identities, examine, fresh_looks
from tests.builders import (
    DOMAIN,
    NOW,
    SOURCE,
    binding,
    desired,
    entity,
    entity_id,
    known,
    observed,
    operation,
    plan,
    situation,
    wanted,
    why_withheld,
)

FRY, LEELA, CREW = Key("user:fry"), Key("user:leela"), Key("group:crew")
WAS = Look("fry", "Philip J. Fry", f"fry@{DOMAIN}", "Philip")
ELSE = wanted("zap", key=FRY, display_name="Zapp Brannigan", primary=f"zapp@{DOMAIN}", profile={"first_name": "Zapp"})


def examined(
    row: Wanted,
    *,
    look: Look | None = WAS,
    held: Entity | None = None,
    marks: tuple[Mark, ...] = (),
    source: str = SOURCE,
    **facts: Any,  # noqa: ANN401 - Binding's own
) -> Identities:
    """What is found of Fry, who was seen as *look*, when the directory shows *row*; Leela is as she was."""
    leela = wanted("leela")
    bindings = [binding(FRY, look=look, **facts), binding(LEELA, look=look_of(leela), source=source)]
    memory = Memory(bindings={one.key: one for one in bindings}, marks={mark.key: mark for mark in marks})
    return examine(desired(row, leela), observed(held or entity("fry"), entity("leela")), memory, source)


def test_nothing_of_them_is_as_it_was() -> None:
    """Login, name, address and first name are all new: changed."""
    (one,) = examined(ELSE).doubted.values()
    assert (one.doubt, one.was, one.now, one.unlike, one.other) == (Doubt.CHANGED, WAS, look_of(ELSE), True, None)


@pytest.mark.parametrize(
    "vouches",
    [
        {"name": "FRY"},
        {"display_name": "FRY, Philip J."},
        {"primary": "Fry@mom.example"},
        {"profile": {"first_name": "philip"}},
        {"aliases": (f"FRY@{DOMAIN}",)},
    ],
    ids=str,
)
def test_one_thing_that_still_fits_vouches(vouches: dict[str, Any]) -> None:
    """Login; name, in whatever order; local part; first name; or the old address as an alias. Case is no difference."""
    assert examined(replace(ELSE, **vouches)).doubted == {}


@pytest.mark.parametrize(
    "away",
    [
        {"held": entity("fry", state=State.DISABLED)},
        {"marks": (Mark(key=FRY, missing_since=NOW, missing_cycles=1),)},
        {"marks": (Mark(key=FRY, disabled_since=NOW),)},
        {"removed_at": NOW - timedelta(days=1)},
    ],
    ids=["disabled in the service", "was missing", "was disabled", "was removed"],
)
def test_a_first_name_alone_vouches_for_nobody_who_was_away(away: dict[str, Any]) -> None:
    """In the gap the key may have been given to a namesake; whatever else fits still vouches."""
    namesake = replace(ELSE, profile={"first_name": "Philip"})
    assert set(examined(namesake, **away).doubted) == {FRY}
    assert examined(replace(namesake, name="fry"), **away).doubted == {}


@pytest.mark.parametrize(("traits", "doubt"), [(0, None), (1, None), (2, Doubt.EXCHANGED), (3, Doubt.EXCHANGED)])
def test_two_of_three_of_another_key_are_an_exchange(traits: int, doubt: Doubt | None) -> None:
    """One alone may be a coincidence, or an ordinary move of an address."""
    fry = wanted("fry", display_name="Philip J. Fry", profile={"first_name": "Philip"})
    of_leela: list[dict[str, Any]] = [{"name": "leela"}, {"display_name": "Leela"}, {"primary": f"leela@{DOMAIN}"}]
    for change in of_leela[:traits]:
        fry = replace(fry, **change)
    found = examined(fry).doubted
    assert [one.doubt for one in found.values()] == ([doubt] if doubt else [])
    assert all(one.other == LEELA for one in found.values())


def test_a_shared_name_that_both_had_is_no_exchange() -> None:
    """Namesakes: only what changed is compared with others."""
    namesake = wanted("leela", display_name="Philip J. Fry")
    bindings = [binding(FRY, look=WAS), binding(LEELA, look=look_of(namesake))]
    memory = Memory(bindings={one.key: one for one in bindings})
    fry = wanted("fry", display_name="Philip J. Fry", primary=f"leela@{DOMAIN}")
    assert examine(desired(fry, namesake), observed(entity("fry"), entity("leela")), memory, SOURCE).doubted == {}


def test_another_source_name_is_never_taken_over() -> None:
    """The same look is a new name; any difference is a doubt, as it is when nothing fits."""
    same = wanted("fry", display_name="Fry, Philip J.")
    assert examined(same, source="csv:badge").renamed == {FRY: SOURCE}
    for differs in (replace(same, display_name="Phil Fry"), replace(same, name="fry2"), ELSE):
        found = examined(differs, source="csv:badge")
        assert [one.doubt for one in found.doubted.values()] == [Doubt.OTHER_SOURCE]
        assert found.renamed == {}


def test_without_a_look_the_service_tells() -> None:
    """Right after an upgrade: the name, display name and address that WorkMail has; of who is away, what was kept."""
    held = entity("fry", display_name="Philip J. Fry")
    assert examined(wanted("fry"), look=None, held=held).doubted == {}
    assert set(examined(ELSE, look=None, held=held).doubted) == {FRY}
    away = replace(held, state=State.DISABLED, primary="")
    row = replace(ELSE, primary=f"fry@{DOMAIN}")
    assert examined(row, look=None, held=away, addresses=(f"fry@{DOMAIN}",)).doubted == {}
    assert set(examined(row, look=None, held=away).doubted) == {FRY}


def test_who_is_gone_or_disabled_on_both_sides_is_not_asked_about() -> None:
    """Nothing is done about them unasked."""
    assert examined(ELSE, held=entity("fry", state=State.DELETED)).doubted == {}
    assert examined(replace(ELSE, enabled=False), held=entity("fry", state=State.DISABLED)).doubted == {}
    assert set(examined(replace(ELSE, enabled=False)).doubted) == {FRY}


@pytest.mark.parametrize(("held", "listed", "same"), [(4, 2, True), (4, 1, False), (0, 0, False)])
def test_a_group_is_known_by_half_of_its_members(held: int, listed: int, same: bool) -> None:
    """Where neither name nor address fits; an empty one is known by nothing."""
    people = [f"p{n}" for n in range(4)]
    group = wanted("hikers", key=CREW, kind=Kind.GROUP, members=[f"user:{name}" for name in people[:listed]])
    bindings = [binding(f"user:{name}") for name in people]
    bindings.append(binding(CREW, look=Look("crew", "", f"crew@{DOMAIN}")))
    members = {entity_id("crew"): frozenset(entity_id(name) for name in people[:held])}
    there = observed(entity("crew", kind=Kind.GROUP), details=known(members=members))
    found = examine(desired(group), there, Memory(bindings={one.key: one for one in bindings}), SOURCE)
    assert (found.doubted == {}) is same


def test_the_words_of_a_name_have_no_order() -> None:
    """Nor case, nor punctuation."""
    assert words("Fry, Philip J.") == words("philip j FRY") != words("Philip Fry")


# --- what is noted ---------------------------------------------------------------------------------------------------

NEW = replace(wanted("fry"), display_name="Philip Fry")


def noted(standings: Standings | None = None, *, marks: tuple[Mark, ...] = (), withheld: str = "") -> dict[Key, Look]:
    now = situation([NEW] if not marks else [], [entity("fry")], bindings=[binding(FRY, look=WAS)], standings=standings)
    one = operation("profile.update", withheld or "user:other")
    made = plan(one, withheld={one.id: why_withheld("guard removals: many")})
    return dict(fresh_looks(now, made, {mark.key: mark for mark in marks}))


def test_a_look_is_noted_of_whom_nothing_stands_in_the_way() -> None:
    """And of nobody who is frozen, proposed, or of whom something is withheld."""
    frozen = Standings(frozen={FRY: Frozen(Freeze.DOUBTED, "who?")})
    asked = Proposal(kind=ProposalKind.REBIND, key=FRY, entity=entity_id("fry"), reason="who?", previous=FRY)
    assert noted() == {FRY: look_of(NEW)}
    assert noted(frozen) == noted(Standings(proposals={FRY: asked})) == noted(withheld="user:fry") == {}


def test_whoever_is_missing_loses_the_first_name() -> None:
    """It would vouch for a namesake who comes back under the key."""
    assert noted(marks=(Mark(key=FRY, missing_since=NOW, missing_cycles=1),)) == {FRY: WAS._replace(first_name="")}
