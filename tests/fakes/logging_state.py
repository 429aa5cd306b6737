"""The logging of this process, which tests of log lines change, and put back."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import structlog


@contextmanager
def logging_as_before() -> Iterator[None]:
    """Leave the logging of the other tests alone."""
    before = [(each, each.handlers[:], each.level) for each in _loggers()]
    try:
        yield
    finally:
        for each in _loggers():
            each.setLevel(logging.NOTSET)
        for each, handlers, level in before:
            each.handlers[:] = handlers
            each.setLevel(level)
        structlog.reset_defaults()


def _loggers() -> list[logging.Logger]:
    known = logging.root.manager.loggerDict.values()
    return [logging.root, *(each for each in known if isinstance(each, logging.Logger))]
