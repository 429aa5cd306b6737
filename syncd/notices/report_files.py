"""A page and a Markdown file of each cycle that did, withheld or failed something, in a folder of their own.

    ORGANIZATION-YYYYMMDDTHHMMSSZ-CYCLEID.html   and   .md

They hold names and addresses: nobody else may read them. A file appears whole or not at all. Everything is done
relative to the folder's descriptor, so that no symbolic link in it leads anywhere else.
"""

import os
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from syncd.model.report import Report
from syncd.notices.observer import NoticeObserver
from syncd.ports import Clock
from syncd.rendering.html import render_html
from syncd.rendering.markdown import render_markdown

_MINE = 0o600
_FOLDER = 0o700
_RENDER = {"html": render_html, "md": render_markdown}


class ReportFiles:
    """Writes into *folder*, which is made if it isn't there, and keeps the last *keep* cycles of each organization.

    *on_failure* is told the organization and what the machine said when a report can't be written: the cycle
    goes on. *event* gets a line for each report written or lost.
    """

    def __init__(
        self,
        folder: Path,
        keep: int,
        clock: Clock,
        on_failure: Callable[[str, OSError], None],
        *,
        event: Callable[..., None] | None = None,
    ) -> None:
        self._folder = folder
        self._keep = keep
        self._clock = clock
        self._on_failure = on_failure
        self._event = event or _nothing

    def observer(self, name: str, mode: str = "") -> NoticeObserver:
        """Return what writes the reports of the organization called *name*."""
        return NoticeObserver(heard=partial(self._heard, name, mode), event=self._event)

    def _heard(self, name: str, mode: str, report: Report) -> None:
        if not is_worth_keeping(report):
            return
        try:
            written = self.write(name, report, mode=mode)
        except OSError as error:
            self._event("report_failed", organization=name, cycle_id=report.cycle_id, reason=error.strerror or "")
            self._on_failure(name, error)
        else:
            self._event("report_written", organization=name, cycle_id=report.cycle_id, path=str(written))

    def write(self, name: str, report: Report, *, mode: str = "") -> Path:
        """Write both files of *report*, then remove what is too many; return the path of the page.

        Raises:
            OSError: the folder or a file can't be written. What was there before is still there.
        """
        stem = f"{name}-{_stamp(self._clock.now())}-{_plain(report.cycle_id)}"
        self._folder.mkdir(mode=_FOLDER, parents=True, exist_ok=True)
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for suffix, render in _RENDER.items():
                _write(folder, f"{stem}.{suffix}", render(report, mode=mode).encode())
            self._prune(folder, name)
            os.fsync(folder)
        finally:
            os.close(folder)
        return self._folder / f"{stem}.html"

    def _prune(self, folder: int, name: str) -> None:
        """Remove the oldest cycles of *name*, and what a killed process left half written."""
        pattern = re.compile(rf"(\.)?{re.escape(name)}-([0-9]{{8}}T[0-9]{{6}}Z-[0-9A-Za-z]+)\.(?:html|md)")
        kept: dict[str, list[str]] = {}
        for file in os.listdir(folder):
            match = pattern.fullmatch(file)
            if match and match.group(1):
                _remove(folder, file)
            elif match:
                kept.setdefault(match.group(2), []).append(file)
        for cycle in sorted(kept)[: -self._keep]:
            for file in kept[cycle]:
                _remove(folder, file)


def is_worth_keeping(report: Report) -> bool:
    """Return whether *report* did, withheld or failed something: an organization in sync leaves no files."""
    return report.summary not in ("in_sync", "planned")


def _write(folder: int, name: str, content: bytes) -> None:
    """Write a file under a name that doesn't count yet, and give it its own when it is whole and on the disk."""
    draft = f".{name}"
    with suppress(FileNotFoundError):
        os.unlink(draft, dir_fd=folder)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(draft, flags, _MINE, dir_fd=folder)
    try:
        with open(descriptor, "wb") as stream:  # noqa: PTH123 - a descriptor is no path
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.rename(draft, name, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError:
        _remove(folder, draft)
        raise


def _remove(folder: int, name: str) -> None:
    """Remove *name*; a symbolic link is removed itself."""
    with suppress(OSError):
        os.unlink(name, dir_fd=folder)


def _stamp(now: datetime) -> str:
    return now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _plain(cycle_id: str) -> str:
    """Return *cycle_id* as a file name may have it; ours are hexadecimal anyway."""
    return re.sub(r"[^0-9A-Za-z]", "", cycle_id) or "0"


def _nothing(_name: str, **_fields: object) -> None:
    return
