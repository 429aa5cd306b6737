"""Which file is the store? Of several names one counts: the lock and SQLite's own files lie beside it.

| the configuration names ...            | the store is                                                    |
|----------------------------------------|-----------------------------------------------------------------|
| a file, by any path, through any links | the file itself, where it really lies                           |
| a link to a file that isn't there yet  | that file, which is made                                        |
| a file that has several names          | nothing: each name would have a lock and a -wal of its own      |
| links that lead in a circle            | nothing                                                         |
"""

from pathlib import Path

from syncd.errors import StoreError
from syncd.store.trouble import translated


def real_place(path: Path) -> Path:
    """Return where the store that *path* names really lies, absolute and through all links.

    Raises:
        StoreError: no one place can be named.
    """
    with translated(path, "look for the file"):
        try:
            place = path.resolve()
        except RuntimeError as error:  # Python before 3.13 says so of a circle
            raise OSError(str(error)) from error
        names = place.stat().st_nlink if place.is_file() else 1
    if names > 1:
        raise StoreError(
            f"the store {place} has {names} names (hard links): two syncs by two names would not see each other",
            hint=f"Find them with `find / -xdev -samefile {place}`, and leave one; `syncd store backup` makes a copy.",
        )
    return place
