"""Where the store lies: whoever reaches it by another name finds the same lock."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from syncd.errors import Locked, StoreError
from syncd.planning.document import dumps, loads
from syncd.store.examination import examine, examine_lock
from syncd.store.lock import lock_path
from syncd.store.place import real_place
from syncd.store.store import Store
from syncd.workmail.pages import PAGES
from tests.builders import ORGANIZATION_ID
from tests.fakes.clock import FakeClock


def open_store(path: Path) -> Store:
    return Store(path, clock=FakeClock(), encode=dumps, decode=partial(loads, pages=PAGES), details=PAGES.details)


def by_file_link(path: Path) -> Path:
    link = path.with_name("link.db")
    link.symlink_to(path.name)
    return link


def by_folder_link(path: Path) -> Path:
    link = path.parent.with_name("folder")
    link.symlink_to(path.parent, target_is_directory=True)
    return link / path.name


def by_links_of_links(path: Path) -> Path:
    first = by_file_link(by_folder_link(path))
    second = first.parent.parent / "second.db"
    second.symlink_to(first)
    return second


def by_a_way_around(path: Path) -> Path:
    return path.parent / ".." / path.parent.name / path.name


def by_a_relative_path(path: Path) -> Path:
    return Path(os.path.relpath(path))


WAYS = [by_file_link, by_folder_link, by_links_of_links, by_a_way_around, by_a_relative_path]


@pytest.mark.parametrize("way", WAYS)
def test_by_whatever_name_there_is_one_lock(tmp_path: Path, way: Callable[[Path], Path]) -> None:
    """Two configurations that name one file differently never sync at once."""
    folder = tmp_path / "real"
    folder.mkdir()
    path = folder / "syncd.db"
    with open_store(path) as store:
        other = way(path)
        with open_store(other) as again:
            ours, theirs = store.organization(ORGANIZATION_ID).lock, again.organization(ORGANIZATION_ID).lock
            with ours.held("run"), pytest.raises(Locked), theirs.held("sync"):
                pass

    assert real_place(other) == path
    assert sorted(each.name for each in folder.iterdir() if each.name.endswith(".lock")) == [ours.path.name]


def test_a_link_to_a_file_that_is_not_there_yet(tmp_path: Path) -> None:
    """The file is made where the link leads, and its lock beside it."""
    (tmp_path / "data").mkdir()
    link = tmp_path / "syncd.db"
    link.symlink_to(tmp_path / "data" / "real.db")

    with open_store(link) as store, store.organization(ORGANIZATION_ID).lock.held("sync"):
        pass

    assert (tmp_path / "data" / "real.db").is_file()
    assert lock_path(link, ORGANIZATION_ID).parent == tmp_path / "data"


def test_a_file_with_several_names_is_refused(tmp_path: Path) -> None:
    """A hard link has no other file to lead to: each name would have a lock and a -wal of its own."""
    path, other = tmp_path / "syncd.db", tmp_path / "other.db"
    open_store(path).close()
    os.link(path, other)

    for each in (path, other):
        with pytest.raises(StoreError, match="has 2 names") as caught:
            open_store(each)
        assert "samefile" in caught.value.hint
        assert [check.topic for check in examine(each)] == ["file"]
        assert "has 2 names" in next(iter(examine_lock(each, ORGANIZATION_ID))).found


def test_links_in_a_circle_are_refused(tmp_path: Path) -> None:
    """It says so, and makes nothing."""
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")

    with pytest.raises(StoreError, match="look for the file"):
        open_store(tmp_path / "a")
