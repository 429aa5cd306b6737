# ruff: noqa: INP001 - deploy/ is no package, and what is in here is not part of syncd
"""Makes the JSON of Grafana of what panels.py says: panels, variables, and where they stand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

RUNBOOK = "https://runbooks.corp.example/syncd/RUNBOOK.md"

_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
#: Grafana 12; older ones read it, newer ones bring it up to date.
_SCHEMA = 42
_WIDTH = 24
_GREEN, _YELLOW, _RED = "green", "yellow", "red"
Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Query:
    """What a panel asks Prometheus; *legend* names each line."""

    expr: str
    legend: str = "__auto"
    exemplar: bool = False


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One panel, in the words of Grafana: *unit* is one of its unit ids, *steps* are its thresholds."""

    title: str
    about: str
    queries: Sequence[Query]
    kind: str = "timeseries"
    unit: str = "short"
    width: int = 8
    height: int = 8
    steps: Sequence[tuple[float | None, str]] = ()
    mappings: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    stacked: bool = False
    bars: bool = False
    #: Of a table: the name of each query's column, and its unit.
    columns: Sequence[tuple[str, str]] = ()
    overrides: Sequence[Json] = ()
    below_zero: bool = False
    #: The section of the runbook that this panel belongs to.
    alert: str = ""


def ask(expr: str, legend: str = "__auto", *, exemplar: bool = False) -> Query:
    return Query(expr=expr, legend=legend, exemplar=exemplar)


def number(
    title: str, about: str, expr: str, unit: str = "short", *, warn: float | None = None, alert: str = ""
) -> Panel:
    """Return a small panel with one number, yellow from *warn* on."""
    steps = [(None, _GREEN), *([(warn, _YELLOW)] if warn is not None else [])]
    return Panel(
        title=title,
        about=about,
        queries=[ask(expr)],
        kind="stat",
        unit=unit,
        width=4,
        height=4,
        steps=steps,
        alert=alert,
    )


def lights(title: str, about: str, *queries: Query, mappings: Mapping[str, tuple[str, str]], **more: Any) -> Panel:  # noqa: ANN401 - what a Panel takes
    """Return a panel that shows over time in which of a few states something is."""
    return Panel(title=title, about=about, queries=queries, kind="state-timeline", mappings=mappings, **more)


def choice(name: str, label: str, query: str, *, several: bool) -> Json:
    """Return a variable whose values *query* asks Prometheus for; of *several*, all are chosen at first."""
    everything = {"text": "All", "value": "$__all"} if several else {}
    return {
        "type": "query",
        "name": name,
        "label": label,
        "datasource": _SOURCE,
        "definition": query,
        "query": {"qryType": 1, "query": query, "refId": "PrometheusVariableQueryEditor-VariableQuery"},
        "refresh": 2,
        "sort": 1,
        "multi": several,
        "includeAll": several,
        "allValue": ".+" if several else None,
        "current": everything,
        "options": [],
        "regex": "",
        "hide": 0,
        "skipUrlSync": False,
    }


def spans(name: str, label: str, values: Sequence[str], chosen: str) -> Json:
    """Return a variable that is one of a few spans of time."""
    return {
        "type": "custom",
        "name": name,
        "label": label,
        "query": ",".join(values),
        "options": [{"selected": value == chosen, "text": value, "value": value} for value in values],
        "current": {"selected": True, "text": chosen, "value": chosen},
        "multi": False,
        "includeAll": False,
        "hide": 0,
        "skipUrlSync": False,
    }


def dashboard(uid: str, title: str, about: str, rows: Mapping[str, Sequence[Panel]], variables: Sequence[Json]) -> Json:
    source = {
        "type": "datasource",
        "name": "datasource",
        "label": "Data source",
        "query": "prometheus",
        "current": {},
        "options": [],
        "refresh": 1,
        "regex": "",
        "multi": False,
        "includeAll": False,
        "hide": 0,
        "skipUrlSync": False,
    }
    others = {"type": "dashboards", "title": "syncd", "tags": ["syncd"], "keepTime": True, "includeVars": True}
    runbook = {"type": "link", "title": "Runbook", "url": RUNBOOK, "icon": "doc", "targetBlank": True}
    plain = {"asDropdown": False, "icon": "external link", "targetBlank": False, "tooltip": "", "url": "", "tags": []}
    return {
        "uid": uid,
        "title": title,
        "description": about,
        "tags": ["syncd"],
        "schemaVersion": _SCHEMA,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "timezone": "browser",
        "time": {"from": "now-24h", "to": "now"},
        "refresh": "1m",
        "links": [{**plain, **others}, {**plain, **runbook}],
        "annotations": {"list": []},
        "templating": {"list": [source, *variables]},
        "panels": _laid_out(rows),
    }


def _laid_out(rows: Mapping[str, Sequence[Panel]]) -> list[Json]:
    """Place the panels from left to right, row after row, each row under its title."""
    placed: list[Json] = []
    top = 0
    for title, panels in rows.items():
        place = {"x": 0, "y": top, "w": _WIDTH, "h": 1}
        placed.append(
            {"id": len(placed) + 1, "type": "row", "title": title, "collapsed": False, "gridPos": place, "panels": []}
        )
        top, left, deepest = top + 1, 0, 0
        for panel in panels:
            if left + panel.width > _WIDTH:
                top, left, deepest = top + deepest, 0, 0
            place = {"x": left, "y": top, "w": panel.width, "h": panel.height}
            placed.append({"id": len(placed) + 1, "gridPos": place, **_panel(panel)})
            left, deepest = left + panel.width, max(deepest, panel.height)
        top += deepest
    return placed


def _panel(panel: Panel) -> Json:
    instant = panel.kind in ("table", "stat")
    units = [override(title, {"unit": unit}) for title, unit in panel.columns]
    made: Json = {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.about,
        "datasource": _SOURCE,
        "targets": [_target(query, place, panel.kind, instant=instant) for place, query in enumerate(panel.queries)],
        "fieldConfig": {"defaults": _defaults(panel), "overrides": [*units, *panel.overrides]},
        "options": _options(panel),
    }
    if panel.alert:
        url = f"{RUNBOOK}#{panel.alert.lower()}"
        made["links"] = [{"title": f"Runbook: {panel.alert}", "url": url, "targetBlank": True}]
    if panel.kind == "table":
        made["transformations"] = _as_one_table(panel)
    return made


def _target(query: Query, place: int, kind: str, *, instant: bool) -> Json:
    formats = {"table": "table", "heatmap": "heatmap"}
    return {
        "refId": chr(ord("A") + place),
        "datasource": _SOURCE,
        "editorMode": "code",
        "expr": query.expr,
        "legendFormat": query.legend,
        "instant": instant,
        "range": not instant,
        "exemplar": query.exemplar,
        "format": formats.get(kind, "time_series"),
    }


def _defaults(panel: Panel) -> Json:
    steps = panel.steps or [(None, _GREEN)]
    values = {
        value: {"text": text, "color": color, "index": n}
        for n, (value, (text, color)) in enumerate(panel.mappings.items())
    }
    return {
        "unit": panel.unit,
        "min": None if panel.below_zero or panel.kind in ("table", "state-timeline") else 0,
        "color": {"mode": "palette-classic" if panel.kind == "timeseries" else "thresholds"},
        "thresholds": {"mode": "absolute", "steps": [{"value": value, "color": color} for value, color in steps]},
        "mappings": [{"type": "value", "options": values}] if values else [],
        "custom": _custom(panel),
    }


def _custom(panel: Panel) -> Json:
    if panel.kind == "timeseries":
        return {
            "drawStyle": "bars" if panel.bars else "line",
            "fillOpacity": 60 if panel.bars else 20 if panel.stacked else 0,
            "lineWidth": 1,
            "showPoints": "never",
            "spanNulls": False,
            "stacking": {"mode": "normal" if panel.stacked else "none", "group": "A"},
        }
    if panel.kind == "state-timeline":
        return {"fillOpacity": 80, "lineWidth": 0, "spanNulls": False}
    return {"align": "auto"} if panel.kind == "table" else {}


def override(name: str, properties: Mapping[str, Any]) -> Json:
    """Return what is different in the column called *name*."""
    return {
        "matcher": {"id": "byName", "options": name},
        "properties": [{"id": key, "value": value} for key, value in properties.items()],
    }


def _options(panel: Panel) -> Json:
    legend = {"displayMode": "list", "placement": "bottom", "showLegend": True}
    reduced = {"calcs": ["lastNotNull"], "fields": "", "values": False}
    tooltip = {"mode": "multi", "sort": "desc"}
    options: dict[str, Json] = {
        "timeseries": {"legend": legend, "tooltip": tooltip},
        "state-timeline": {
            "legend": legend,
            "tooltip": tooltip,
            "mergeValues": True,
            "showValue": "auto",
            "rowHeight": 0.8,
        },
        "stat": {"reduceOptions": reduced, "colorMode": "value", "graphMode": "none", "textMode": "value"},
        "table": {"showHeader": True, "cellHeight": "sm"},
        "heatmap": {
            "calculate": False,
            "color": {"mode": "scheme", "scheme": "Oranges", "steps": 64},
            "yAxis": {"unit": panel.unit, "axisPlacement": "left"},
            "rowsFrame": {"layout": "auto"},
            "tooltip": {"mode": "single", "yHistogram": False},
            "legend": {"show": True},
        },
    }
    return options[panel.kind]


def _as_one_table(panel: Panel) -> list[Json]:
    """Merge the answers of all queries into one table with a row for each set of labels."""
    letters = [chr(ord("A") + place) for place in range(len(panel.queries))]
    values = ["Value"] if len(letters) == 1 else [f"Value #{letter}" for letter in letters]
    renamed = {value: title for value, (title, _) in zip(values, panel.columns, strict=True)}
    first = panel.columns[0][0]
    return [
        {"id": "merge", "options": {}},
        {"id": "organize", "options": {"excludeByName": {"Time": True}, "renameByName": renamed, "indexByName": {}}},
        {"id": "sortBy", "options": {"fields": {}, "sort": [{"field": first, "desc": True}]}},
    ]
