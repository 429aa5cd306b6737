"""The address solver, case by case; the tables try all of them."""

from typing import Any

from syncd.planning.addresses import solve
from syncd.planning.ownership import (
    Act,
    Extras,
    Obstacle,
    Party,
    Solution,
    Status,
    Step,
    blocked_newcomers,
    is_parking,
    parking_address,
)

DEFAULT_DOMAIN = "corp.awsapps.com"


def party(key: str, status: Status = Status.STAYING, **facts: Any) -> Party:  # noqa: ANN401 - Party's own
    """Somebody who wants the primary address KEY@corp.example unless told otherwise."""
    defaults = {} if status in (Status.LEAVING, Status.FIXED) else {"wanted_primary": f"{key}@corp.example"}
    return Party(**({"key": key, "status": status} | defaults | facts))


def solved(*parties: Party, limit: int = 100) -> Solution:
    """The solution, with the organization's own domain spared."""
    return solve(parties, default_domain=DEFAULT_DOMAIN, limit=limit, spared_domain=DEFAULT_DOMAIN)


def told(step: Step) -> str:
    """A step in three words."""
    return f"{step.party} {step.act}s {step.address}"


def words(solution: Solution) -> list[str]:
    """All steps, sorted."""
    return sorted(told(step) for step in solution.steps)


def test_who_has_what_they_want_moves_nothing() -> None:
    """Equal states, case aside, give no steps; an alias more stays where extras are kept."""
    ada = party("ada", primary="Ada@Corp.example", aliases=["AL@corp.example"], wanted_aliases=("al@corp.example",))
    bob = party("bob", primary="bob@corp.example", aliases=["b@corp.example"])
    assert solved(ada, bob) == Solution()


def test_an_extra_alias_goes_only_where_extras_are_removed() -> None:
    """Kept and unmanaged aliases stay; removed ones go, but for those that WorkMail made on its own domain."""
    for extras, expected in (
        (Extras.KEPT, []),
        (Extras.UNMANAGED, []),
        (Extras.REMOVED, ["ada releases al@corp.example"]),
    ):
        ada = party(
            "ada",
            primary="ada@corp.example",
            aliases=["al@corp.example", f"ada@{DEFAULT_DOMAIN}"],
            extras=extras,
        )
        assert words(solved(ada)) == expected


def test_two_who_swap_their_primaries_park_once() -> None:
    """A ring takes one parking address, and leaves none behind."""
    ada = party("ada", primary="bob@corp.example")
    bob = party("bob", primary="ada@corp.example")
    parking = parking_address("ada", DEFAULT_DOMAIN)
    assert words(solved(ada, bob)) == [
        "ada parks " + parking,
        "ada promotes ada@corp.example",
        "ada releases bob@corp.example",
        "ada releases " + parking,
        "bob promotes bob@corp.example",
        "bob releases ada@corp.example",
    ]


def test_a_chain_needs_no_parking() -> None:
    """Each takes what the next one leaves; the last one's address is free."""
    ada = party("ada", primary="bob@corp.example", extras=Extras.REMOVED)
    bob = party("bob", primary="cyd@corp.example", extras=Extras.REMOVED)
    cyd = party("cyd", primary="ada@corp.example", wanted_primary="new@corp.example")
    acts = [step.act for step in solved(ada, bob, cyd).steps]
    assert sorted(acts) == [*[Act.PROMOTE] * 3, *[Act.RELEASE] * 3]


def test_primary_and_alias_change_places_in_one_step() -> None:
    """Where extras are removed, a swap within one entity is one promotion."""
    ada = party(
        "ada",
        primary="old@corp.example",
        aliases=["ada@corp.example"],
        wanted_aliases=("old@corp.example",),
        extras=Extras.REMOVED,
    )
    assert words(solved(ada)) == ["ada promotes ada@corp.example"]


def test_an_unwanted_old_primary_is_released_once_it_is_demoted() -> None:
    """The release stands behind the promotion that demotes it, which the step says."""
    solution = solved(party("ada", primary="old@corp.example", extras=Extras.REMOVED))
    release = next(step for step in solution.steps if step.act is Act.RELEASE)
    assert release.demoted
    assert release.address == "old@corp.example"


def test_a_leaver_gives_up_everything_and_ends_parked() -> None:
    """Aliases are released, the primary is parked, then released; the newcomer's wait is on that."""
    leaver = party("eve", Status.LEAVING, primary="bob@corp.example", aliases=["e@corp.example"])
    newcomer = party("bob", Status.JOINING, wanted_aliases=("e@corp.example",))
    solution = solved(leaver, newcomer)
    assert words(solution) == [
        "bob registers bob@corp.example",
        "bob takes e@corp.example",
        "eve parks " + parking_address("eve", DEFAULT_DOMAIN),
        "eve releases bob@corp.example",
        "eve releases e@corp.example",
    ]
    frees = {step.act: step.frees for step in solution.steps if step.party == "bob"}
    assert frees == {Act.REGISTER: {"bob@corp.example"}, Act.TAKE: {"e@corp.example"}}


def test_a_leaver_who_parked_in_an_earlier_cycle_only_releases_the_rest() -> None:
    """A parked primary is as good as given up; with nothing else left there is nothing to do."""
    parking = parking_address("eve", DEFAULT_DOMAIN)
    assert words(solved(party("eve", Status.LEAVING, primary=parking, aliases=["e@x.example"]))) == [
        "eve releases e@x.example"
    ]
    assert solved(party("eve", Status.LEAVING, primary=parking)) == Solution()


def test_a_claim_on_what_a_fixed_party_holds_waits_and_so_does_who_wants_what_the_claimant_keeps() -> None:
    """The wait goes up the chain; the newcomer at its end gets nothing, not even a free alias."""
    fixed = party("entity:9", Status.FIXED, primary="ada@corp.example")
    ada = party("ada", primary="bob@corp.example", wanted_aliases=("al@corp.example",))
    bob = party("bob", Status.JOINING, wanted_aliases=("free@corp.example",))
    solution = solved(fixed, ada, bob)
    assert words(solution) == ["ada takes al@corp.example"]
    assert [(wait.party, wait.obstacle, wait.holder, wait.primary) for wait in solution.waits] == [
        ("ada", Obstacle.HELD, "entity:9", True),
        ("bob", Obstacle.KEPT, "ada", True),
    ]
    assert blocked_newcomers(solution) == {"bob"}


def test_an_alias_that_waits_keeps_nobody_from_the_rest() -> None:
    """Only the alias is left out; the newcomer registers."""
    fixed = party("entity:9", Status.FIXED, primary="x@corp.example", aliases=["al@corp.example"])
    solution = solved(fixed, party("ada", Status.JOINING, wanted_aliases=("al@corp.example",)))
    assert words(solution) == ["ada registers ada@corp.example"]
    assert not blocked_newcomers(solution)


def test_nobody_gives_up_an_alias_for_a_newcomer_who_gets_nothing() -> None:
    """The claims of a blocked newcomer are void."""
    fixed = party("entity:9", Status.FIXED, primary="bob@corp.example")
    ada = party("ada", primary="ada@corp.example", aliases=["al@corp.example"])
    bob = party("bob", Status.JOINING, wanted_aliases=("al@corp.example",))
    assert words(solved(fixed, ada, bob)) == []


def test_a_parking_alias_found_later_is_released_whatever_becomes_of_extras() -> None:
    """It has served, on whatever domain it is."""
    for extras in Extras:
        parked = parking_address("ada", "old.example").upper()
        ada = party("ada", primary="ada@corp.example", aliases=[parked], extras=extras)
        assert words(solved(ada)) == [f"ada releases {parked}"]


def test_who_is_parked_just_gets_the_wanted_primary() -> None:
    """An interrupted exchange is finished; the parking address goes."""
    parked = parking_address("ada", DEFAULT_DOMAIN)
    assert words(solved(party("ada", primary=parked))) == [
        "ada promotes ada@corp.example",
        f"ada releases {parked}",
    ]


def test_a_full_party_releases_before_its_old_primary_becomes_an_alias() -> None:
    """The promotion is behind one release, so that there are never more aliases than allowed."""
    ada = party(
        "ada",
        primary="old@corp.example",
        aliases=["a@x.example", "b@x.example"],
        wanted_aliases=("a@x.example",),
        extras=Extras.REMOVED,
    )
    promotion = next(step for step in solved(ada, limit=2).steps if step.act is Act.PROMOTE)
    assert promotion.frees == {"b@x.example"}


def test_a_full_party_with_nothing_to_release_keeps_its_primary() -> None:
    """There is no moment at which the old primary would fit; the wait says so."""
    ada = party("ada", primary="old@corp.example", aliases=["a@x.example", "b@x.example"])
    solution = solved(ada, limit=2)
    assert not solution.steps
    assert [(wait.address, wait.obstacle) for wait in solution.waits] == [("ada@corp.example", Obstacle.FULL)]


def test_aliases_beyond_the_limit_wait_in_the_order_of_the_directory() -> None:
    """The first ones fit, the last ones wait."""
    wanted = tuple(f"{letter}@x.example" for letter in "zyx")
    solution = solved(party("ada", Status.JOINING, wanted_aliases=wanted), limit=2)
    assert words(solution) == ["ada registers ada@corp.example", "ada takes y@x.example", "ada takes z@x.example"]
    assert [wait.address for wait in solution.waits] == ["x@x.example"]


def test_what_several_want_goes_to_its_holder_else_to_the_primary() -> None:
    """The mapping rejects such entries; should one come through, it moves nothing twice."""
    ada = party("ada", primary="ada@corp.example", aliases=["x@x.example"], wanted_aliases=("x@x.example",))
    bob = party("bob", Status.JOINING, wanted_aliases=("x@x.example", "cyd@corp.example"))
    cyd = party("cyd", Status.JOINING)
    solution = solved(ada, bob, cyd)
    assert words(solution) == ["bob registers bob@corp.example", "cyd registers cyd@corp.example"]
    assert {(wait.party, wait.holder) for wait in solution.waits} == {("bob", "ada"), ("bob", "cyd")}


def test_two_newcomers_with_one_primary_leave_it_to_the_first() -> None:
    """The second gets nothing at all, whatever else it wanted twice."""
    both = {"wanted_primary": "x@corp.example", "wanted_aliases": ("y@corp.example",)}
    solution = solved(party("bob", Status.JOINING, **both), party("ada", Status.JOINING, **both))
    assert words(solution) == ["ada registers x@corp.example", "ada takes y@corp.example"]
    assert blocked_newcomers(solution) == {"bob"}


def test_what_was_read_twice_belongs_to_whose_primary_it_is() -> None:
    """Lists are read in every cycle, aliases are not: nobody releases what is no longer theirs."""
    ada = party("ada", primary="new@corp.example", aliases=["bob@corp.example"], wanted_primary="ada@corp.example")
    bob = party("bob", primary="bob@corp.example")
    assert words(solved(bob, ada)) == ["ada promotes ada@corp.example"]


def test_a_return_puts_back_what_nobody_holds_or_wants() -> None:
    """An address that is held, wanted or parked stays where it is."""
    parked = parking_address("ada", DEFAULT_DOMAIN)
    ada = party("ada", Status.JOINING, returning=("ada@corp.example", "free@x.example", "held@x.example", parked))
    bob = party("bob", primary="bob@corp.example", aliases=["held@x.example"])
    cyd = party("cyd", Status.JOINING, wanted_aliases=("wanted@x.example",))
    solution = solved(ada, bob, cyd)
    assert "ada takes free@x.example" in words(solution)
    assert not any(step.party == "bob" for step in solution.steps)
    assert sum(step.act is Act.TAKE and step.party == "ada" for step in solution.steps) == 1


def test_a_taken_parking_address_is_passed_over() -> None:
    """Who parks takes another one of the same form."""
    taken = parking_address("eve", DEFAULT_DOMAIN)
    stranger = party("entity:9", Status.FIXED, primary=taken)
    steps = solved(party("eve", Status.LEAVING, primary="eve@corp.example"), stranger).steps
    parking = next(step.address for step in steps if step.act is Act.PARK)
    assert parking != taken
    assert is_parking(parking)


def test_only_what_hangs_together_is_one_move() -> None:
    """A swap is one group; a free alias of one of the two moves alone, and so does what comes from a leaver."""
    ada = party("ada", primary="bob@corp.example", wanted_aliases=("free@x.example", "eve@x.example"))
    bob = party("bob", primary="ada@corp.example")
    eve = party("eve", Status.LEAVING, primary="eve@x.example")
    groups = {told(step): step.group for step in solved(ada, bob, eve).steps}
    assert groups["ada takes free@x.example"] == groups["ada takes eve@x.example"] == ()
    assert groups["ada promotes ada@corp.example"] == groups["bob releases ada@corp.example"] == ("ada", "bob")
    assert {group for step, group in groups.items() if step.startswith("eve")} == {()}


def test_who_changes_keys_parks_where_they_parked_before() -> None:
    """The entity tells parking addresses apart: another one under the same key may hold its own out of sight."""
    one, other = (Party(key="user:7", status=Status.STAYING, entity=entity) for entity in ("e1", "e2"))
    assert parking_address(one.parks_as, DEFAULT_DOMAIN) != parking_address(other.parks_as, DEFAULT_DOMAIN)
    assert Party(key="user:8", status=Status.STAYING, entity="e1").parks_as == one.parks_as


def test_only_the_form_makes_a_parking_address() -> None:
    """Twelve hexadecimal digits behind the prefix, in any case; nothing that a person would be given."""
    assert is_parking(parking_address("user:7", "corp.example"))
    assert is_parking("SYNCD-PARKED-0123456789AB@corp.example")
    assert not any(map(is_parking, ("", "syncd-parked-1@corp.example", "syncd@corp.example", "ada@corp.example")))


def test_what_two_were_read_to_hold_belongs_to_the_first() -> None:
    """One of the two readings is out of date; the other one's is acted upon, whoever is read first."""
    ada = party("ada", primary="ada@corp.example", aliases=["x@x.example"])
    bob = party("bob", primary="bob@corp.example", aliases=["x@x.example"])
    eve = party("eve", primary="eve@corp.example", wanted_aliases=("x@x.example",))
    expected = ["ada releases x@x.example", "eve takes x@x.example"]
    assert words(solved(ada, bob, eve)) == words(solved(bob, eve, ada)) == expected


def test_a_primary_that_two_were_read_to_have_is_left_to_the_first() -> None:
    """Nothing can be done about what can't be; nothing is."""
    ada = party("ada", primary="x@corp.example", wanted_primary="x@corp.example")
    bob = party("bob", primary="x@corp.example", wanted_primary="x@corp.example", wanted_aliases=("b@x.example",))
    assert words(solved(bob, ada)) == ["bob takes b@x.example"]
