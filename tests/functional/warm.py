"""Starts `syncd` without its second of imports: a process that has them all forks one for each command.

    python warm.py     reads a JSON object a line: arguments, folder, environment, stdout, stderr (files);
                       answers each with a line, the exit code

What runs is the command of `python -m syncd` in a process of its own, with its own environment and streams.
"""

import json
import os
import sys
import traceback
from typing import Any, NoReturn

import syncd.sources.csv.source
import syncd.store.store
import syncd.telemetry.observer
import syncd.wiring
import syncd.workmail.client  # noqa: F401 - imported before the fork, so that it need not be imported after
from syncd.cli.app import main


def serve() -> None:
    for line in sys.stdin:
        task = json.loads(line)
        child = os.fork()
        if not child:
            become(task)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def become(task: dict[str, Any]) -> NoReturn:
    """Be `syncd`."""
    os.chdir(task["folder"])
    os.environ.clear()
    os.environ.update(task["environment"])
    streams = [
        (os.devnull, os.O_RDONLY),
        (task["stdout"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
        (task["stderr"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
    ]
    for number, (path, flags) in enumerate(streams):
        os.dup2(os.open(path, flags, 0o600), number)
    code = 1
    try:
        main(task["arguments"])
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:  # noqa: BLE001 - the interpreter would print it as well, and end with 1
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    serve()
