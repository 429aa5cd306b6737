"""A directory server that breaks off within a cycle; `tests/slow/test_ldap_truncation.py` goes through all of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.ldap_world import LdapWorld, assert_harmless, directory, replaced, searches_of, synced_world
from tests.fakes.slapd import Slapd, skip_without_slapd

pytestmark = skip_without_slapd

#: Each once: which of them ends which search makes no difference here.
CODES = (4, 50, 32, 11, 3, 53, 10, 80, 51, 52)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[LdapWorld]:
    with Slapd(folder=tmp_path / "slapd").load(directory()) as slapd:
        yield synced_world(slapd)


def test_a_cut_after_any_message_takes_nothing_away(world: LdapWorld) -> None:
    """After each message of a whole read: an error that names the server, nothing sent, nobody marked."""
    whole = world.sync_through().messages
    for number in range(whole):
        ended = world.sync_through(cut_after=number, cut_at=number % 7)
        assert_harmless(world, ended)
        assert ended.error is not None, f"complete although cut after {number} of {whole} messages"


def test_any_search_that_is_refused_takes_nothing_away(world: LdapWorld) -> None:
    """Each search, page by page, ends with a result that is not success."""
    for search in range(searches_of(world)):
        ended = world.sync_through(rewrite=replaced(search, CODES[search % len(CODES)]))
        assert_harmless(world, ended)
        assert ended.error is not None
