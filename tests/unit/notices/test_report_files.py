"""The files that each cycle leaves: whole or not at all, nobody else's to read, never elsewhere."""

import os
import re
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from syncd.notices.report_files import ReportFiles, is_worth_keeping
from tests.fakes.clock import FakeClock
from tests.unit.notices.cycles import report


class Desk:
    """Report files in a folder, and what they complained of."""

    def __init__(self, folder: Path, keep: int = 100) -> None:
        self.folder = folder
        self.clock = FakeClock()
        self.lost: list[tuple[str, OSError]] = []
        self.events: list[tuple[str, dict[str, object]]] = []
        self.files = ReportFiles(
            folder,
            keep,
            self.clock,
            lambda name, error: self.lost.append((name, error)),
            event=lambda name, **fields: self.events.append((name, fields)),
        )

    def hears(self, kind: str, *, name: str = "planetexpress", cycle_id: str = "4f3a9c01d2e7") -> None:
        self.files.observer(name, "full").finished(report(kind, organization=name, cycle_id=cycle_id))
        self.clock.advance(seconds=1)

    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())


@pytest.mark.parametrize(
    ("kind", "kept"), [("in_sync", False), ("applied", True), ("withheld", True), ("partial", True), ("failed", True)]
)
def test_a_cycle_worth_keeping_leaves_a_page_and_markdown(kind: str, kept: bool, tmp_path: Path) -> None:
    """What did, withheld or failed something; an organization in sync leaves nothing."""
    desk = Desk(tmp_path / "reports")
    desk.hears(kind)

    stem = "planetexpress-20260302T080000Z-4f3a9c01d2e7"
    assert is_worth_keeping(report(kind)) is kept
    assert (desk.names() if desk.folder.exists() else []) == ([f"{stem}.html", f"{stem}.md"] if kept else [])
    if kept:
        assert "mode full" in (desk.folder / f"{stem}.html").read_text(encoding="utf-8")
        assert (desk.folder / f"{stem}.md").read_text(encoding="utf-8").startswith("# run planetexpress: ")
        event = ("report_written", {"organization": "planetexpress", "cycle_id": "4f3a9c01d2e7"})
        assert [(name, {key: fields[key] for key in event[1]}) for name, fields in desk.events] == [event]


def test_nobody_else_reads_them(tmp_path: Path) -> None:
    """Folder and files are the owner's alone, whatever the mask of the process says."""
    before = os.umask(0)
    try:
        desk = Desk(tmp_path / "deep" / "reports")
        desk.hears("applied")
    finally:
        os.umask(before)

    assert stat.S_IMODE(desk.folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in desk.folder.iterdir()} == {0o600}


def test_the_oldest_go_first(tmp_path: Path) -> None:
    """Of each organization its own last cycles are kept, also of one whose name begins like another's."""
    desk = Desk(tmp_path, keep=2)
    for number in range(5):
        desk.hears("applied", cycle_id=f"a{number}")
        desk.hears("applied", name="planetexpress-2", cycle_id=f"b{number}")

    assert [re.sub(r"-\d{8}T\d{6}Z-", " ", name) for name in desk.names() if name.endswith(".html")] == [
        "planetexpress-2 b3.html",
        "planetexpress-2 b4.html",
        "planetexpress a3.html",
        "planetexpress a4.html",
    ]


def test_what_is_not_ours_stays(tmp_path: Path) -> None:
    """Files of people, and folders, are left alone; what a killed process left half written is not."""
    (tmp_path / "notes.html").touch()
    (tmp_path / "planetexpress-20260101T000000Z-old.html.bak").touch()
    (tmp_path / ".planetexpress-20260101T000000Z-dead.html").touch()
    desk = Desk(tmp_path, keep=1)
    for number in range(3):
        desk.hears("applied", cycle_id=f"c{number}")

    assert desk.names() == [
        "notes.html",
        "planetexpress-20260101T000000Z-old.html.bak",
        "planetexpress-20260302T080002Z-c2.html",
        "planetexpress-20260302T080002Z-c2.md",
    ]


def test_a_link_leads_nowhere(tmp_path: Path) -> None:
    """A symbolic link where a file belongs is replaced, not followed, whether it is the draft's or the file's."""
    victim = tmp_path / "victim"
    victim.write_text("precious", encoding="utf-8")
    folder = tmp_path / "reports"
    folder.mkdir()
    stem = "planetexpress-20260302T080000Z-4f3a9c01d2e7"
    for name in (f"{stem}.html", f".{stem}.html", f"{stem}.md", "planetexpress-20200101T000000Z-old.html"):
        (folder / name).symlink_to(victim)
    desk = Desk(folder, keep=1)
    desk.hears("applied")

    assert victim.read_text(encoding="utf-8") == "precious"
    assert desk.names() == [f"{stem}.html", f"{stem}.md"]
    assert not any(path.is_symlink() for path in folder.iterdir())


def test_a_cycle_id_is_no_path(tmp_path: Path) -> None:
    """Whatever it says, the files lie in the folder."""
    desk = Desk(tmp_path / "reports")
    desk.hears("applied", cycle_id="../../evil")

    assert desk.names()[0].endswith("-evil.html")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["reports"]


def test_a_folder_that_can_not_be_written_ends_no_cycle(tmp_path: Path) -> None:
    """It is told and counted, once a report."""
    (tmp_path / "reports").write_text("a file", encoding="utf-8")
    desk = Desk(tmp_path / "reports")
    desk.hears("applied")

    assert [(name, type(error)) for name, error in desk.lost] == [("planetexpress", FileExistsError)]
    assert desk.events[0][0] == "report_failed"
    assert desk.events[0][1]["reason"] == "File exists"


def test_the_time_in_a_name_is_universal(tmp_path: Path) -> None:
    """Names sort by time, wherever the machine stands."""
    desk = Desk(tmp_path)
    assert desk.clock.now() == datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
    path = desk.files.write("planetexpress", report("applied"))

    assert path.name == "planetexpress-20260302T080000Z-4f3a9c01d2e7.html"
