"""Log lines as they come out."""

import base64
import io
import json
import logging
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest

from syncd.telemetry.logs import configure_logs, count_lines, get_logger, log_thread_crash
from syncd.telemetry.redaction import SecretFilter
from syncd.telemetry.settings import LogSettings
from tests.fakes.logging_state import logging_as_before


class Terminal(io.StringIO):
    """A stream that people look at."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def others_logging() -> Iterator[None]:
    """Leave the logging of the other tests alone."""
    with logging_as_before():
        yield


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


@pytest.mark.parametrize(
    "name",
    [
        "botocore.endpoint",
        "urllib3.connectionpool",
        "boto3.resources",
        "ldap3",
        "uvicorn.access",
        "apscheduler.scheduler",
        "sqlalchemy.engine",
        "some.library",
    ],
)
def test_libraries_never_tell_request_bodies(name: str) -> None:
    """Even at level debug every library stays at warnings: at debug they print what they send."""
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


def test_a_louder_library_is_not_louder_than_configured() -> None:
    """With `log.level: error`, warnings of libraries are silent too."""
    stream = io.StringIO()
    begin(stream, level="error")
    logging.getLogger("botocore").warning("quiet")
    logging.getLogger("some.library").warning("quiet")
    logging.getLogger("some.library").error("loud")

    assert [line["event"] for line in lines(stream)] == ["loud"]


def test_every_line_is_counted_by_level() -> None:
    """Lines of ours and of libraries count once each, debug lines not; a new configuration of logs counts on."""
    stream, counted = io.StringIO(), Counter[str]()
    begin(stream, level="debug")
    count_lines(lambda level: counted.update(["replaced"]))
    count_lines(lambda level: counted.update([level]))
    get_logger().debug("one")
    get_logger().info("two")
    begin(stream, level="info")
    get_logger().warning("three")
    get_logger().error("four")
    logging.getLogger("some.library").critical("five")
    logging.getLogger("some.library").info("never written")

    assert counted == {"info": 1, "warning": 1, "error": 2}


def test_a_time_is_written_as_such() -> None:
    """Times in fields are ISO 8601, as the time of the line is."""
    stream = io.StringIO()
    begin(stream)
    get_logger().info("cycle_postponed", until=datetime(2026, 1, 2, 6, tzinfo=UTC))

    assert lines(stream)[0]["until"] == "2026-01-02T06:00:00+00:00"


@pytest.mark.parametrize("format", ["json", "text"])
def test_no_secret_shows_anywhere(format: str) -> None:  # noqa: A002 - the setting's name
    """At level debug, with personal data: in fields, in libraries' lines, in tracebacks and what led to them."""
    stream, canary = io.StringIO(), "CANARY/s3cr%t+wörd"
    begin(stream, secrets=(canary,), level="debug", format=format, personal_data=True)
    get_logger().debug("x", message=canary, subject=[canary], stages_s={"plan": canary}, ldapsearch=f"-w {canary}")
    logging.getLogger("ldap3").error("bind of %r with %s", canary.encode(), quote(canary, safe=""))
    logging.getLogger("botocore.auth").warning("Basic %s", base64.b64encode(canary.encode()).decode())
    try:
        crash(canary)
    except RuntimeError as error:
        get_logger().error("cycle_crashed", exc_info=error)
        logging.getLogger("apscheduler.executors.default").exception("Job raised an exception")

    text = stream.getvalue()
    assert len(text.splitlines()) >= 5
    assert "Traceback" in text
    assert text.count("(hidden)") >= 8
    assert "CANARY" not in text
    assert base64.b64encode(b"CANARY/s3cr").decode()[:12] not in text


def test_a_thread_that_crashes_is_a_line() -> None:
    """What happens in the background goes through the same filters, and names its thread."""
    stream = io.StringIO()
    begin(stream, secrets=("s3cret-value",))
    error = RuntimeError("could not use s3cret-value")
    log_thread_crash(threading.ExceptHookArgs((RuntimeError, error, None, threading.Thread(name="notices"))))

    (line,) = lines(stream)
    assert (line["event"], line["level"], line["thread"]) == ("thread_crashed", "error", "notices")
    assert "RuntimeError: could not use (hidden)" in line["exception"]


def crash(password: str) -> None:
    """Fail with *password* in a variable, in the message, and in the error that caused it."""
    try:
        raise ValueError(f"can't use {password}")  # noqa: TRY301 - what causes the next
    except ValueError as error:
        raise RuntimeError(f"bind with {password!r} failed") from error
