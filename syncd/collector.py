"""Keeps the garbage collector from walking over what only grows: modules, models, entries, details.

It would walk over all of it again and again and find nothing, which takes as long as making it (`tests.bench`).
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Keep the collector from running for the time of a block, or of a function; afterwards it is as it was."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
