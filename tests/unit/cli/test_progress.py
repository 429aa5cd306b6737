"""The bar that people watch."""

import io

from rich.console import Console

from syncd.cli.progress import ProgressBar, Silent
from syncd.model.report import Outcome, Result
from syncd.ports import Observer
from tests.builders import operation


def test_a_bar_shows_the_stage_and_how_far_it_is() -> None:
    """Organization, stage in words, done and total; a new stage replaces the old one."""
    text = io.StringIO()
    bar = ProgressBar("planetexpress", Console(file=text, force_terminal=True, width=100))
    observer: Observer = bar
    with bar:
        observer.advanced()  # before any stage: nothing to move
        observer.stage("read_details", 10)
        observer.advanced(4)
        bar.refresh()
        first = text.getvalue()
        observer.stage("apply", 3)
        observer.settled(Outcome(operation=operation(), result=Result.APPLIED))
        bar.refresh()

    assert "planetexpress: Reading details" in first
    assert "4/10" in first
    assert "Applying" in text.getvalue()
    assert "1/3" in text.getvalue()


def test_silence_is_an_observer_too() -> None:
    """Off a terminal `plan` says nothing but its result."""
    observer: Observer = Silent()
    observer.stage("plan")
    observer.advanced()
    observer.called("ListUsers", "ok", 0.1)
    observer.settled(Outcome(operation=operation(), result=Result.APPLIED))
    observer.event("anything_happened")
