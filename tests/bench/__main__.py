"""Run benchmarks: `python -m tests.bench [NAME...]`. Prints each ratio beside its limit; ends with 1 if one is above.

A benchmark is a module of this folder with `run()`, which returns (name, ratio, limit) of all it measured.
"""

import sys
from importlib import import_module

BENCHMARKS = ("csv_reading", "mapping", "planning", "ldap_reading", "cycle", "daemon", "start")


def main(names: list[str]) -> int:
    """Run the benchmarks called *names*, or all; return the exit code."""
    unknown = set(names) - set(BENCHMARKS)
    if unknown:
        print(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 64
    is_slow = False
    for module in names or BENCHMARKS:
        for name, ratio, limit in import_module(f"tests.bench.{module}").run():
            verdict = "ok" if ratio <= limit else "TOO MUCH"
            is_slow |= ratio > limit
            print(f"{ratio:8.2f}  of at most {limit:6.1f}  {verdict:8}  {name}", flush=True)
    return int(is_slow)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
