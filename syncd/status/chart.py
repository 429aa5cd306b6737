"""The last cycles as bars: how long each took, and what came of it.

A cycle that ended well stands above the line, one that failed hangs below it: nobody needs to see colours to tell
them apart. What lies between (withheld, partly failed) stands above with a pattern of its own.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import sqrt

from syncd.model.status import PastCycle
from syncd.rendering.view import counted
from syncd.status.words import RESULT_WORDS, span

#: Cycles that fit.
MOST = 100
WIDTH = 800
#: Above the line, and below it.
RISE = 62
FALL = 28
_STEP = WIDTH / MOST
_LEAST = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One cycle: its place and size in the units of the drawing, and its *result*."""

    x: float
    y: float
    width: float
    height: float
    result: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """How many cycles had a *result*."""

    result: str
    words: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """The drawing, and what it says in words."""

    bars: tuple[Bar, ...]
    shares: tuple[Share, ...]
    longest: str
    summary: str


def draw(cycles: Sequence[PastCycle]) -> Chart | None:
    """Return the chart of *cycles*, the oldest first; None where there is none."""
    shown = cycles[-MOST:]
    if not shown:
        return None
    longest = max(cycle.took for cycle in shown)
    begin = WIDTH - len(shown) * _STEP  # the newest is always at the right edge
    bars = tuple(_bar(cycle, begin + index * _STEP, longest) for index, cycle in enumerate(shown))
    counts = Counter(cycle.result for cycle in shown)
    shares = tuple(
        Share(result=result, words=words, count=counts[result])
        for result, words in RESULT_WORDS.items()
        if counts[result]
    )
    said = ", ".join(f"{share.count} {share.words}" for share in shares)
    summary = f"{counted(len(shown), 'cycle')}: {said}. The longest took {span(longest)}."
    return Chart(bars=bars, shares=shares, longest=span(longest), summary=summary)


def _bar(cycle: PastCycle, x: float, longest: timedelta) -> Bar:
    # The root: a first cycle of hours leaves the others visible.
    part = sqrt(cycle.took / longest) if longest else 0.0
    fails = cycle.result == "failed"
    height = max(_LEAST, part * (FALL if fails else RISE))
    return Bar(
        x=round(x + _STEP * 0.12, 2),
        y=float(RISE) if fails else round(RISE - height, 2),
        width=round(_STEP * 0.76, 2),
        height=round(height, 2),
        result=cycle.result,
    )
