"""Log lines: structlog for ours, and the standard library's loggers routed through the same processors.

JSON when the stream is no terminal, readable when it is; time in UTC with milliseconds; one event per
line under a stable name (`events.py`), values as fields (design.md section 9).
"""

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

from syncd.telemetry.events import EVENTS
from syncd.telemetry.redaction import SecretFilter, hide_personal_data
from syncd.telemetry.settings import LogSettings

Logger = FilteringBoundLogger

#: The logger above all of ours.
OURS = "syncd"
#: What libraries say below this level nobody asked for, request bodies and search results among it (`ops.md` SEC-5).
_FOREIGN = logging.WARNING
#: Libraries held to a level of their own, whatever else set one. What APScheduler warns of, we log in our own words.
_CHATTY = {
    "apscheduler": logging.ERROR,
    "asyncio": _FOREIGN,
    "boto3": _FOREIGN,
    "botocore": _FOREIGN,
    "ldap3": _FOREIGN,
    "sqlalchemy": _FOREIGN,
    "urllib3": _FOREIGN,
    "uvicorn": _FOREIGN,
}


def configure_logs(settings: LogSettings, stream: TextIO, *, secrets: SecretFilter, colour: bool | None = None) -> None:
    """Send every log line of this process to *stream*."""
    as_json = settings.format == "json" or (settings.format == "auto" and not stream.isatty())
    shared = _processors(settings)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        _Formatter(
            secrets,
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_renderers(as_json=as_json, colour=stream.isatty() if colour is None else colour),
            ],
        )
    )
    root, ours = logging.getLogger(), logging.getLogger(OURS)
    root.handlers[:] = [handler, *(each for each in root.handlers if isinstance(each, _LineCounter))]
    ours.setLevel(settings.level.upper())
    root.setLevel(max(_FOREIGN, ours.level))
    for name, level in _CHATTY.items():
        logging.getLogger(name).setLevel(max(level, ours.level))


def get_logger(**bound: object) -> Logger:
    """Return the logger of syncd, with *bound* in each of its lines."""
    logger: Logger = structlog.get_logger(OURS).bind(**bound)
    return logger


def log_event(log: Logger, name: str, /, **fields: object) -> None:
    """Log the event *name* at the level that the inventory gives it; one that isn't there is `info`."""
    known = EVENTS.get(name)
    match known.level if known else "info":
        case "debug":
            log.debug(name, **fields)
        case "info":
            log.info(name, **fields)
        case "warning":
            log.warning(name, **fields)
        case "error":
            log.error(name, **fields)


def count_lines(count: Callable[[str], None]) -> None:
    """Call *count* with the level of every line from now on (`info`, `warning` or `error`); whoever did is replaced."""
    root = logging.getLogger()
    root.handlers[:] = [*(each for each in root.handlers if not isinstance(each, _LineCounter)), _LineCounter(count)]


def log_thread_crash(crash: threading.ExceptHookArgs) -> None:
    """Log an error that ended a thread: what Python would write itself is no JSON, and has passed no filter."""
    name = crash.thread.name if crash.thread is not None else ""
    error = crash.exc_value or crash.exc_type()
    get_logger().error("thread_crashed", thread=name, error_type=type(error).__name__, exc_info=error)


class _LineCounter(logging.Handler):
    """Counts what the others write."""

    def __init__(self, count: Callable[[str], None]) -> None:
        super().__init__(logging.INFO)
        self._count = count

    def emit(self, record: logging.LogRecord) -> None:
        error, warning = record.levelno >= logging.ERROR, record.levelno >= logging.WARNING
        self._count("error" if error else "warning" if warning else "info")


class _Formatter(structlog.stdlib.ProcessorFormatter):
    """Removes secrets from the finished line, whoever wrote it."""

    def __init__(self, secrets: SecretFilter, **options: Any) -> None:  # noqa: ANN401 - as its base takes them
        super().__init__(**options)
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        return self._secrets.clean(super().format(record))


def _processors(settings: LogSettings) -> list[Processor]:
    chain: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp"),
        _milliseconds,
        structlog.processors.format_exc_info,
        structlog.processors.UnicodeDecoder(),
    ]
    if not settings.personal_data:
        chain.append(_redact)
    return chain


def _renderers(*, as_json: bool, colour: bool) -> list[Processor]:
    if as_json:
        return [_in_order, structlog.processors.JSONRenderer(ensure_ascii=True, default=_in_json)]
    # A traceback without the values of variables: passwords are among them.
    plain = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(colors=colour, pad_event_to=28, exception_formatter=plain)]


def _in_json(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _milliseconds(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    whole, _, rest = str(event["timestamp"]).removesuffix("Z").partition(".")
    event["timestamp"] = f"{whole}.{rest[:3]:0<3}Z"
    return event


def _redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    kept = {name: event.pop(name) for name in ("_record", "_from_structlog", "exc_info") if name in event}
    hide_personal_data(event)
    event.update(kept)
    return event


def _in_order(_logger: WrappedLogger, _method: str, event: EventDict) -> Mapping[str, Any]:
    """Put what every line has first, so that a person can read JSON lines too."""
    first = ("timestamp", "level", "event", "organization", "cycle_id", "plan", "logger")
    ordered = {name: event[name] for name in first if name in event}
    return ordered | {name: value for name, value in event.items() if name not in ordered}
