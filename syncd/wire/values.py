"""The values that a check answers with: what is wrong, where, and what a shape allows."""

from dataclasses import dataclass

from syncd.errors import SyncdError


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A member that breaks the service model: its path, such as `Domains[0].DomainName`, and why."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    """What the model allows for one shape; `min` and `max` are a length for strings and lists, else a value.

    The pattern is to be matched with `re.fullmatch(pattern, value, re.ASCII)`.
    """

    min: int | None
    max: int | None
    pattern: str | None


class InvalidCall(SyncdError):
    """A call that the service would refuse for its parameters alone; lists every problem at once."""

    def __init__(self, operation: str, problems: tuple[Violation, ...]) -> None:
        self.operation = operation
        self.problems = problems
        super().__init__(f"{operation}: " + "; ".join(map(str, problems)))
