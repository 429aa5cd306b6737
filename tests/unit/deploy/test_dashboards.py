"""The dashboards, as Grafana will read them."""

import itertools
import re
from typing import Any

import pytest

from tests.fakes.monitoring import RUNBOOK, boards, panels, questions, sections, selectors_of

BOARDS = boards()
KINDS = {"heatmap", "stat", "state-timeline", "table", "timeseries"}
#: Ids of Grafana's own units, as far as they are used.
UNITS = {"short", "s", "bytes", "percentunit", "reqps"}
#: How Grafana wants the answers of a query for it, where not as lines over time.
FORMATS = {"heatmap": "heatmap", "table": "table"}
#: What every metric in a dashboard is narrowed to: without, another organization's figures are shown as this one's.
CHOSEN = {
    "fleet.json": {'job=~"$job"'},
    "organization.json": {'job=~"$job"', 'organization="$organization"'},
}
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


def test_a_panel_shows_what_was_chosen() -> None:
    """Every metric that is asked for is narrowed to the chosen job and, on an organization's dashboard, to it."""
    asked = [(question, selector) for question in questions() for selector in selectors_of(question.expr)]

    assert len(asked) > 80
    assert [str(question) for question, selector in asked if not CHOSEN[question.board] <= matchers(selector)] == []


def matchers(selector: str) -> set[str]:
    """The label matchers of a selector; none of ours has a comma in it."""
    return set(selector.partition("{")[2].removesuffix("}").split(","))


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
def test_a_panel_asks_as_its_kind_is_drawn(board: dict[str, Any]) -> None:
    """Numbers and tables ask for this moment, everything else for the whole time; a line's name is not left open."""
    for panel in panels(board):
        momentary = panel["type"] in {"stat", "table"}
        for target in panel["targets"]:
            assert (target["instant"], target["range"]) == (momentary, not momentary), panel["title"]
            assert target["format"] == FORMATS.get(panel["type"], "time_series"), panel["title"]
            assert momentary or target["legendFormat"] != "__auto", panel["title"]


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
def test_a_table_names_all_its_columns(board: dict[str, Any]) -> None:
    """The answer of each query is a column with a title of its own, and each title has a unit."""
    for table in (panel for panel in panels(board) if panel["type"] == "table"):
        [renamed] = [each["options"]["renameByName"] for each in table["transformations"] if each["id"] == "organize"]
        letters = [target["refId"] for target in table["targets"]]
        with_unit = {
            each["matcher"]["options"]
            for each in table["fieldConfig"]["overrides"]
            if any(found["id"] == "unit" for found in each["properties"])
        }

        assert list(renamed) == (["Value"] if len(letters) == 1 else [f"Value #{letter}" for letter in letters])
        assert set(renamed.values()) == with_unit
        assert len(with_unit) == len(letters)


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
