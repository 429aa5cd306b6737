"""Run the simulator: `python -m tests.reliability`. Ends with 1 if an invariant doesn't hold that is expected to.

--seeds 200 --cycles 25   so many stories of so many cycles, and one table (--first: from which seed on)
--seed 17                 one story, told line by line
--seed 17 --shrink        ... without whatever it fails without (--invariant TEXT: of what; the first by itself)
--matrix                  every fault at every call of each scenario (--every 10: of ten one)
--deaths                  the process ends at every point of each scenario, and --kills 200 times at random
--year                    a year of an organization of --people 2000: how often syncd asked, and why
"""

import argparse
import sys
import time

from tests.reliability.failpoints import deaths
from tests.reliability.figures import Figures, little_collected, play_in_parallel
from tests.reliability.invariants import INVARIANTS
from tests.reliability.playing import AT_THE_END, play
from tests.reliability.scenarios import matrix, table
from tests.reliability.shrinking import breaking, shrunk
from tests.reliability.stories import story
from tests.reliability.world import shelf
from tests.reliability.year import a_year


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
    parser.add_argument("--matrix", action="store_true")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--deaths", action="store_true")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--year", action="store_true")
    parser.add_argument("--people", type=int, default=2000)
    parser.add_argument("--days", type=int, default=365)
    given = parser.parse_args(arguments)
    if given.year:
        return year(given.people, given.seed or 0, given.days)
    if given.matrix:
        return every_fault(given.every)
    if given.deaths:
        return every_death(given.kills)
    if given.seed is not None:
        return one_story(given.seed, given.cycles, shrink=given.shrink, invariant=given.invariant)
    return many(range(given.first, given.first + given.seeds), given.cycles)


def year(people: int, seed: int, days: int) -> int:
    """Live a year, and print what was asked in it."""
    with shelf() as place:
        for line in a_year(place, people=people, seed=seed, days=days):
            print(line)
    return 0


def every_fault(every: int) -> int:
    """Print the table of faults and scenarios."""
    with shelf() as place, little_collected():
        runs = list(matrix(place, every=every))
    print(table(runs))
    wrong = [one for one in runs if one.problems]
    print("\n".join(f"WRONG {one}" for one in wrong))
    return int(bool(wrong))


def every_death(kills: int) -> int:
    """Print how many deaths of the process there were, and what was wrong after them."""
    with shelf() as place:
        died, wrong = deaths(place, kills)
    print(f"{died:,} deaths, {len(wrong)} of them with something wrong afterwards")
    print("\n".join(f"WRONG {one}" for one in wrong))
    return int(bool(wrong))


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
