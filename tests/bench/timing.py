"""How much longer does our way take than the bare one?"""

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass

ROUNDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Race:
    """*ours* and *bare* do the same, or as much of it as can be done without us."""

    ours: Callable[[], object]
    bare: Callable[[], object]

    def ratio(self, rounds: int = ROUNDS) -> float:
        """Return the CPU time of *ours* over that of *bare*, each the best of *rounds* that alternate."""
        ours, bare = [], []
        for _ in range(rounds):
            ours.append(_cpu(self.ours))
            bare.append(_cpu(self.bare))
        return min(ours) / min(bare)


def _cpu(work: Callable[[], object]) -> float:
    """Return the CPU seconds of *work*; making its result counts, throwing it away doesn't."""
    gc.collect()
    begin = time.process_time()
    result = work()
    took = time.process_time() - begin
    del result
    return took
