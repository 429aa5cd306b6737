"""Walks a JSON document that somebody may have edited: every refusal names the path."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from syncd.errors import UsageError

Item = TypeVar("Item")
Word = TypeVar("Word", bound=StrEnum)

HINT = "a stored plan is not edited by hand: plan again"


@dataclass(frozen=True, slots=True)
class Field:
    """One place in the document: its *value* and the *path* to it."""

    value: object
    path: str = ""

    def __getitem__(self, name: str) -> "Field":
        """Return the member *name*, which must be there."""
        if not isinstance(self.value, dict):
            raise self.refusal(f"is {_noun(self.value)}, an object is needed")
        if name not in self.value:
            raise self.refusal(f'lacks "{name}"')
        return Field(self.value[name], f"{self.path}.{name}" if self.path else name)

    def optional(self, name: str) -> "Field | None":
        """Return the member *name*, None where it isn't: earlier versions didn't write it."""
        return self[name] if isinstance(self.value, dict) and name in self.value else None

    def members(self) -> Mapping[str, "Field"]:
        if not isinstance(self.value, dict):
            raise self.refusal(f"is {_noun(self.value)}, an object is needed")
        return {str(name): self[name] for name in self.value}

    def items(self) -> Iterator["Field"]:
        if not isinstance(self.value, list):
            raise self.refusal(f"is {_noun(self.value)}, a list is needed")
        return (Field(value, f"{self.path}[{index}]") for index, value in enumerate(self.value))

    def text(self) -> str:
        if not isinstance(self.value, str):
            raise self.refusal(f"is {_noun(self.value)}, a text is needed")
        return self.value

    def optional_text(self) -> str | None:
        return None if self.value is None else self.text()

    def number(self) -> int:
        if not isinstance(self.value, int) or isinstance(self.value, bool):
            raise self.refusal(f"is {_noun(self.value)}, a whole number is needed")
        return self.value

    def optional_number(self) -> float | None:
        """Return the number, None for null."""
        if self.value is None or (isinstance(self.value, int | float) and not isinstance(self.value, bool)):
            return self.value
        raise self.refusal(f"is {_noun(self.value)}, a number is needed")

    def flag(self) -> bool:
        if not isinstance(self.value, bool):
            raise self.refusal(f"is {_noun(self.value)}, true or false is needed")
        return self.value

    def moment(self) -> datetime:
        """Return the time, which must have a zone."""
        try:
            moment = datetime.fromisoformat(self.text())
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            raise self.refusal("is no time such as 2026-03-01T08:00:00Z")
        return moment

    def optional_moment(self) -> datetime | None:
        return None if self.value is None else self.moment()

    def word(self, words: type[Word]) -> Word:
        """Return the one of *words* that this is."""
        try:
            return words(self.text())
        except ValueError:
            allowed = ", ".join(word.value for word in words)
            raise self.refusal(f"is {self.value!r}; known are {allowed}") from None

    def each(self, read: Callable[["Field"], Item]) -> tuple[Item, ...]:
        return tuple(read(item) for item in self.items())

    def texts(self) -> frozenset[str]:
        return frozenset(item.text() for item in self.items())

    def mapped(self, read: Callable[["Field"], Item]) -> Mapping[str, Item]:
        return {name: read(member) for name, member in self.members().items()}

    def refusal(self, what: str) -> UsageError:
        """Return the error that says *what* is wrong here."""
        return UsageError(f"The plan document can't be used: {self.path or 'the document'} {what}.", hint=HINT)


def _noun(value: object) -> str:
    if value is None:
        return "null"
    nouns: Mapping[type, str] = {
        bool: "true or false",
        str: "a text",
        int: "a number",
        float: "a number",
        list: "a list",
    }
    return nouns.get(type(value), "an object")
