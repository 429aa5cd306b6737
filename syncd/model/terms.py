"""What the answers of a target mean: handed in by the target, so that the line knows none of its words."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from syncd.model.report import Outcome
from syncd.model.situation import Situation


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """A target's codes, and what follows from them.

    *done_before*: a call -> the code that it answers when a try whose answer was lost has had its effect.
    *without_effect*: codes of transient errors with which the target says that it did nothing.
    *stopping*: codes that every later call of the same name would get too -> why, with `{call}` for that name.
    *fatal*: codes that every later call of any name would get too.
    *advise*: what a person can do about an outcome in that situation; "" where the codes say nothing of it.
    """

    done_before: Mapping[str, str]
    without_effect: frozenset[str]
    stopping: Mapping[str, str]
    fatal: frozenset[str]
    advise: Callable[[Outcome, Situation], str]

    def stops(self, call: str, code: str) -> str:
        """Return why no other *call* is worth sending after *code*, "" where one is."""
        return f"{call} {self.stopping[code].format(call=call)} ({code})" if code in self.stopping else ""
