"""Values that stand elsewhere: `{env:}` for any scalar; `{file:}`, `{env:}`, `{credential:}` for secrets.

Also makes relative paths relative to the configuration file: a daemon has no useful working directory.
"""

from collections.abc import Mapping
from pathlib import Path

from syncd.errors import Problem
from syncd.settings.shape import Shape
from syncd.settings.strict_yaml import Entries, Items, Node, Scalar, scalar_value

_SECRET_SOURCES = ("file", "env", "credential")
_HOW_SECRETS = "write {file: PATH}, {env: NAME} or {credential: NAME}"
#: The largest file that can be one secret.
_MAXIMUM_SECRET = 65_536


class References:
    """Follows the references of one file; *secrets* and *problems* are what it met."""

    def __init__(self, name: str, folder: Path, environment: Mapping[str, str]) -> None:
        self._name = name
        self._folder = folder
        self._environment = environment
        self.problems: list[Problem] = []
        self.secrets: list[str] = []

    def follow(self, node: Node, shape: Shape, path: str = "") -> Node:
        """Return *node* with every reference in it replaced by its value."""
        if shape.is_secret:
            return self._secret(node, path)
        if isinstance(node, Entries):
            if set(node.entries) == {"env"} and not shape.takes_key("env"):
                return self._follow_scalar(self._from_environment(node, path), shape)
            for key, child in node.entries.items():
                below = f"{path}.{key}" if path else key
                node.entries[key] = self.follow(child, shape.child(key, child), below)
        elif isinstance(node, Items):
            for index, child in enumerate(node.items):
                node.items[index] = self.follow(child, shape.child(index, child), f"{path}[{index}]")
        elif isinstance(node, Scalar):
            return self._follow_scalar(node, shape)
        return node

    def _follow_scalar(self, node: Scalar, shape: Shape) -> Scalar:
        if shape.is_path and isinstance(node.value, str) and node.value:
            node.value = node.text = str(self._folder / node.value)
        return node

    def _from_environment(self, node: Entries, path: str) -> Scalar:
        name = node.entries["env"]
        result = Scalar(line=node.line, column=node.column, value=None, text="", from_environment=True)
        if not isinstance(name, Scalar) or not name.text:
            self._problem(node, path, "env needs the name of an environment variable", "write {env: NAME}")
        elif name.text not in self._environment:
            remedy = f"set it, for instance: export {name.text}=…"
            self._problem(node, path, f"the environment variable {name.text} is not set", remedy)
        else:
            result.text = self._environment[name.text]
            result.value = scalar_value(result.text)
        return result

    def _secret(self, node: Node, path: str) -> Node:
        if not isinstance(node, Entries) or len(node.entries) != 1 or not set(node.entries) <= {*_SECRET_SOURCES}:
            self._problem(node, path, "a secret does not stand in this file", _HOW_SECRETS)
            return _as_text(node, "")
        (kind, name), *_ = node.entries.items()
        if not isinstance(name, Scalar) or not name.text:
            self._problem(node, path, f"{kind} needs a name", _HOW_SECRETS)
            return _as_text(node, "")
        if kind == "env":
            text = self._from_environment(node, path).text
        else:
            text = self._read_secret(node, path, kind, name.text)
        if text:
            self.secrets.append(text)
        return _as_text(node, text)

    def _read_secret(self, node: Node, path: str, kind: str, name: str) -> str:
        folder = self._folder if kind == "file" else Path(self._environment.get("CREDENTIALS_DIRECTORY", ""))
        if kind == "credential" and "CREDENTIALS_DIRECTORY" not in self._environment:
            remedy = f"run under systemd with LoadCredential={name}:PATH, or {_HOW_SECRETS}"
            self._problem(node, path, f"there is no credential {name}: systemd gave none", remedy)
            return ""
        try:
            with (folder / name).open("rb") as stream:
                text = stream.read(_MAXIMUM_SECRET).decode().removesuffix("\n").removesuffix("\r")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is no UTF-8 text"
            self._problem(node, path, f"the secret {folder / name} can't be read: {reason}", "")
            return ""
        if not text:
            self._problem(node, path, f"the secret {folder / name} is empty", "")
        return text

    def _problem(self, node: Node, path: str, reason: str, remedy: str) -> None:
        where = f"{self._name}:{node.line}:{node.column}: {path}"
        self.problems.append(Problem(where=where, reason=reason, remedy=remedy))


def _as_text(node: Node, text: str) -> Scalar:
    return Scalar(line=node.line, column=node.column, value=text, text=text)
