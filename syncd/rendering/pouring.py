"""Finds the templates of a room, which lie beside its code, and pours values into them."""

import base64
import hashlib
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined

_FOLDER = "templates"


def environment(room: str) -> Environment:
    """Return what pours into the HTML templates of the package *room*: everything escaped, nothing left undefined."""
    return Environment(
        loader=PackageLoader(room, _FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


def file_of(room: str, name: str) -> str:
    """Return the text of a style sheet or script among the templates of the package *room*."""
    return files(room).joinpath(_FOLDER, name).read_text(encoding="utf-8")


def allowed(text: str) -> str:
    """Return the word of a Content-Security-Policy that allows the style sheet or script *text*, and no other."""
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"
