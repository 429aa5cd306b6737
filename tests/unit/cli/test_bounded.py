"""Examinations beside each other."""

import threading
from collections.abc import Callable, Iterator

from syncd.cli.bounded import examined
from syncd.errors import StoreError
from syncd.model.check import Check, Health, ok
from syncd.wiring.examination import Area

LONG = 120.0


def area(name: str, *checks: Check | Exception | Callable[[], object]) -> Area:
    """An area that yields, raises or does these."""

    def examine() -> Iterator[Check]:
        for each in checks:
            if isinstance(each, Check):
                yield each
            elif isinstance(each, Exception):
                raise each
            else:
                each()

    return Area(name=name, examine=examine)


def told(checks: Iterator[Check]) -> list[tuple[str, str]]:
    return [(check.area, check.topic) for check in checks]


def test_areas_keep_their_order() -> None:
    """However long each takes, the first is told first."""
    second_done = threading.Event()
    first = area("first", lambda: second_done.wait(LONG), ok("a", "."), ok("b", "."))
    second = area("second", ok("c", "."), second_done.set)

    assert told(examined([first, second], LONG)) == [("first", "a"), ("first", "b"), ("second", "c")]
    assert second_done.is_set()


def test_what_hangs_is_left_behind() -> None:
    """Its area ends with a failure that names the last check; the others are told."""
    never = threading.Event()
    hanging = area("source", ok("connection", "."), lambda: never.wait(LONG), ok("late", "."))
    try:
        first, second, third = examined([hanging, area("http", ok("listen", "."))], 1)
    finally:
        never.set()

    assert (first.topic, third.topic) == ("connection", "listen")
    assert (second.area, second.health, second.exit_code) == ("source", Health.FAIL, 69)
    assert "no answer within 1 s after the check of connection" in second.found
    assert "--timeout" in second.remedy


def test_an_error_ends_its_area_alone() -> None:
    """An error of ours is told with its exit code; one that nobody expected with 1. What came before stays."""
    areas = [
        area("store", ok("file", "."), StoreError("it is locked", hint="wait")),
        area("source", RuntimeError("oh no")),
        area("http", ok("listen", ".")),
    ]
    checks = list(examined(areas, LONG))

    assert [(check.topic, check.exit_code) for check in checks] == [
        ("file", 0),
        ("error", 69),
        ("error", 1),
        ("listen", 0),
    ]
    assert checks[2].found == "this could not be looked at: RuntimeError: oh no"
