"""The dashboards, as Grafana will read them."""

import itertools
import re
from typing import Any

import pytest

from deploy.monitoring.panels import documents
from tests.fakes.monitoring import FOLDER, RUNBOOK, boards, panels, sections

BOARDS = boards()
KINDS = {"heatmap", "stat", "state-timeline", "table", "timeseries"}
#: Ids of Grafana's own units, as far as they are used.
UNITS = {"short", "s", "bytes", "percentunit", "reqps"}
COLUMN_UNITS = UNITS | {"dateTimeAsIso", "dateTimeFromNow"}
#: Variables that Grafana itself fills.
BUILT_IN = {"__all", "__rate_interval", "__value"}


def texts_of(value: object) -> list[str]:
    """Every text anywhere in *value*."""
    if isinstance(value, dict):
        return [text for inner in value.values() for text in texts_of(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in texts_of(inner)]
    return [value] if isinstance(value, str) else []


def test_the_files_are_what_the_program_makes() -> None:
    """Nobody has edited the JSON by hand, and nobody has forgotten to write it anew."""
    held = {path.name: path.read_text(encoding="utf-8") for path in (FOLDER / "dashboards").iterdir()}

    assert held == documents()


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
def test_a_dashboard_has_what_grafana_needs(board: dict[str, Any]) -> None:
    """A stable uid, a title, a description, a schema, and a data source that is chosen on the dashboard."""
    variables = {variable["name"]: variable for variable in board["templating"]["list"]}

    assert re.fullmatch(r"syncd-[a-z]+", board["uid"])
    assert board["title"].startswith("syncd / ")
    assert board["description"].endswith(".")
    assert board["schemaVersion"] >= 39
    assert "id" not in board
    assert variables["datasource"]["type"] == "datasource"
    assert variables["datasource"]["query"] == "prometheus"
    sources = {str(found["datasource"]) for panel in panels(board) for found in (panel, *panel["targets"])}
    assert sources == {str({"type": "prometheus", "uid": "${datasource}"})}


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
def test_a_panel_can_be_read_without_the_code(board: dict[str, Any]) -> None:
    """Every panel has a title of its own, a description, a unit, and a kind that is drawn as it is meant."""
    found = panels(board)
    units = {panel["fieldConfig"]["defaults"]["unit"] for panel in found}
    columns = {
        each["value"]
        for panel in found
        for override in panel["fieldConfig"]["overrides"]
        for each in override["properties"]
        if each["id"] == "unit"
    }

    assert len(found) > 20
    assert [panel["title"] for panel in found if not panel["description"].endswith(".")] == []
    assert len({panel["title"] for panel in found}) == len(found)
    assert {panel["type"] for panel in found} == KINDS - ({"heatmap"} if "fleet" in board["uid"] else set()) - (
        {"table"} if "organization" in board["uid"] else set()
    )
    assert units <= UNITS
    assert columns <= COLUMN_UNITS


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
def test_nothing_lies_on_anything_else(board: dict[str, Any]) -> None:
    """Panels have ids of their own, stay within 24 columns, and don't overlap."""
    places = [panel["gridPos"] for panel in board["panels"]]
    crossing = [
        (one, other)
        for one, other in itertools.combinations(places, 2)
        if one["x"] < other["x"] + other["w"]
        and other["x"] < one["x"] + one["w"]
        and one["y"] < other["y"] + other["h"]
        and other["y"] < one["y"] + one["h"]
    ]

    assert len({panel["id"] for panel in board["panels"]}) == len(places)
    assert max(place["x"] + place["w"] for place in places) == 24
    assert crossing == []


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
def test_every_variable_exists(board: dict[str, Any]) -> None:
    """What a query or link takes from the dashboard is asked for there; targets have letters of their own."""
    known = {variable["name"] for variable in board["templating"]["list"]}
    used = {name for text in texts_of(board) for name in re.findall(r"\$\{?([a-z_]\w*)", text)}

    assert used - BUILT_IN <= known
    assert known <= used
    for panel in panels(board):
        letters = [target["refId"] for target in panel["targets"]]
        assert letters == sorted(set(letters))
        assert len(letters) >= 1


def test_every_link_leads_somewhere() -> None:
    """Links go to sections of the runbook that exist and to dashboards that are here; both list each other."""
    anchors = sections(RUNBOOK.read_text(encoding="utf-8"))
    uids = {board["uid"] for board in BOARDS.values()}
    texts = [text for board in BOARDS.values() for text in texts_of(board)]
    linked = {found for text in texts for found in re.findall(r"RUNBOOK\.md#(\S+)", text)}
    boarded = {found for text in texts for found in re.findall(r"^/d/([\w-]+)", text)}

    assert len(linked) > 10
    assert linked <= set(anchors)
    assert boarded == {"syncd-organization"} <= uids
    for board in BOARDS.values():
        assert board["tags"] == ["syncd"]
        assert [link["type"] for link in board["links"]] == ["dashboards", "link"]
        assert board["links"][0]["tags"] == board["tags"]
