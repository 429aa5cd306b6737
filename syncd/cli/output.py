"""Where results go, and how: stdout or a file, coloured or not, text or a document."""

import getpass
import os
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from syncd.cli.documents import dump, report_document
from syncd.cli.options import Colour, Format
from syncd.errors import UsageError

if TYPE_CHECKING:
    from syncd.model.plan import Plan
    from syncd.model.report import Report

#: Columns of text that nobody's terminal shows.
_WIDTH = 80
_WIDEST = 120


def asked_by(report: "Report") -> str:
    """Return who asked for *report*, as a page of its plan names it."""
    try:
        who = f", by {getpass.getuser()}"
    except (KeyError, OSError):  # a user id of a container that has no name
        who = ""
    return f"syncd {report.command}, cycle {report.cycle_id}{who}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """How the user wants to see results."""

    format: Format = Format.TEXT
    out: Path | None = None
    colour: Colour = Colour.AUTO
    full: bool = False

    def plan(self, plan: "Plan", mode: str = "", *, asked: str = "") -> str:
        """Return *plan* as text in the format that was asked for; a page says who *asked*."""
        if self.format is Format.JSON:
            from syncd.planning.document import dumps

            return dumps(plan)
        if self.format is Format.TEXT:
            from syncd.rendering.text import LIMIT, render_text

            limit = None if self.full else LIMIT
            return render_text(plan, colour=self.is_coloured, width=self.width, limit=limit, mode=mode)
        return self._page(plan, mode, asked)

    def report(self, report: "Report", mode: str = "") -> str:
        """Return *report* as text in the format that was asked for."""
        if self.format is Format.JSON:
            return dump(report_document(report))
        if self.format is Format.TEXT:
            from syncd.rendering.text import LIMIT, render_report

            limit = None if self.full else LIMIT
            return render_report(report, colour=self.is_coloured, width=self.width, limit=limit)
        return self._page(report, mode)

    def write(self, texts: Iterable[str]) -> None:
        """Write *texts*, one per organization, to stdout or to the file.

        Raises:
            UsageError: the file can't be written, or a format holds one organization only.
        """
        parts = list(texts)
        if self.format is Format.HTML and len(parts) > 1:
            hint = "choose one with --organization NAME"
            raise UsageError("an HTML page shows one organization", hint=hint)
        text = ("\n" if self.format in (Format.TEXT, Format.MARKDOWN) else "").join(parts)
        if self.out is None:
            sys.stdout.write(text)
            sys.stdout.flush()
            return
        try:
            self.out.write_text(text, encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{self.out} can't be written: {error.strerror}", hint="name another --out") from error

    @property
    def is_coloured(self) -> bool:
        """Whether text is coloured: as asked, else on a terminal unless `NO_COLOR` is set (no-color.org)."""
        if self.colour is not Colour.AUTO:
            return self.colour is Colour.ALWAYS
        plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
        return self.out is None and sys.stdout.isatty() and not plain

    @property
    def width(self) -> int:
        """Columns of the terminal; 80 where there is none."""
        if self.out is not None or not sys.stdout.isatty():
            return _WIDTH
        return min(shutil.get_terminal_size((_WIDTH, 24)).columns, _WIDEST)

    def _page(self, what: "Plan | Report", mode: str, asked: str = "") -> str:
        if self.format is Format.MARKDOWN:
            from syncd.rendering.markdown import render_markdown

            return render_markdown(what, mode=mode, asked=asked)
        from syncd.rendering.html import render_html

        return render_html(what, mode=mode, asked=asked)
