"""Where the store is: `store: sqlite:////var/lib/syncd/syncd.db` in the configuration file."""

import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

_SCHEME = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):(?P<rest>.*)", re.DOTALL)
_EXAMPLE = "sqlite:////var/lib/syncd/syncd.db"
_FORMS = (
    f"write {_EXAMPLE} (four slashes and a full path), "
    "or sqlite:///syncd.db (three slashes: beside the configuration file)"
)


def store_path(url: str, base: Path) -> Path:
    """Return the file that *url* names; a relative one is looked for in *base*, the configuration's folder.

    Raises:
        ValueError: no sqlite:// URL, or none that names a file.
    """
    match = _SCHEME.fullmatch(url.strip())
    if match is None:
        raise ValueError(f"expected where the store is, as a URL, got {url!r}; {_FORMS}")
    if match["scheme"].lower() != "sqlite":
        raise ValueError(f"the store can't be in {match['scheme']!r}: only sqlite is known; {_FORMS}")
    rest = match["rest"]
    if not rest.startswith("///"):
        raise ValueError(f"{url!r} has too few slashes; {_FORMS}")
    name = rest[3:]
    if not name or name.endswith("/") or name == ":memory:":
        raise ValueError(f"{url!r} names no file, and what is remembered must outlive the program; {_FORMS}")
    if "?" in name or "#" in name or "\0" in name:
        raise ValueError(f"{url!r} has something after the file name; {_FORMS}")
    return base / name


def _checked(url: str) -> str:
    store_path(url, Path())
    return url


#: A settings field that takes `sqlite:///FILE`; `store_path` says which file that is.
StoreUrl = Annotated[str, AfterValidator(_checked)]
