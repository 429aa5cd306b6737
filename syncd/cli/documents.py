"""Results as JSON, for scripts: pure ASCII, members in a fixed order, `schema_version` in each."""

import dataclasses
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from syncd.model.report import Report

SCHEMA_VERSION = 1


def dump(document: Mapping[str, Any]) -> str:
    """Return *document* as text; several such texts, one after the other, are what `jq` reads."""
    return json.dumps(document, indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def report_document(report: "Report") -> dict[str, Any]:
    """Return what came of a cycle: its numbers, its plan, and how each operation ended."""
    from syncd.planning.document import to_document

    return {
        "schema_version": SCHEMA_VERSION,
        "cycle_id": report.cycle_id,
        "organization": report.organization,
        "command": report.command,
        "started_at": plain(report.started_at),
        "finished_at": plain(report.finished_at),
        "result": report.summary,
        "exit_code": report.exit_code,
        "error": report.error,
        "digest": None if report.plan is None else report.plan.digest,
        "counts": {} if report.plan is None else dict(report.plan.counts),
        "outcomes": [
            {
                "operation": outcome.operation.id,
                "kind": outcome.operation.kind,
                "subject": outcome.operation.subject,
                "summary": outcome.operation.summary,
                "result": outcome.result.value,
                "code": outcome.code,
                "message": outcome.message,
                "attempts": outcome.attempts,
                "entity": outcome.entity or outcome.operation.entity,
            }
            for outcome in report.outcomes
        ],
        "half_removed": plain(report.half_removed or ()),
        "took": plain(report.took),
        "oldest_detail_s": report.oldest_detail_s,
        "plan": None if report.plan is None else to_document(report.plan),
    }


def plain(value: object) -> Any:  # noqa: ANN401 - JSON has no narrower type
    """Return *value* in JSON form; dataclasses become objects, times RFC 3339, durations seconds."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    match value:
        case Mapping():
            return {str(plain(name)): plain(item) for name, item in value.items()}
        case set() | frozenset():
            return sorted((plain(item) for item in value), key=str)
        case tuple() | list():
            return [plain(item) for item in value]
        case _:
            return _scalar(value)


def _scalar(value: object) -> object:
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case timedelta():
            return value.total_seconds()
        case Enum():
            return value.value
        case Path():
            return str(value)
        case _:
            return value
