"""Where the configuration file is, and what it says."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from syncd.errors import ConfigurationError, Problem
from syncd.settings.complaints import nearest
from syncd.settings.reading import read_model
from syncd.settings.root import Settings
from syncd.settings.strict_yaml import Entries, Items, Node, Scalar

#: Where the configuration is looked for when nobody names it.
USUAL_PLACES = (Path("syncd.yaml"), Path("/etc/syncd/syncd.yaml"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """Settings, the file they came from, and the secrets that must never be shown."""

    settings: Settings
    path: Path
    secrets: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """What relative paths are relative to."""
        return self.path.absolute().parent


def find_file(named: Path | None, environment: Mapping[str, str] = os.environ) -> Path:
    """Return the configuration file: *named*, else `SYNCD_CONFIG`, else the first of the usual places.

    Raises:
        ConfigurationError: there is none.
    """
    if named is None and environment.get("SYNCD_CONFIG"):
        named = Path(environment["SYNCD_CONFIG"])
    if named is not None:
        return named
    for place in USUAL_PLACES:
        if place.is_file():
            return place
    looked = " and ".join(str(place) for place in USUAL_PLACES)
    hint = "name it with --config FILE or SYNCD_CONFIG, or write an example with: syncd init"
    raise ConfigurationError(f"no configuration file found (looked for {looked})", hint=hint)


def load(path: Path, environment: Mapping[str, str] = os.environ, *, templates: bool = True) -> Loaded:
    """Read the configuration in *path*; without *templates*, those of the mappings are not looked into.

    Raises:
        ConfigurationError: with every problem of the file.
    """
    inspect = _looked_through if templates else _strangers
    settings, secrets = read_model(Settings, path, environment, also=_twice, inspect=inspect)
    return Loaded(settings=settings, path=path, secrets=secrets)


def _looked_through(settings: Settings) -> Iterator[tuple[tuple[str | int, ...], Problem]]:
    yield from _mappings(settings)
    yield from _strangers(settings)


def _strangers(settings: Settings) -> Iterator[tuple[tuple[str | int, ...], Problem]]:
    """Find organizations that a notice is about and that nobody configured: nothing would ever be told of them."""
    known = [organization.name for organization in settings.organizations]
    for index, notice in enumerate(settings.notices):
        for place, name in enumerate(notice.organizations):
            if name not in known:
                problem = Problem(where="", reason=f"no organization is called {name}", remedy=nearest(name, known))
                yield ("notices", index, "organizations", place), problem


def _mappings(settings: Settings) -> Iterator[tuple[tuple[str | int, ...], Problem]]:
    """Compile the mappings: a template that can't be read is told now, not in the first cycle."""
    from syncd.mapping.rules import Rules  # noqa: PLC0415 - who looks into the store alone runs no template

    for index, organization in enumerate(settings.organizations):
        try:
            Rules(organization.mapping)
        except ConfigurationError as error:
            for problem in error.problems:
                yield ("organizations", index, *problem.where.split(".")), problem


def _twice(tree: Node, name: str) -> list[Problem]:
    """Two organizations with one name, or one organization twice: its two plans would fight."""
    problems = []
    for keys in (("name",), ("workmail", "organization_id")):
        seen: dict[str, int] = {}
        for index, node in _scalars(tree, keys):
            first = seen.setdefault(node.text, node.line)
            if first != node.line:
                where = f"{name}:{node.line}:{node.column}: organizations[{index}].{'.'.join(keys)}"
                reason = f"{node.text} occurs twice, it is in line {first} already"
                problems.append(Problem(where=where, reason=reason, remedy="each organization needs its own"))
    return problems


def _scalars(tree: Node, keys: tuple[str, ...]) -> list[tuple[int, Scalar]]:
    organizations = tree.entries.get("organizations") if isinstance(tree, Entries) else None
    found: list[tuple[int, Scalar]] = []
    for index, item in enumerate(organizations.items if isinstance(organizations, Items) else ()):
        node: Node | None = item
        for key in keys:
            node = node.entries.get(key) if isinstance(node, Entries) else None
        if isinstance(node, Scalar) and node.text:
            found.append((index, node))
    return found
