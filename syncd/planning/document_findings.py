"""What guards measured, in the document of a plan."""

from datetime import UTC, datetime
from typing import Any

from syncd.model.operation import Bundle
from syncd.model.plan import Finding, Limit, Use
from syncd.model.window import Window
from syncd.planning.fields import Field


def write_finding(finding: Finding) -> dict[str, Any]:
    return {
        "guard": finding.guard,
        "counted": finding.counted,
        "population": finding.population,
        "tripped": finding.tripped,
        "used": finding.used,
        "label": finding.label,
        "budget": finding.budget,
        "limit": _limit(finding.limit),
        "about": finding.about,
        "approved": finding.approved,
        "text": finding.text,
        "bundles": sorted(map(str, finding.bundles)),
        **({"people": sorted(finding.people)} if finding.people else {}),
        "scope": finding.scope,
        "windows": [_use(use) for use in finding.windows],
    }


def _use(use: Use) -> dict[str, Any]:
    return {
        "window": use.window.value,
        "counted": use.counted,
        "before": use.before,
        "population": use.population,
        "passes": use.passes,
        "limit": _limit(use.limit),
        "tripped": use.tripped,
        "free_at": use.free_at and _moment(use.free_at),
    }


def _limit(limit: Limit) -> dict[str, Any]:
    return {"count": limit.count, "percent": limit.percent, "both": limit.both}


def read_finding(field: Field) -> Finding:
    limit, scope, windows = (field.optional(name) for name in ("limit", "scope", "windows"))
    return Finding(
        guard=field["guard"].text(),
        counted=field["counted"].number(),
        population=field["population"].number(),
        tripped=field["tripped"].flag(),
        label="" if limit is None else field["label"].text(),
        budget=(field["used"] if limit is None else field["budget"]).text(),
        limit=Limit() if limit is None else _read_limit(limit),
        about="" if limit is None else field["about"].text(),
        approved=False if limit is None else field["approved"].flag(),
        text=field["text"].text(),
        bundles=frozenset(map(Bundle.parse, field["bundles"].texts())),
        people=frozenset() if (people := field.optional("people")) is None else people.texts(),
        scope="" if scope is None else scope.text(),
        windows=() if windows is None else windows.each(_read_use),
    )


def _read_use(field: Field) -> Use:
    return Use(
        window=field["window"].word(Window),
        counted=field["counted"].number(),
        before=field["before"].number(),
        population=field["population"].number(),
        passes=field["passes"].number(),
        limit=_read_limit(field["limit"]),
        tripped=field["tripped"].flag(),
        free_at=field["free_at"].optional_moment(),
    )


def _read_limit(field: Field) -> Limit:
    count = None if field["count"].value is None else field["count"].number()
    return Limit(count=count, percent=field["percent"].optional_number(), both=field["both"].flag())


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
