"""The inventory of events and what syncd logs say the same."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from syncd.telemetry.events import COMMON_FIELDS, EVENTS, PERSONAL_FIELDS
from syncd.telemetry.redaction import OPEN_FIELDS

SYNCD = Path(__file__).resolve().parents[3] / "syncd"
_METHODS = frozenset({"debug", "info", "warning", "error", "exception", "critical"})
_LOGGERS = re.compile(r"_?log(ger)?")
#: Where an event is handed on under the name that somebody else gave it.
_PASSED_ON = {
    "syncd/cli/progress.py",
    "syncd/daemon/observers.py",
    "syncd/telemetry/logs.py",
    "syncd/telemetry/observer.py",
    "syncd/wiring/daemon.py",
}

#: Declared, and not logged yet, with the reason.
AWAITED: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Line:
    """A place in the code that logs: *name* is "" where it isn't written there."""

    where: str
    name: str
    fields: tuple[str, ...]


def logged() -> Iterator[Line]:
    for path in sorted(SYNCD.rglob("*.py")):
        if path.is_relative_to(SYNCD / "emulator"):
            continue  # no part of the service: it says sentences, to whoever tries things
        where = str(path.relative_to(SYNCD.parent))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args and _logs(node.func):
                first = node.args[0]
                name = first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else ""
                fields = tuple(keyword.arg for keyword in node.keywords if keyword.arg)
                yield Line(f"{where}:{node.lineno}", name, fields)


def _logs(function: ast.expr) -> bool:
    """Whether it is `observer.event(…)`, `event(…)`, `self._log.info(…)`, `get_logger().info(…)` or `say(…)`."""
    match function:
        case ast.Name(id="event" | "say") | ast.Attribute(attr="event" | "_event"):
            return True
        case ast.Attribute(attr=method, value=ast.Name(id=name) | ast.Attribute(attr=name)):
            return method in _METHODS and _LOGGERS.fullmatch(name) is not None
        case ast.Attribute(attr=method, value=ast.Call(func=ast.Name(id="get_logger"))):
            return method in _METHODS
        case _:
            return False


LOGGED = tuple(logged())


def test_every_event_that_is_logged_is_in_the_inventory() -> None:
    """Nobody meets an event that isn't explained; an event is never called by a value that nobody can look up."""
    unknown = {line.where: line.name for line in LOGGED if line.name and line.name not in EVENTS}
    nameless = {line.where.partition(":")[0] for line in LOGGED if not line.name}

    assert len(LOGGED) > 25
    assert unknown == {}
    assert nameless - _PASSED_ON == set()


def test_every_event_of_the_inventory_is_logged() -> None:
    """Nothing is explained that doesn't happen, apart from what is awaited; and what is awaited isn't there yet."""
    names = {line.name for line in LOGGED}

    assert EVENTS.keys() - names == AWAITED.keys()


def test_every_field_is_in_the_inventory() -> None:
    """What a line says beyond what its event declares, nobody would look for."""
    missing = {
        f"{line.where} {line.name}": sorted(set(line.fields) - {*EVENTS[line.name].fields, *COMMON_FIELDS, "exc_info"})
        for line in LOGGED
        if line.name in EVENTS
    }

    assert {where: fields for where, fields in missing.items() if fields} == {}


def test_only_declared_fields_show_text() -> None:
    """The allow-list of text in log lines has nothing that no event needs."""
    declared = {field for event in EVENTS.values() for field in event.fields}

    assert OPEN_FIELDS - declared - COMMON_FIELDS.keys() == set()
    assert set() == OPEN_FIELDS & PERSONAL_FIELDS
    assert declared >= PERSONAL_FIELDS


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_is_named_and_explained(name: str) -> None:
    """Lower snake case without values; a sentence for its meaning; no field twice."""
    event = EVENTS[name]

    assert re.fullmatch(r"[a-z]+(_[a-z]+)+", name)
    assert event.name == name
    assert re.fullmatch(r"[A-Z].*\.|systemd.*\.", event.meaning)
    assert len(set(event.fields)) == len(event.fields)
