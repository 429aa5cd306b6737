"""The logging of this process, which tests of log lines change, and put back."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import structlog


@contextmanager
def logging_as_before() -> Iterator[None]:
    """Leave the logging of the other tests alone."""
    known = [logging.getLogger(), *(each for each in logging.root.manager.loggerDict.values() if _is_logger(each))]
    before = [(each, each.handlers[:], each.level) for each in known if isinstance(each, logging.Logger)]
    try:
        yield
    finally:
        new = {each for each in logging.root.manager.loggerDict.values() if isinstance(each, logging.Logger)}
        for each in new:
            each.setLevel(logging.NOTSET)
        for each, handlers, level in before:
            each.handlers[:] = handlers
            each.setLevel(level)
        structlog.reset_defaults()


def _is_logger(thing: object) -> bool:
    return isinstance(thing, logging.Logger)
