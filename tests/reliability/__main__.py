"""Run the simulator: `python -m tests.reliability`. Ends with 1 if an invariant doesn't hold that is expected to.

--seeds 200 --cycles 25   so many stories of so many cycles, and one table (--first: from which seed on)
--seed 17                 one story, told line by line
--seed 17 --shrink        ... without whatever it fails without (--invariant TEXT: of what; the first by itself)
"""

import argparse
import sys
import time

from tests.reliability.figures import Figures, play_in_parallel
from tests.reliability.invariants import INVARIANTS
from tests.reliability.playing import AT_THE_END, play
from tests.reliability.shrinking import breaking, shrunk
from tests.reliability.stories import story
from tests.reliability.world import shelf


def main(arguments: list[str]) -> int:
    """Run what *arguments* ask for; return the exit code."""
    parser = argparse.ArgumentParser("python -m tests.reliability", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--cycles", type=int, default=25)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--shrink", action="store_true")
    parser.add_argument("--invariant", default="")
    given = parser.parse_args(arguments)
    if given.seed is not None:
        return one_story(given.seed, given.cycles, shrink=given.shrink, invariant=given.invariant)
    return many(range(given.first, given.first + given.seeds), given.cycles)


def many(seeds: range, cycles: int) -> int:
    """Play many stories, and print the table."""
    figures, began = Figures(), time.monotonic()
    for few in play_in_parallel(seeds, cycles):
        figures.add(few)
        if sys.stderr.isatty():
            print(f"\r{figures.seeds} of {len(seeds)}", end="", file=sys.stderr, flush=True)
    figures.seconds = time.monotonic() - began
    print(figures.table())
    for line in figures.unexpected:
        print(f"VIOLATED {line}")
    if figures.unexpected:
        print("Look closer: python -m tests.reliability --seed N --shrink")
    return int(bool(figures.unexpected))


def one_story(seed: int, cycles: int, *, shrink: bool, invariant: str) -> int:
    """Tell one story, whole or shrunk."""
    told = story(seed, cycles)
    with shelf() as place:
        played = play(told, place)
        if shrink:
            names = [one.says for one in INVARIANTS] + list(AT_THE_END)
            asked = [name for name in names if invariant and invariant in name]
            broken = [one.invariant for one in (*played.unexpected, *played.violations)]
            chosen = next((name for name in broken if not asked or name in asked), None)
            if chosen is None:
                print("Nothing to shrink: it doesn't fail.")
                return 0
            played = play(shrunk(told, breaking(chosen, place)), place, until_violation=chosen)
    sys.stdout.write(played.trace)
    return int(bool(played.unexpected))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
