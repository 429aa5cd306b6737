"""Changed files are noticed when they keep still."""

import os
from pathlib import Path

from syncd.daemon.watch import Watch


def test_a_change_is_told_once_it_keeps_still() -> None:
    """A file that is still being written is waited for; afterwards it is told once."""
    states = iter(["a", "a", "b", "c", "c", "c"])
    watch = Watch([Path("people.csv")], lambda _: next(states))

    assert [watch.changed() for _ in range(5)] == [False, False, False, True, False]


def test_a_file_that_is_gone_is_waited_for() -> None:
    """Who deletes and writes anew is not asked for a cycle in between."""
    states = iter(["a", None, None, "a", "a", None, "b", "b"])
    watch = Watch([Path("people.csv")], lambda _: next(states))

    assert [watch.changed() for _ in range(7)] == [False, False, False, False, False, False, True]


def test_a_renamed_file_is_another_file(tmp_path: Path) -> None:
    """Writing to another name and renaming is seen, even with the same size and time."""
    path, other = tmp_path / "people.csv", tmp_path / "new"
    path.write_text("one")
    watch = Watch([path])
    other.write_text("two")
    os.utime(other, ns=(0, path.stat().st_mtime_ns))
    other.replace(path)

    assert [watch.changed() for _ in range(3)] == [False, True, False]


def test_a_swapped_link_is_seen(tmp_path: Path) -> None:
    """A mounted ConfigMap changes by a link that points elsewhere."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "people.csv").write_text(name)
    link = tmp_path / "data"
    link.symlink_to("one")
    watch = Watch([link / "people.csv"])
    (tmp_path / "new").symlink_to("two")
    (tmp_path / "new").replace(link)

    assert [watch.changed() for _ in range(3)] == [False, True, False]
