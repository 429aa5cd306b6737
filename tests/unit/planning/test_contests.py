"""Who goes on though another entry wants the same: the whole mapping, then what is held."""

from functools import partial

from syncd.model.entry import Entry
from syncd.model.memory import Memory
from syncd.model.names import Key, Kind
from syncd.model.policy import Mode, Policy
from syncd.model.state import Desired, Entity, State
from syncd.planning.contests import with_holders
from tests.builders import binding, entity, entity_id, known, observed
from tests.fakes.cycles import World
from tests.unit.mapping.mapping_builders import desired, group, person, reasons, rules

held = partial(entity, primary="ada@corp.example")
ADA = person("1", "ada")


def settled(mapped: Desired, *entities: Entity, bound: dict[str, str], **details: object) -> Desired:
    memory = Memory(bindings={Key(key): binding(key, name) for key, name in bound.items()})
    return with_holders(mapped, observed(*entities, details=known(**details)), memory)  # type: ignore[arg-type] # what is known


def test_a_group_named_like_a_user_freezes_nobody() -> None:
    """She goes on, the group is rejected; and the other way round."""
    rows = (ADA, group("g1", name="ada"))
    by_user = settled(desired(*rows), held("ada"), bound={"user:1": "ada"})
    by_group = settled(desired(*rows), entity("ada", kind=Kind.GROUP), bound={"group:g1": "ada"})

    assert (set(by_user.entities), set(reasons(by_user))) == ({"user:1"}, {"group:g1"})
    assert (set(by_group.entities), set(reasons(by_group))) == ({"group:g1"}, {"user:1"})


def test_a_second_row_with_her_address_freezes_her_not() -> None:
    """Primary or alias: who holds it goes on, whoever wants it too is told."""
    primary = desired(ADA, person("2", mail="ada@corp.example"))
    alias = desired(ADA, person("2", other="ada@corp.example"))
    hers = desired(person("1", "ada", other="a@corp.example"), group("g1", mail="a@corp.example"))

    assert set(settled(primary, held("ada"), bound={"user:1": "ada"}).entities) == {"user:1"}
    assert set(settled(alias, held("ada"), bound={"user:1": "ada"}).entities) == {"user:1"}
    aliases = {entity_id("ada"): frozenset({"A@corp.example"})}
    assert set(settled(hers, held("ada"), bound={"user:1": "ada"}, aliases=aliases).entities) == {"user:1"}


def test_who_is_contested_over_more_than_she_holds_stays_rejected() -> None:
    """One of two names is hers: nothing says whose the other is."""
    rows = desired(ADA, person("2", "ada", mail="b@corp.example"), person("3", other=("ada@corp.example",)))
    wants_another = settled(rows, held("ada", primary="old@corp.example"), bound={"user:1": "ada"})
    renamed = settled(rows, held("lovelace"), bound={"user:1": "lovelace"})

    assert set(reasons(wants_another)) == set(reasons(renamed)) == {"user:1", "user:2", "user:3"}


def test_who_is_not_bound_or_gone_holds_nothing() -> None:
    """An entity that somebody else made, or a ghost, is no reason to go on."""
    rows = desired(ADA, group("g1", name="ada"))

    assert set(reasons(settled(rows, held("ada"), bound={}))) == {"user:1", "group:g1"}
    assert set(reasons(settled(rows, held("ada", state=State.DELETED), bound={"user:1": "ada"}))) == {
        "user:1",
        "group:g1",
    }


def test_another_fault_is_never_forgiven() -> None:
    """Whose row is wrong in itself stays as she is, whatever she holds."""
    rows = desired(person("1", "ada", full="\u202e"), group("g1", name="ada"))

    assert set(reasons(settled(rows, held("ada"), bound={"user:1": "ada"}))) == {"user:1", "group:g1"}


def test_a_group_that_goes_on_has_its_members() -> None:
    """It doesn't come back empty: that would take everybody out of it."""
    rows = desired(ADA, person("2", "crew"), group("g1", "1", name="crew"))
    found = settled(rows, entity("crew", kind=Kind.GROUP), bound={"group:g1": "crew"})

    assert found.entities[Key("group:g1")].members == {"user:1"}


def test_who_is_disabled_leaves_though_a_group_has_her_name() -> None:
    """End to end: the group that came can't keep her mailbox open."""

    def mapped(on: str, *more: Entry) -> Desired:
        ada = person("1", "ada", mail="ada@planetexpress.example", on=on)
        bob = person("2", "bob", mail="bob@planetexpress.example", on="yes")
        return desired(ada, bob, *more, by=rules({"enabled": "on"}))

    world = World(policy=Policy(mode=Mode.FULL))
    world.desired = mapped("yes")
    world.sync()
    world.desired = mapped("no", group("g1", name="ada", mail="g@planetexpress.example"))
    report = world.sync()

    assert report.plan is not None
    assert [str(operation.bundle) for operation in report.plan.operations if operation.kind == "deregister"] == [
        "removal:user:1"
    ]
    assert [rejection.key for rejection in report.plan.rejections] == ["group:g1"]
