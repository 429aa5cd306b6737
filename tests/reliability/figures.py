"""Many stories, played by several processes, and the one table that they come to."""

import gc
import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.reliability.invariants import INVARIANTS
from tests.reliability.playing import AT_THE_END, Violation, play
from tests.reliability.stories import story
from tests.reliability.strikes import CELLS
from tests.reliability.world import shelf

#: Seeds that one process plays in a row.
_CHUNK = 10


@dataclass
class Figures:
    """What many stories came to."""

    seeds: int = 0
    cycles: int = 0
    operations: int = 0
    faults: int = 0
    seconds: float = 0.0
    checks: Counter[str] = field(default_factory=Counter)
    cells: Counter[tuple[str, str]] = field(default_factory=Counter)
    violated: Counter[str] = field(default_factory=Counter)
    #: For each invariant the first violations, with their seeds.
    examples: dict[str, list[tuple[int, Violation]]] = field(default_factory=dict)

    def add(self, other: "Figures") -> None:
        self.seeds += other.seeds
        self.cycles += other.cycles
        self.operations += other.operations
        self.faults += other.faults
        self.checks += other.checks
        self.cells += other.cells
        self.violated += other.violated
        for name, found in other.examples.items():
            mine = self.examples.setdefault(name, [])
            mine += found
            mine.sort(key=lambda pair: (pair[0], pair[1].line))
            del mine[5:]

    @property
    def unexpected(self) -> list[str]:
        """The invariants that don't hold although they are expected to, each with its first violation."""
        off = {one.says for one in INVARIANTS if one.off}
        return [
            f"{name}: seed {found[0][0]}, line {found[0][1].line}: {found[0][1].text}"
            for name, found in self.examples.items()
            if name not in off
        ]

    @property
    def missing_cells(self) -> list[str]:
        """The cells that no fault struck."""
        return [f"{operation}: {kind}" for operation, kind in CELLS if not self.cells[operation, kind]]

    def table(self) -> str:
        """Return the one table."""
        off = {one.says: one.off for one in INVARIANTS}
        lines = [f"{'invariant':<58}{'checks':>10}{'violations':>12}"]
        for name in (*(one.says for one in INVARIANTS), *AT_THE_END):
            why = f"  not expected yet: {off[name]}" if off.get(name) else ""
            lines.append(f"{name:<58}{self.checks[name]:>10,}{self.violated[name]:>12,}{why}")
        struck = len(CELLS) - len(self.missing_cells)
        lines.append("")
        lines.append(
            f"{self.seeds:,} seeds, {self.cycles:,} cycles, {self.operations:,} operations, {self.faults:,} faults,"
            f" {struck} of {len(CELLS)} cells of operation and fault ({struck / len(CELLS):.1%}), {self.seconds:.0f} s"
        )
        if self.missing_cells:
            lines.append(f"cells without a fault: {'; '.join(self.missing_cells)}")
        return "\n".join(lines)


def play_all(seeds: Sequence[int], cycles: int) -> Figures:
    """Play the stories of *seeds*, one after the other, in this process."""
    figures = Figures()
    began = time.monotonic()
    with shelf() as place, little_collected():
        for seed in seeds:
            played = play(story(seed, cycles), place)
            one = Figures(
                seeds=1,
                cycles=played.cycles,
                operations=played.operations,
                faults=played.faults,
                checks=played.checks,
                cells=played.cells,
                violated=Counter(v.invariant for v in played.violations),
            )
            for violation in played.violations:
                one.examples.setdefault(violation.invariant, []).append((seed, violation))
            figures.add(one)
            gc.collect()
    figures.seconds = time.monotonic() - began
    return figures


@contextmanager
def little_collected() -> Iterator[None]:
    """Without the garbage collector, which takes a quarter of the time; worlds are collected one by one."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def play_in_parallel(seeds: Sequence[int], cycles: int) -> Iterator[Figures]:
    """Play the stories of *seeds* with as many processes as there are cores; yield what each few came to."""
    chunks = [(seeds[at : at + _CHUNK], cycles) for at in range(0, len(seeds), _CHUNK)]
    workers = min(os.cpu_count() or 1, len(chunks))
    if workers < 2:
        yield from (play_all(*chunk) for chunk in chunks)
        return
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        yield from pool.imap_unordered(_play_chunk, chunks)


def _play_chunk(chunk: tuple[Sequence[int], int]) -> Figures:
    return play_all(*chunk)
