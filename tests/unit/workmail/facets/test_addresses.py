"""The addresses facet: which calls, facts, bundles and sentences a situation gives."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from syncd.model.action import Action
from syncd.model.detail import Details
from syncd.model.memory import Memory
from syncd.model.names import Key, Kind
from syncd.model.operation import (
    BundleKind,
    Call,
    Operation,
    Ref,
    demoted,
    enabled,
    ended,
    exists,
    free,
    holds,
    permitted,
)
from syncd.model.page import Count
from syncd.model.plan import Proposed
from syncd.model.policy import Manage, Mode, Policy
from syncd.model.situation import Situation
from syncd.model.standing import Freeze, Frozen, Pending, Proposal, ProposalKind, Standings
from syncd.model.state import Entity, State, Wanted
from syncd.planning.ownership import is_parking, parking_address
from syncd.wire import problems
from syncd.workmail.facets.addresses import Addresses
from tests.builders import DOMAIN, NOW, binding, entity, entity_id, known, situation, wanted


def at(name: str) -> str:
    return f"{name}@{DOMAIN}"


def world(
    wants: list[Wanted],
    entities: list[Entity],
    *,
    aliases: dict[str, list[str]] | None = None,
    ours: tuple[str, ...] | None = None,
    policy: Policy | None = None,
    memory: Memory | None = None,
    **standing: Any,  # noqa: ANN401 - Standings' own
) -> Situation:
    """A situation: everybody is ours under their own name, unless *ours* says who; details are read of all ENABLED."""
    names = [one.name for one in entities] if ours is None else ours
    entity_of = {Key(f"{one.kind}:{one.name}"): one.id for one in entities if one.name in names}
    standing.setdefault("newcomers", frozenset(one.key for one in wants) - frozenset(entity_of))
    read = {one.id: frozenset((aliases or {}).get(one.name, ())) for one in entities if one.state is State.ENABLED}
    return situation(
        wants,
        entities,
        details=known(aliases=read),
        policy=policy,
        memory=memory,
        standings=Standings(
            entity_of=entity_of, key_of={identity: key for key, identity in entity_of.items()}, **standing
        ),
    )


def proposed(where: Situation) -> tuple[list[Operation], Proposed]:
    """The operations, every one valid, and the rest of the answer."""
    answer = Addresses().propose(where)
    operations = list(answer.operations)
    for one in operations:
        assert one.call is not None
        parameters = {
            name: "S-1-1-12-0123456789" if isinstance(value, Ref) or name == "EntityId" else value
            for name, value in one.call.parameters.items()
        }
        whole = {"OrganizationId": where.observed.organization.id, **parameters}
        assert not problems(one.call.operation, whole)
        assert one.reason
        assert one.destructive == (one.kind in ("primary.change", "alias.remove", "address.park"))
    return operations, answer


def by_summary(operations: list[Operation]) -> dict[str, Operation]:
    return {one.summary: one for one in operations}


def test_nothing_to_do_says_nothing() -> None:
    """Equal states give no operation, no note, nobody blocked."""
    operations, answer = proposed(
        world([wanted("fry", aliases=[at("phil")])], [entity("fry")], aliases={"fry": [at("phil")]})
    )
    assert (operations, answer.notes, answer.blocked) == ([], (), {})


def test_a_newcomer_is_registered_once_created_and_gets_aliases_once_registered() -> None:
    """Both calls name the entity by reference; the alias waits for the registration only."""
    operations, _ = proposed(world([wanted("fry", aliases=[at("phil")])], []))
    register, alias = operations
    key = Key("user:fry")
    assert register.call == Call("RegisterToWorkMail", {"EntityId": Ref(key), "Email": at("fry")})
    assert (register.kind, register.action, register.entity) == ("register", Action.ADD, None)
    assert register.awaits == {exists(key)}
    assert register.gives == {enabled(key), holds(key, at("fry"))}
    assert register.after == {"primary": at("fry")}
    assert alias.call == Call("CreateAlias", {"EntityId": Ref(key), "Alias": at("phil")})
    assert alias.awaits == {enabled(key)}
    assert alias.summary == f"add alias {at('phil')} to fry"
    assert alias.reason == "wanted by people.csv:2"


def test_who_exists_but_is_disabled_is_registered_by_its_id() -> None:
    """Nothing has to be awaited: the entity is there."""
    operations, _ = proposed(world([wanted("fry")], [entity("fry", state=State.DISABLED)]))
    assert [one.call for one in operations] == [
        Call("RegisterToWorkMail", {"EntityId": entity_id("fry"), "Email": at("fry")})
    ]
    assert operations[0].awaits == frozenset()


def test_an_address_in_use_is_awaited_and_an_unused_one_is_not() -> None:
    """The release gives what the taker awaits; both are one bundle over the two, and say who wants what."""
    operations, _ = proposed(
        world(
            [wanted("ada"), wanted("bob", origin="people.csv:9", aliases=[at("al")])],
            [entity("ada"), entity("bob")],
            aliases={"ada": [at("al").upper()]},
        )
    )
    release, take = operations
    assert release.gives == take.awaits == {free(at("al"))}
    assert release.awaits == frozenset()
    assert release.bundle == take.bundle
    assert release.bundle.kind is BundleKind.MOVE
    assert release.before == {"alias": at("al").upper()}
    assert release.reason == f"{at('al').upper()} is wanted by bob (people.csv:9)"


def test_a_swap_parks_one_and_every_fact_is_given_by_another_step() -> None:
    """The chain of facts runs from the parking to its release, all in one bundle."""
    operations, _ = proposed(
        world([wanted("ada", primary=at("bob")), wanted("bob", primary=at("ada"))], [entity("ada"), entity("bob")])
    )
    given = {fact for one in operations for fact in one.gives}
    assert all(one.awaits <= given for one in operations)
    assert len({str(one.bundle) for one in operations}) == 1
    park = next(one for one in operations if one.kind == "address.park")
    assert park.before == {"primary": at("ada")}
    assert park.gives >= {demoted(Key("user:ada"), at("ada"))}
    assert park.reason == f"addresses go round: {at('ada')} is wanted by bob (people.csv:2)"


def test_parking_is_outside_a_mode_without_removals() -> None:
    """Without the release that follows it, parking would only hide a good address: it counts as a removal."""
    wants = [wanted("ada", primary=at("bob")), wanted("bob", primary=at("ada"))]
    operations, _ = proposed(world(wants, [entity("ada"), entity("bob")]))
    park = next(one for one in operations if one.kind == "address.park")
    assert park.action not in Mode.UPSERT.allows


def test_an_enabled_entity_whose_entry_is_disabled_keeps_its_addresses_until_it_leaves() -> None:
    """It is neither leaving nor wanted: nothing about it is certain enough to move an address."""
    wants = [wanted("eve", enabled=False), wanted("bob", primary=at("eve"))]
    operations, answer = proposed(world(wants, [entity("eve"), entity("bob")]))
    assert operations == []
    assert "the user eve holds it and stays as it is in this cycle" in answer.notes[0].text


def test_everything_a_leaver_gives_up_is_in_the_removals_bundle() -> None:
    """Aliases, the primary, the parking: one bundle, with the reason for leaving; the taker's is its own."""
    operations, _ = proposed(
        world(
            [wanted("bob", primary=at("ada"))],
            [entity("ada"), entity("bob")],
            aliases={"ada": [at("al")]},
            leaving={Key("user:ada"): "missing since 2026-02-01"},
        )
    )
    hers = [one for one in operations if one.subject == "user:ada"]
    assert {str(one.bundle) for one in hers} == {"removal:user:ada"}
    assert {one.reason for one in hers} == {"ada is leaving: missing since 2026-02-01"}
    change = next(one for one in operations if one.subject == "user:bob")
    assert str(change.bundle) == f"primary.change:user:bob:{at('ada')}"
    assert change.awaits == {free(at("ada")), ended(Key("user:ada"))}


def test_a_leaver_who_is_disabled_already_has_nothing_to_give() -> None:
    """Aliases can't be touched on a DISABLED entity (`workmail.md` B22)."""
    operations, _ = proposed(
        world([], [entity("ada", state=State.DISABLED)], leaving={Key("user:ada"): "missing since 2026-02-01"})
    )
    assert operations == []


def test_a_frozen_key_keeps_everything_and_gets_nothing() -> None:
    """Neither its extra alias nor its missing one is an operation."""
    policy = Policy(mode=Mode.FULL, manage=Manage(aliases="exact"))
    operations, answer = proposed(
        world(
            [wanted("ada", aliases=[at("new")])],
            [entity("ada")],
            aliases={"ada": [at("old")]},
            policy=policy,
            frozen={Key("user:ada"): Frozen(Freeze.PILOT, "outside the pilot")},
        )
    )
    assert (operations, answer.notes) == ([], ())


def test_an_untouchable_entity_is_left_alone_even_if_somebody_bound_it() -> None:
    """System accounts never change (`workmail.md` B46)."""
    operations, _ = proposed(world([wanted("ada", aliases=[at("al")])], [entity("ada", untouchable=True)]))
    assert operations == []


def test_a_newcomer_whose_address_a_stranger_holds_is_blocked_with_a_note() -> None:
    """The note says who holds it and until when; nothing of the newcomer is proposed."""
    stranger = entity("info", kind=Kind.RESOURCE, primary=at("fry"))
    operations, answer = proposed(world([wanted("fry", aliases=[at("phil")])], [stranger], ours=()))
    assert operations == []
    text = (
        f"fry waits for its primary address {at('fry')}: the resource info holds it and is not ours; "
        "until it gives it up, or is adopted; nothing of it is created"
    )
    assert answer.blocked == {"user:fry": text}
    assert [(note.code, note.subject, note.text) for note in answer.notes] == [("address_waits", "user:fry", text)]


def test_a_claim_on_what_a_pending_removal_holds_tells_until_when() -> None:
    """The due time of the removal is in the note; the claimant keeps its own address."""
    due = NOW + timedelta(days=1)
    key = Key("user:eve")
    pending = Pending(
        key=key,
        entity=entity_id("eve"),
        name="Eve",
        why="missing since 2026-03-01",
        cycles=1,
        cycles_needed=3,
        since=NOW,
        due_at=due,
    )
    _, answer = proposed(
        world(
            [wanted("bob", primary=at("eve"))],
            [entity("eve"), entity("bob")],
            waiting={key: pending},
            frozen={key: Frozen(Freeze.PENDING, "removal pending")},
        )
    )
    text = (
        f"bob waits for its primary address {at('eve')}: the user eve holds it; until its removal, "
        f"due 2026-03-02 08:00Z (missing since 2026-03-01); it keeps {at('bob')}"
    )
    assert [note.text for note in answer.notes] == [text]
    assert answer.blocked == {}


def test_who_wants_what_a_waiting_claimant_keeps_is_told_so() -> None:
    """The second note names the first claimant."""
    _, answer = proposed(
        world(
            [wanted("ada", primary=at("eve")), wanted("bob", primary=at("ada"))],
            [entity("eve"), entity("ada"), entity("bob")],
            frozen={Key("user:eve"): Frozen(Freeze.PILOT, "outside the pilot")},
        )
    )
    assert [note.text.partition(": ")[2] for note in answer.notes] == [
        f"the user eve holds it and is frozen (outside the pilot); until that is settled; it keeps {at('ada')}",
        f"ada (people.csv:2) keeps it until its own new one is free; it keeps {at('bob')}",
    ]


def test_a_shown_address_of_a_disabled_entity_is_not_fought_for() -> None:
    """Whether it is still held nobody knows (`workmail.md` B13): the claim waits."""
    gone = replace(entity("old", state=State.DISABLED), primary=at("fry"))
    _, answer = proposed(world([wanted("fry")], [gone], dropped=frozenset({Key("user:old")})))
    assert "the user old is not ENABLED and still shows it" in answer.blocked[Key("user:fry")]


def test_aliases_that_are_not_managed_are_neither_added_nor_removed() -> None:
    """The primary changes all the same, and the old one stays as alias."""
    policy = Policy(mode=Mode.FULL, manage=Manage(aliases=False))
    operations, _ = proposed(
        world(
            [wanted("ada", primary=at("new"), aliases=[at("al")])],
            [entity("ada")],
            aliases={"ada": [at("extra")]},
            policy=policy,
        )
    )
    assert [(one.kind, one.before, one.after) for one in operations] == [
        ("primary.change", {"primary": at("ada")}, {"primary": at("new")})
    ]


def test_aliases_that_were_not_read_are_not_touched() -> None:
    """What isn't known isn't compared."""
    where = world([wanted("ada", aliases=[at("al")])], [entity("ada")])
    unread = replace(where, observed=replace(where.observed, details=Details()))
    assert proposed(unread)[0] == []


def test_exact_removes_the_extra_alias_and_spares_the_one_that_workmail_made() -> None:
    """The organization's own domain is WorkMail's affair (`workmail.md` C)."""
    policy = Policy(mode=Mode.FULL, manage=Manage(aliases="exact"))
    operations, _ = proposed(
        world(
            [wanted("ada", origin="people.csv:17")],
            [entity("ada")],
            aliases={"ada": [at("old"), "ada@planetexpress.awsapps.com"]},
            policy=policy,
        )
    )
    assert [(one.summary, one.reason) for one in operations] == [
        (f"remove alias {at('old')} from ada", "no longer in people.csv:17")
    ]
    assert str(operations[0].bundle) == f"alias.remove:user:ada:{at('old')}"


def test_a_return_puts_back_what_was_held_where_aliases_may_be_more() -> None:
    """The stored addresses come back as aliases, the primary from the directory; under exact they don't."""
    bound = binding("user:ada", addresses=(at("old"), at("al"), at("taken")), removed_at=NOW - timedelta(days=3))
    memory = Memory(bindings={bound.key: bound})
    where = world(
        [wanted("ada"), wanted("bob", aliases=[at("taken")])],
        [entity("ada", state=State.DISABLED), entity("bob")],
        aliases={"bob": [at("taken")]},
        memory=memory,
    )
    summaries = by_summary(proposed(where)[0])
    assert sorted(summaries) == [
        f"add alias {at('al')} to ada",
        f"add alias {at('old')} to ada",
        f"register ada as {at('ada')}",
    ]
    assert summaries[f"add alias {at('al')} to ada"].reason == "ada had it before the removal on 2026-02-26"
    exact = replace(where, policy=Policy(mode=Mode.FULL, manage=Manage(aliases="exact")))
    assert [one.kind for one in proposed(exact)[0]] == ["register"]


def test_every_operation_of_a_key_under_a_proposal_awaits_it() -> None:
    """What follows an adoption waits for the yes."""
    key = Key("user:ada")
    proposal = Proposal(kind=ProposalKind.ADOPT, key=key, entity=entity_id("ada"), reason="same name")
    operations, _ = proposed(
        world([wanted("ada", primary=at("new"), aliases=[at("al")])], [entity("ada")], proposals={key: proposal})
    )
    assert len(operations) == 2
    assert all(permitted("adopt", key) in one.awaits for one in operations)


def test_a_lost_entity_that_is_created_again_is_registered_by_reference() -> None:
    """The old id is gone; the new one is known once the creation is answered."""
    key = Key("user:ada")
    proposal = Proposal(kind=ProposalKind.RECREATE, key=key, entity=None, reason="gone")
    operations, _ = proposed(
        world(
            [wanted("ada")],
            [],
            lost=frozenset({key}),
            newcomers=frozenset({key}),
            proposals={key: proposal},
        )
    )
    assert operations[0].awaits == {exists(key), permitted("recreate", key)}


def test_a_parking_alias_left_behind_is_released() -> None:
    """Whatever the alias policy, also after a cycle that was cut short."""
    parked = parking_address(entity_id("ada"), DOMAIN)
    operations, _ = proposed(world([wanted("ada")], [entity("ada")], aliases={"ada": [parked]}))
    assert [one.kind for one in operations] == ["alias.remove"]
    assert is_parking(str(operations[0].before["alias"]))
    assert operations[0].counts_as is Count.NOTHING  # nobody had asked for it: five people's are not five losses


def test_the_operations_come_entity_by_entity() -> None:
    """In the order of keys, whatever the order of the directory."""
    operations, _ = proposed(world([wanted(name, aliases=[at(f"{name}2")]) for name in ("cyd", "ada", "bob")], []))
    assert [one.subject for one in operations] == [
        f"user:{name}" for name in ("ada", "ada", "bob", "bob", "cyd", "cyd")
    ]


def test_a_claim_without_room_and_one_that_comes_second_say_so() -> None:
    """The notes name the limit with the way out, and the one who comes first."""
    wants = [
        wanted("ada", aliases=[at(f"a{number:03}") for number in range(101)]),
        wanted("bob", aliases=[at("twice")]),
        wanted("cyd", aliases=[at("twice"), at("bob")]),
    ]
    _, answer = proposed(world(wants, [entity("bob")]))
    full = (
        "there is no room beside 100 aliases, and an old primary address becomes one too; take one out of people.csv:2"
    )
    second = "bob (people.csv:2) wants it too, and comes first"
    assert [note.text for note in answer.notes] == [
        f"ada waits for its alias {at('a100')}: {full}; the rest goes on",
        f"cyd waits for its alias {at('bob')}: {second}; the rest goes on",
        f"cyd waits for its alias {at('twice')}: {second}; the rest goes on",
    ]
