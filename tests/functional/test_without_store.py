"""What a one-shot job without a volume of its own would say: nobody is remembered, so nobody is ours."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.functional.places import PEOPLE, Site, planetexpress


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Planet Express after its first sync, whose store is lost: as for a new pod with an empty folder."""
    with planetexpress(tmp_path) as found:
        assert found.syncd("sync").code == 0
        for path in found.folder.glob("syncd.db*"):
            path.unlink()
        found.server.log.reset()
        yield found


def test_everybody_would_be_adopted(site: Site) -> None:
    """`plan` with an empty store shows each match as `adopt`, waiting for approval; there is nothing else."""
    ended = site.syncd("plan", "--full")

    assert ended.code == 3
    assert ended.out.count("+ adopt user ") == 7
    assert ended.out.count("+ adopt group ") == 2
    assert "+ adopt user fry as user:fry" in ended.out
    assert "Plan: 0 to add, 0 to change, 0 to remove; 9 withheld." in ended.out


def test_nobody_is_changed_or_removed(site: Site) -> None:
    """A job that forgets everything harms nobody: who moved and who left the directory stay as they are."""
    people = (site.folder / PEOPLE).read_text(encoding="utf-8").splitlines(keepends=True)
    site.write(PEOPLE, "".join(line for line in people if not line.startswith("amy")).replace("fry@", "philip@"))
    before = site.held()

    ended = site.syncd("sync")

    assert ended.code == 3
    assert site.held() == before
    assert site.sent() == 0
