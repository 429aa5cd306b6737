"""What a change does to what exists."""

from enum import StrEnum


class Action(StrEnum):
    """What a kind of operation does to what exists."""

    ADD = "add"
    CHANGE = "change"
    REMOVE = "remove"
