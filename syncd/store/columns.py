"""How a moment and a small JSON value lie in a column, and come back equal."""

import json
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from sqlalchemy import BigInteger, Dialect, Text
from sqlalchemy.types import TypeDecorator

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_number(moment: datetime) -> int:
    """Return *moment* as whole microseconds since 1970: exact, and in the order of time.

    Raises:
        ValueError: a time without zone.
    """
    if moment.tzinfo is None:
        raise ValueError(f"a time without zone can't be stored: {moment}")
    return (moment - _EPOCH) // _MICROSECOND


@lru_cache(maxsize=4096)
def to_moment(number: int) -> datetime:
    """Return the moment, aware and in UTC; rows written together share one object."""
    return _EPOCH + timedelta(microseconds=number)


def to_json(value: object) -> str:
    """Return *value* as compact JSON text."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


class Moment(TypeDecorator[datetime]):
    """An aware datetime; SQLite itself keeps no zone, and text sorts by its writer's zone."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002 - SQLAlchemy's signature
        return None if value is None else to_number(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        return None if value is None else to_moment(value)


class Span(TypeDecorator[timedelta]):
    """A duration, as whole microseconds: exact."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: timedelta | None, dialect: Dialect) -> int | None:  # noqa: ARG002 - SQLAlchemy's signature
        return None if value is None else value // _MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> timedelta | None:  # noqa: ARG002 - SQLAlchemy's signature
        return None if value is None else timedelta(microseconds=value)


class Plain(TypeDecorator[object]):
    """What JSON can say, as text; None is NULL."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: object, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's signature
        return None if value is None else to_json(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> object:  # noqa: ARG002 - SQLAlchemy's signature
        return None if value is None else json.loads(value)
