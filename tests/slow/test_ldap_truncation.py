"""An answer that is cut off or refused anywhere in a whole cycle takes nothing away from anybody."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from syncd.errors import SourceIncomplete
from syncd.model.entry import Absence
from syncd.model.policy import Mode, Policy, Removal
from tests.fakes import ber
from tests.fakes.ldap_world import (
    CREW,
    GROUPS,
    PEOPLE,
    RECKLESS,
    TEAMS,
    LdapWorld,
    assert_harmless,
    directory,
    replaced,
    searches_of,
    synced_world,
)
from tests.fakes.slapd import SUFFIX, Slapd, skip_without_slapd

pytestmark = skip_without_slapd

CODES = (3, 4, 10, 11, 32, 50, 51, 52, 53, 80)
_END = 0x65


@pytest.fixture(scope="module")
def slapd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    server = Slapd(folder=tmp_path_factory.mktemp("slapd") / "slapd")
    with server.load(directory()):
        yield server


@pytest.fixture
def world(slapd: Slapd) -> LdapWorld:
    return synced_world(slapd)


def test_a_cut_after_any_message_takes_nothing_away(world: LdapWorld) -> None:
    """Before, within and after each message of a whole read: an error that names the server, and nothing is sent."""
    whole = world.sync_through().messages
    assert whole > len(CREW) + len(TEAMS)

    for number in range(whole):
        for cut_at in (0, 1, 9):
            ended = world.sync_through(cut_after=number, cut_at=cut_at)
            assert_harmless(world, ended)
            assert ended.error is not None, f"complete although cut after {number} of {whole} messages"


@pytest.mark.parametrize("code", CODES)
def test_each_result_at_each_search_takes_nothing_away(code: int, world: LdapWorld) -> None:
    """Each search of a whole read, each page, ends with this code after its entries have come."""
    incomplete = 0
    searches = searches_of(world)
    for search in range(searches):
        ended = world.sync_through(rewrite=replaced(search, code))
        assert_harmless(world, ended)
        incomplete += ended.error is not None

    # Without a root DSE the kind of server can't be recognized: that is an error too.
    assert incomplete == searches


@pytest.mark.parametrize("code", CODES)
def test_a_refused_page_is_told_with_base_and_filter(code: int, world: LdapWorld) -> None:
    """The error names server, base, filter, the code, what came and what was expected."""
    told = []
    for search in range(searches_of(world)):
        said = world.sync_through(rewrite=replaced(search, code)).said
        if "inetOrgPerson" in said or "groupOf" in said:
            told.append(said)

    pages = [said for said in told if f"result {code} (" in said]
    assert len(pages) == 4  # three of people, one of groups
    assert sum(PEOPLE in said for said in pages) == 3
    assert sum(GROUPS in said for said in pages) == 1
    assert all("(objectClass=" in said for said in pages)
    if code != 32:
        assert all(" came on " in said and "expected everything" in said for said in pages)


def test_an_end_that_is_lost_is_noticed(world: LdapWorld) -> None:
    """An empty message stands where a search should end."""
    for search in range(searches_of(world)):
        ends = iter(range(1_000))

        def lose(number: int, message: bytes, *, search: int = search, ends: Iterator[int] = ends) -> list[bytes]:
            # Not nothing: that would be waited for until the receive timeout, each time.
            if ber.operation_of(message) == _END and next(ends) == search:
                return [b"\x30\x00"]
            return [message]

        ended = world.sync_through(rewrite=lose)
        assert_harmless(world, ended)
        assert ended.error is not None


@pytest.mark.parametrize("code", [3, 4, 32, 50, 80])
def test_a_look_up_that_fails_accuses_nobody_else(code: int, slapd: Slapd) -> None:
    """Who left the base is looked up by key: whatever ends that, only this one may count as missing."""
    patient = RECKLESS.model_copy(update={"removal": Removal(after_cycles=1_000)})
    world = LdapWorld(slapd=slapd, policy=patient)
    world.sync()
    mover, elsewhere = CREW[0], f"ou=elsewhere-{code},{SUFFIX}"
    slapd.modify(
        f"dn: {elsewhere}\nchangetype: add\nobjectClass: organizationalUnit\n\n"
        f"dn: uid={mover},{PEOPLE}\nchangetype: modrdn\nnewrdn: uid={mover}\ndeleteoldrdn: 0\n"
        f"newsuperior: {elsewhere}\n"
    )
    try:
        assert world.sync_through().error is None
        (absent,) = world.stores.marks
        assert world.parts().source.read([absent]).absences == {absent: Absence.MOVED}
        for search in range(searches_of(world)):
            ended = world.sync_through(rewrite=replaced(search, code))
            assert "DeregisterFromWorkMail" not in ended.changed
            assert set(world.stores.marks) == {absent}
    finally:
        slapd.modify(
            f"dn: uid={mover},{elsewhere}\nchangetype: modrdn\nnewrdn: uid={mover}\ndeleteoldrdn: 0\n"
            f"newsuperior: {PEOPLE}\n\ndn: {elsewhere}\nchangetype: delete\n"
        )


SHOWN = "access to attrs=userPassword by anonymous auth", "access to * by users read by * auth"


@pytest.mark.parametrize(
    ("hidden", "canaries", "told"),
    [
        (f'dn.subtree="{SUFFIX}"', [], "not visible to syncd's account"),
        (f'dn.subtree="{PEOPLE}"', [], f"the base {PEOPLE}"),
        (f'dn.one="{PEOPLE}"', [f"uid={CREW[3]},{PEOPLE}"], f"the canary uid={CREW[3]},{PEOPLE}"),
    ],
)
def test_an_account_that_loses_its_rights_is_told(hidden: str, canaries: list[str], told: str, tmp_path: Path) -> None:
    """The server says "success" and shows nothing: the base or the canary is missed, and nobody is removed."""
    with Slapd(folder=tmp_path / "slapd").load(directory()) as slapd:
        world = LdapWorld(slapd=slapd, changes={"canaries": canaries})
        world.sync()
        slapd.restart(access=(SHOWN[0], f"access to {hidden} by * none", SHOWN[1]))
        ended = world.sync_through()

    assert isinstance(ended.error, SourceIncomplete)
    assert told in ended.said
    assert_harmless(world, ended)


def test_without_a_canary_the_guard_is_left(tmp_path: Path) -> None:
    """Every person is hidden, base and all: success and zero entries, which the usual guards refuse."""
    with Slapd(folder=tmp_path / "slapd").load(directory()) as slapd:
        usual = Policy(mode=Mode.FULL, removal=RECKLESS.removal)
        world = LdapWorld(slapd=slapd, policy=usual)
        world.sync()
        slapd.restart(access=(SHOWN[0], f'access to dn.one="{PEOPLE}" by * none', SHOWN[1]))
        ended = world.sync_through()

    assert ended.error is None
    assert ended.changed == []
    assert not ended.remembers_more


def test_this_world_removes_whom_a_complete_read_lacks(tmp_path: Path) -> None:
    """Otherwise nothing above would prove anything: here the source alone decides."""
    with Slapd(folder=tmp_path / "slapd").load(directory()) as slapd:
        world = synced_world(slapd)
        slapd.modify(f"dn: uid={CREW[5]},{PEOPLE}\nchangetype: delete\n")
        ended = world.sync_through()

    assert ended.error is None
    assert "DeregisterFromWorkMail" in ended.changed
