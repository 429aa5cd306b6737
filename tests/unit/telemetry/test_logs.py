"""Log lines as they come out."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from syncd.telemetry.logs import configure_logs, get_logger
from syncd.telemetry.redaction import SecretFilter
from syncd.telemetry.settings import LogSettings


class Terminal(io.StringIO):
    """A stream that people look at."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Leave the logging of the other tests alone."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def begin(stream: io.StringIO, *, secrets: tuple[str, ...] = (), **settings: Any) -> None:  # noqa: ANN401 - LogSettings's own
    configure_logs(LogSettings(**settings), stream, secrets=SecretFilter(secrets))


def test_a_stream_that_is_no_terminal_gets_json() -> None:
    """One object per line, with time in UTC to the millisecond, level, event and the bound values first."""
    stream = io.StringIO()
    begin(stream)

    get_logger(organization="planetexpress").info("cycle_started", cycle_id="c1", total=3)

    (line,) = lines(stream)
    assert list(line) == ["timestamp", "level", "event", "organization", "cycle_id", "logger", "total"]
    assert line["event"] == "cycle_started"
    assert line["timestamp"][10] == "T"
    assert len(line["timestamp"]) == len("2026-01-02T03:04:05.678Z")
    assert line["timestamp"].endswith("Z")


def test_a_terminal_gets_words() -> None:
    """People get a line to read, not an object."""
    stream = Terminal()
    begin(stream)

    get_logger(organization="planetexpress").info("cycle_started")

    assert "cycle_started" in stream.getvalue()
    assert "{" not in stream.getvalue()


def test_the_format_can_be_chosen() -> None:
    """JSON on a terminal, words in a file: as configured."""
    terminal, file = Terminal(), io.StringIO()
    begin(terminal, format="json")
    get_logger().info("one")
    begin(file, format="text")
    get_logger().info("two")

    assert lines(terminal)[0]["event"] == "one"
    assert "{" not in file.getvalue()
    assert "two" in file.getvalue()


def test_the_standard_loggers_take_the_same_way() -> None:
    """A library's warning becomes a JSON line too, with its secrets and addresses hidden."""
    stream = io.StringIO()
    begin(stream, secrets=("s3cret-value",))

    logging.getLogger("some.library").warning("no %s for %s", "s3cret-value", "ada@corp.example")

    (line,) = lines(stream)
    assert (line["event"], line["level"], line["logger"]) == (
        "no (hidden) for (address)",
        "warning",
        "some.library",
    )


def test_a_level_below_the_configured_one_is_silent() -> None:
    """`log.level: warning` leaves information out."""
    stream = io.StringIO()
    begin(stream, level="warning")

    get_logger().info("quiet")
    get_logger().warning("loud")

    assert [line["event"] for line in lines(stream)] == ["loud"]


@pytest.mark.parametrize("name", ["botocore.endpoint", "urllib3.connectionpool", "boto3.resources"])
def test_libraries_never_tell_request_bodies(name: str) -> None:
    """Even at level debug the AWS libraries stay at warnings: at debug they print what they send."""
    stream = io.StringIO()
    begin(stream, level="debug")

    logging.getLogger(name).debug("body: password")
    logging.getLogger(name).info("body: password")

    assert stream.getvalue() == ""


def test_a_secret_in_a_traceback_is_hidden() -> None:
    """The last net is the finished line, so a traceback is no way around."""
    stream = io.StringIO()
    begin(stream, secrets=("s3cret-value",))
    get_logger().error("cycle_crashed", exc_info=RuntimeError("could not use s3cret-value"))

    (line,) = lines(stream)
    assert "RuntimeError: could not use (hidden)" in line["exception"]


def test_a_new_line_in_a_value_stays_within_its_line() -> None:
    """Nobody forges a second log line through a name."""
    stream = io.StringIO()
    begin(stream, personal_data=True)

    get_logger().info("x", display_name='a\n{"event": "forged"}\u2028\x1b[2J')

    (line,) = lines(stream)
    assert line["event"] == "x"
    assert "\x1b" not in stream.getvalue()
    assert stream.getvalue().isascii()


def test_personal_data_shows_when_asked_for() -> None:
    """With `log.personal_data: true` names and addresses are written as they are."""
    hidden, shown = io.StringIO(), io.StringIO()
    begin(hidden)
    get_logger().info("x", summary="add ada@corp.example", subject="user:7")
    begin(shown, personal_data=True)
    get_logger().info("x", summary="add ada@corp.example", subject="user:7")

    assert (lines(hidden)[0]["summary"], lines(hidden)[0]["subject"]) == ("(hidden)", "user:7")
    assert lines(shown)[0]["summary"] == "add ada@corp.example"
