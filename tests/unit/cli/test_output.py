"""Where results go, and how they look."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from syncd.cli.documents import plain, report_document
from syncd.cli.options import Colour, Format
from syncd.cli.output import Output
from syncd.errors import UsageError
from syncd.model.policy import Mode
from syncd.model.report import Outcome, Report, Result
from syncd.planning.document import loads
from syncd.workmail.pages import PAGES
from tests.builders import NOW, operation, plan


def report() -> Report:
    one = operation()
    return Report(
        cycle_id="c1",
        organization="planetexpress",
        command="sync",
        started_at=NOW,
        finished_at=NOW + timedelta(seconds=2),
        plan=plan(one),
        outcomes=(Outcome(operation=one, result=Result.FAILED, code="Nope", message="no", attempts=2),),
        exit_code=4,
        took={"plan": 0.5},
    )


def test_a_plan_as_json_reads_back() -> None:
    """JSON is the plan's own document."""
    one = plan(operation())

    assert loads(Output(format=Format.JSON).plan(one), PAGES) == one


def test_a_report_as_json_has_all_of_it() -> None:
    """Numbers, outcomes and the plan; stable names."""
    document = json.loads(Output(format=Format.JSON).report(report()))

    assert document["schema_version"] == 1
    assert (document["result"], document["exit_code"]) == ("partial", 4)
    assert document["started_at"] == "2026-03-01T08:00:00Z"
    assert document["outcomes"] == [
        {
            "operation": operation().id,
            "kind": "alias.add",
            "subject": "user:fry",
            "summary": "alias.add of user:fry",
            "result": "failed",
            "code": "Nope",
            "message": "no",
            "attempts": 2,
            "entity": None,
        }
    ]
    assert document["plan"]["digest"] == document["digest"] == plan(operation()).digest


def test_a_report_without_a_plan_is_a_document_too() -> None:
    """A cycle that ended early has an error and no plan."""
    early = Report(
        cycle_id="c1", organization="o", command="sync", started_at=NOW, finished_at=NOW, error="no", exit_code=69
    )

    assert report_document(early)["plan"] is None
    assert report_document(early)["error"] == "no"


@pytest.mark.parametrize("form", list(Format))
def test_every_format_shows_plans_and_reports(form: Format) -> None:
    """Four formats, each for both."""
    output = Output(format=form)

    assert "planetexpress" in output.plan(plan(operation()), "full")
    assert "planetexpress" in output.report(report())


def test_a_file_gets_the_result(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With --out nothing is printed."""
    Output(out=tmp_path / "plan.txt").write(["one\n", "two\n"])

    assert (tmp_path / "plan.txt").read_text(encoding="utf-8") == "one\n\ntwo\n"
    assert capsys.readouterr().out == ""


def test_documents_follow_each_other_without_a_gap(capsys: pytest.CaptureFixture[str]) -> None:
    """Two organizations are two JSON documents, as jq reads them."""
    Output(format=Format.JSON).write(['{"a": 1}\n', '{"a": 2}\n'])

    assert capsys.readouterr().out == '{"a": 1}\n{"a": 2}\n'


def test_a_file_that_can_not_be_written_is_a_usage_error(tmp_path: Path) -> None:
    """The path and the reason are told."""
    with pytest.raises(UsageError, match="can't be written: No such file"):
        Output(out=tmp_path / "absent" / "plan.txt").write(["x"])


def test_an_html_page_is_of_one_organization() -> None:
    """Two pages after each other would be no page."""
    with pytest.raises(UsageError, match="one organization"):
        Output(format=Format.HTML).write(["<html>", "<html>"])


@pytest.mark.parametrize(
    ("colour", "no_colour", "coloured"),
    [
        (Colour.ALWAYS, "", True),
        (Colour.ALWAYS, "1", True),
        (Colour.NEVER, "", False),
        (Colour.AUTO, "", False),
    ],
)
def test_colour_off_a_terminal(colour: Colour, no_colour: str, coloured: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked for wins; by itself, nothing but a terminal is coloured."""
    monkeypatch.setenv("NO_COLOR", no_colour)

    assert Output(colour=colour).is_coloured is coloured


def test_values_become_json() -> None:
    """Times, durations, enumerations, paths and sets have one form each."""
    value = {
        "at": datetime(2026, 1, 2, tzinfo=UTC),
        "for": timedelta(minutes=1),
        "mode": Mode.FULL,
        "path": Path("a"),
        "set": frozenset({"b", "a"}),
        "list": (1, None),
    }

    assert plain(value) == {
        "at": "2026-01-02T00:00:00Z",
        "for": 60.0,
        "mode": "full",
        "path": "a",
        "set": ["a", "b"],
        "list": [1, None],
    }
