"""The `source` section of type `csv`: files, and how they are written."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from syncd.model.names import Kind
from syncd.model.policy import Section

_MEBIBYTE = 1024 * 1024


class CsvCaps(Section):
    """What no honest file exceeds: a runaway export ends with a sentence, not with an exhausted machine.

    *value_length* is in characters and holds for each value of a cell; one that is longer rejects its row.
    """

    size_mib: Annotated[int, Field(ge=1)] = 1024
    rows: Annotated[int, Field(ge=1)] = 10_000_000
    columns: Annotated[int, Field(ge=1)] = 256
    value_length: Annotated[int, Field(ge=16)] = 4096

    @property
    def size_bytes(self) -> int:
        return self.size_mib * _MEBIBYTE


class CsvSettings(Section):
    """A users file and, if there are groups, a groups file; both UTF-8, with or without a byte order mark.

    Paths are relative to the configuration file. *multi_value* separates several values within one cell; "" says
    that a cell is always one value. *group_rows* `one-per-membership` repeats a group's row for each of its members.
    """

    type: Literal["csv"]
    users: Annotated[str, Field(min_length=1)]
    groups: Annotated[str, Field(min_length=1)] | None = None
    delimiter: str = ","
    quote: str = '"'
    multi_value: str = ";"
    final_newline: Literal["required", "optional"] = "required"
    group_rows: Literal["one-per-group", "one-per-membership"] = "one-per-group"
    caps: CsvCaps = CsvCaps()

    @property
    def files(self) -> Mapping[Kind, str]:
        """The path of each kind's file, as it is written."""
        return {Kind.USER: self.users} | ({Kind.GROUP: self.groups} if self.groups else {})

    @field_validator("delimiter", "quote", mode="before")
    @classmethod
    def _one_character(cls, value: object) -> object:
        if value in ("tab", "\\t"):
            return "\t"
        if not isinstance(value, str) or len(value) != 1 or value in "\r\n\0\ufeff":
            message = f"expected one character such as ',' ';' '|' or tab, got {value!r}"
            raise ValueError(message)
        return value

    @field_validator("multi_value")
    @classmethod
    def _no_line_break(cls, value: str) -> str:
        if any(character in "\r\n\0" for character in value):
            message = f"expected a separator such as ';' or '|', or \"\" for none, got {value!r}"
            raise ValueError(message)
        return value

    @model_validator(mode="after")
    def _told_apart(self) -> "CsvSettings":  # noqa: N804 - an after-validator gets the section itself
        if self.delimiter == self.quote:
            message = f"delimiter and quote are both {self.quote!r}: nothing could be told apart"
            raise ValueError(message)
        if self.quote in self.multi_value:
            message = f"multi_value contains the quote {self.quote!r}: choose another separator"
            raise ValueError(message)
        return self
