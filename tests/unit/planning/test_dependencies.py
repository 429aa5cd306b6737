"""Facts become needs, needs an order: the same for any order of input, and never a circle."""

from random import Random

import pytest

from syncd.model.names import Key, Kind
from syncd.model.operation import Fact, Operation, enabled, exists, free, holds, permitted
from syncd.model.standing import Standings
from syncd.model.state import State
from syncd.planning.dependencies import StartingFacts, dependents, in_sending_order, link
from tests.builders import DOMAIN, entity, entity_id, known, operation, situation

FRY, LEELA = Key("user:fry"), Key("user:leela")


def nothing(fact: Fact) -> bool:
    return False


def step(kind: str, *, awaits: set[Fact] | None = None, gives: set[Fact] | None = None, bundle: str = "") -> Operation:
    return operation(kind, awaits=frozenset(awaits or ()), gives=frozenset(gives or ()), bundle=bundle or kind)


CREATE = step("user.create", gives={exists(FRY)})
REGISTER = step("register", awaits={exists(FRY)}, gives={enabled(FRY)})
JOIN = step("member.add", awaits={enabled(FRY)})


def test_an_operation_needs_whatever_gives_what_it_awaits() -> None:
    """Creation, registration, membership: each needs the one before, wherever it stands in the list."""
    linked, waiting = link((JOIN, REGISTER, CREATE), nothing)
    needs = {one.kind: one.needs for one in linked}
    assert needs == {"member.add": {REGISTER.id}, "register": {CREATE.id}, "user.create": frozenset()}
    assert waiting == {}


def test_what_is_true_needs_nobody() -> None:
    """A fact that holds already is no need; if it is given as well, its giver comes first all the same."""
    (linked,), waiting = link((JOIN,), lambda fact: fact == enabled(FRY))
    assert (linked.needs, waiting) == (frozenset(), {})
    linked_join = link((JOIN, REGISTER, CREATE), lambda _: True)[0][0]
    assert linked_join.needs == {REGISTER.id}


def test_what_nobody_gives_waits_and_whatever_hangs_on_it() -> None:
    """Without the creation neither the registration nor the membership is sent; the missing fact is named."""
    alias = step("alias.add")
    linked, waiting = link((JOIN, REGISTER, alias), nothing)
    assert [one.kind for one in linked] == ["alias.add"]
    assert waiting == {REGISTER.id: exists(FRY), JOIN.id: enabled(FRY)}


def test_one_of_two_givers_is_hope_enough() -> None:
    """A fact with another giver is still given; then only that giver is needed."""
    other = step("adopt", gives={exists(FRY)})
    hopeless = step("recreate", awaits={permitted("recreate", FRY)}, gives={exists(FRY)})
    linked, waiting = link((hopeless, other, REGISTER), nothing)
    assert waiting == {hopeless.id: permitted("recreate", FRY)}
    assert {one.kind: one.needs for one in linked}["register"] == {other.id}


def test_a_deregistration_needs_everything_else_of_its_bundle() -> None:
    """Exits and releases come first; where one of them fails, the removal is carried forward or given up, whole."""
    bundle = "removal:user:fry"
    steps = (
        step("member.remove", bundle=bundle),
        step("address.park", bundle=bundle),
        step("deregister", bundle=bundle),
        step("alias.add"),
    )
    linked, _ = link(steps, nothing)
    last = next(one for one in linked if one.kind == "deregister")
    assert last.needs == {steps[0].id, steps[1].id}
    assert in_sending_order(linked)[-2:] == (last, linked[-1])


def test_a_circle_is_named() -> None:
    """Operations that wait for each other are a fault of whoever stated the facts."""
    one = step("a", awaits={free("x")}, gives={free("y")})
    other = step("b", awaits={free("y")}, gives={free("x")})
    linked, _ = link((one, other), nothing)
    with pytest.raises(ValueError, match="circle: a of user:fry; b of user:fry"):
        in_sending_order(linked)


def test_the_order_is_the_same_for_any_order_of_input() -> None:
    """Shuffled operations come out in one order, each after what it needs."""
    steps = [
        *(operation("user.create", f"user:{n}", gives=frozenset({exists(Key(f"user:{n}"))})) for n in range(9)),
        *(
            operation(
                "register",
                f"user:{n}",
                awaits=frozenset({exists(Key(f"user:{n}"))}),
                gives=frozenset({enabled(Key(f"user:{n}"))}),
            )
            for n in range(9)
        ),
        *(operation("member.add", f"group:{n}", awaits=frozenset({enabled(Key("user:3"))})) for n in range(4)),
    ]
    straight = in_sending_order(link(steps, nothing)[0])
    for seed in range(5):
        Random(seed).shuffle(steps)
        assert in_sending_order(link(steps, nothing)[0]) == straight
    position = {one.id: number for number, one in enumerate(straight)}
    assert all(position[need] < position[one.id] for one in straight for need in one.needs)


def test_what_protects_goes_first_then_what_lets_people_work() -> None:
    """Removals, creations, registrations, addresses, profiles, memberships: where nothing else decides."""
    kinds = ["member.add", "profile.update", "alias.add", "register", "user.create"]
    steps = [step(kind) for kind in kinds]
    removal = step("deregister", bundle="removal:user:leela")
    ordered = in_sending_order([*steps, removal])
    assert [one.kind for one in ordered] == ["deregister", *reversed(kinds)]


def test_dependents_are_found_however_far() -> None:
    """With the creation goes the registration, and the membership with it."""
    linked, _ = link((JOIN, REGISTER, CREATE, step("alias.add")), nothing)
    assert dependents(linked, [CREATE.id]) == {CREATE.id, REGISTER.id, JOIN.id}
    assert dependents(linked, [JOIN.id]) == {JOIN.id}


def test_dependents_can_take_bundles_whole() -> None:
    """With one operation of such a bundle come all, and whatever needs those."""
    first = step("address.park", bundle="move:1")
    second = step("primary.change", bundle="move:1", gives={holds(FRY, "x")})
    third = step("alias.add", awaits={holds(FRY, "x")})
    linked, _ = link((first, second, third), nothing)
    assert dependents(linked, [first.id]) == {first.id}
    assert dependents(linked, [first.id], whole=lambda bundle: str(bundle) == "move:1") == {
        first.id,
        second.id,
        third.id,
    }


# --- what is true at the start ---------------------------------------------------------------------------------------

HERE = StartingFacts(
    situation(
        entities=[entity("fry"), entity("leela", state=State.DISABLED), entity("mom")],
        standings=Standings(
            entity_of={FRY: entity_id("fry"), LEELA: entity_id("leela")},
            key_of={entity_id("fry"): FRY, entity_id("leela"): LEELA},
        ),
        details=known(
            aliases={entity_id("fry"): frozenset({f"Philip@{DOMAIN}"}), entity_id("mom"): frozenset({f"m@{DOMAIN}"})}
        ),
    )
)


@pytest.mark.parametrize(
    ("fact", "holds_now"),
    [
        (exists(FRY), True),
        (exists(LEELA), True),
        (exists(Key("user:amy")), False),
        (enabled(FRY), True),
        (enabled(LEELA), False),
        (enabled(Key("user:amy")), False),
        (free(f"fry@{DOMAIN}"), False),
        (free(f"philip@{DOMAIN}"), False),
        (free(f"m@{DOMAIN}"), False),  # a stranger's alias
        (free(f"leela@{DOMAIN}"), True),
        (holds(FRY, f"fry@{DOMAIN}"), True),
        (holds(FRY, f"philip@{DOMAIN}"), True),
        (holds(FRY, f"m@{DOMAIN}"), False),
        (Fact(f"demoted:{FRY}:philip@{DOMAIN}"), True),
        (Fact(f"demoted:{FRY}:fry@{DOMAIN}"), False),
        (permitted("adopt", FRY), False),
    ],
)
def test_what_is_true_at_the_start(fact: Fact, holds_now: bool) -> None:
    """Each family of facts, true and false; permissions never are by themselves."""
    assert HERE(fact) is holds_now


def test_keys_may_hold_colons() -> None:
    """A key from a directory may be any text, such as a DN or a URN."""
    odd = Key("user:urn:uuid:1")
    facts = StartingFacts(
        situation(
            entities=[entity("odd")],
            standings=Standings(entity_of={odd: entity_id("odd")}, key_of={entity_id("odd"): odd}),
        )
    )
    assert facts(exists(odd))
    assert facts(enabled(odd))
    assert facts(holds(odd, f"odd@{DOMAIN}"))


def test_a_group_is_told_from_a_user() -> None:
    """User 7 is not group 7."""
    crew = entity("crew", kind=Kind.GROUP)
    facts = StartingFacts(situation(entities=[crew], standings=Standings(entity_of={Key("group:7"): crew.id})))
    assert facts(exists(Key("group:7")))
    assert not facts(exists(Key("user:7")))
