"""Reports of cycles as notices hear them."""

from datetime import datetime, timedelta

from syncd.model.operation import Operation
from syncd.model.plan import Finding, Plan
from syncd.model.report import Outcome, Report, Result
from tests.builders import NOW, operation, plan

#: What no notice may say unless it may name people.
PERSON = "zoidberg@planetexpress.example"


def done(number: int = 1) -> tuple[Operation, ...]:
    return tuple(operation("alias.add", f"user:p{n}", summary=f"add alias of {PERSON}") for n in range(number))


def refused(number: int = 3) -> Plan:
    """A plan of which a guard withholds *number* removals."""
    gone = [
        operation("deregister", f"user:r{n}", summary=f"deregister {PERSON} {n}", reason=PERSON) for n in range(number)
    ]
    text = f"would deregister {PERSON}"
    finding = Finding(guard="removals", counted=number, population=40, tripped=True, label="", budget="", text=text)
    return plan(*done(), *gone, withheld={one.id: text for one in gone}, findings=(finding,))


def report(
    kind: str = "in_sync",
    *,
    at: datetime = NOW,
    organization: str = "planetexpress",
    withheld: int = 3,
    exit_code: int | None = None,
    cycle_id: str = "4f3a9c01d2e7",
) -> Report:
    """A cycle of this summary; `failed` ended with an error before there was a plan."""
    what = refused(withheld) if kind == "withheld" else plan(*(done(2) if kind in ("applied", "partial") else ()))
    sent = what.sendable if kind in ("applied", "partial", "withheld") else ()
    results = [Result.FAILED if kind == "partial" and index == 0 else Result.APPLIED for index in range(len(sent))]
    codes = {"failed": 69, "partial": 4, "withheld": 3}
    return Report(
        cycle_id=cycle_id,
        organization=organization,
        command="run",
        started_at=at,
        finished_at=at + timedelta(seconds=2),
        plan=None if kind == "failed" else what,
        outcomes=tuple(Outcome(operation=one, result=how) for one, how in zip(sent, results, strict=True)),
        error=f"the server says no to {PERSON}" if kind == "failed" else "",
        exit_code=codes.get(kind, 0) if exit_code is None else exit_code,
    )
