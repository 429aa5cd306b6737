"""Is the configuration safe to run with? What `syncd doctor` says of the file, its secrets and its settings."""

import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from syncd.model.check import Check, ok, warn
from syncd.model.policy import Adopt, GuardSettings, Mode, RejectionThreshold, SourceThreshold, Threshold
from syncd.settings.loading import Loaded
from syncd.settings.root import OrganizationSettings, Settings
from syncd.settings.shape import Shape
from syncd.settings.strict_yaml import Entries, Items, Node, Scalar, parse
from syncd.sources.registry import row_of

_MODES = {
    Mode.CREATE: "create: people are added; changes and removals are left out",
    Mode.UPSERT: "upsert: people are added and changed; removals are left out",
    Mode.FULL: "full: people are added, changed and removed",
}
#: From here on a limit lets nearly everything pass.
_HALF, _THOUSAND = 50, 1000


def examine(loaded: Loaded, environment: Mapping[str, str]) -> Iterator[Check]:
    """Yield what can be said of the file itself, and of what holds for all organizations."""
    yield _file(loaded)
    yield from _secrets(loaded, environment)
    yield from _places(loaded, environment)
    if loaded.settings.log.personal_data:
        yield warn("log", "names and addresses of people stand in the log", "leave log.personal_data out")


def examine_organization(organization: OrganizationSettings) -> Iterator[Check]:
    """Yield what can be said of the settings of one organization."""
    if organization.mode is Mode.OBSERVE:
        remedy = "set mode: create, upsert or full when the plan is what you want"
        yield warn("mode", "observe: nothing is ever written", remedy)
    else:
        yield ok("mode", _MODES[organization.mode])
    if organization.only:
        yield warn("pilot", f"{_pilot(organization)}; everybody else is frozen", "leave `only` out to include all")
    if organization.adopt is Adopt.EXACT:
        found = "exact: who has the same name and address becomes ours without anybody's approval"
        yield warn("adopt", found, "set adopt: ask once the first adoption is done")
    yield from _guards(organization.guards)
    for found in outdated(organization):
        yield warn("guards", found, "take it out; 0 lets none pass")
    removal = organization.removal
    if organization.mode is Mode.FULL and removal.after_cycles == 1 and not removal.after:
        found = "who is missing in one read leaves at once"
        yield warn("removal", found, "set removal: {after_cycles: 3, after: 24h}")
    yield from row_of(organization.source).judge(organization.source)
    endpoint = organization.workmail.endpoint_url
    if endpoint is not None:
        what = "the emulator" if organization.workmail.is_emulated else "another endpoint"
        found = f"WorkMail is {what} at {endpoint}"
        yield warn("endpoint", found, "leave workmail.endpoint_url out to work with Amazon WorkMail")


def _file(loaded: Loaded) -> Check:
    count = len(loaded.settings.organizations)
    path = loaded.path.absolute()
    found = path.stat()
    mode = stat.S_IMODE(found.st_mode)
    text = f"{path}: {count} organization{'' if count == 1 else 's'}, mode {mode:04o}"
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        remedy = f"chmod go-w {path}"
        return warn("file", f"{text}: others may write it, and so decide what syncd does", remedy)
    return ok("file", text)


def _secrets(loaded: Loaded, environment: Mapping[str, str]) -> Iterator[Check]:
    """Look where each secret stands; its text is not looked at."""
    count, told = 0, 0
    for where, kind, name in _references(loaded.path):
        count += 1
        if kind == "env":
            told += 1
            found = f"{where} comes from the environment, which every child process and a crash report gets"
            yield warn("secrets", found, "use {file: PATH}, or {credential: NAME} under systemd")
            continue
        path = (loaded.folder if kind == "file" else Path(environment.get("CREDENTIALS_DIRECTORY", ""))) / name
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & (stat.S_IROTH | stat.S_IWOTH | stat.S_IWGRP):
            told += 1
            whose = "everybody on this machine may read" if mode & stat.S_IROTH else "others may write"
            yield warn("secrets", f"{where}: {whose} {path} (mode {mode:04o})", f"chmod 400 {path}")
    if not told:
        yield ok("secrets", f"{count} named, and kept from others" if count else "none is named")


def _references(path: Path) -> Iterator[tuple[str, str, str]]:
    """Yield key path, kind and name of each secret in the file at *path*, which is known to be right."""
    tree, _ = parse(path.read_text(encoding="utf-8-sig"), str(path))
    if tree is not None:
        yield from _references_in(tree, Shape.of(Settings, tree), "")


def _references_in(node: Node, shape: Shape, path: str) -> Iterator[tuple[str, str, str]]:
    if isinstance(node, Entries):
        if shape.is_secret:
            for kind, name in node.entries.items():
                yield path, kind, name.text if isinstance(name, Scalar) else ""
            return
        for key, child in node.entries.items():
            yield from _references_in(child, shape.child(key, child), f"{path}.{key}" if path else key)
    elif isinstance(node, Items):
        for index, child in enumerate(node.items):
            yield from _references_in(child, shape.child(index, child), f"{path}[{index}]")


def _places(loaded: Loaded, environment: Mapping[str, str]) -> Iterator[Check]:
    """The hardened unit may write to its state directory alone; a relative store lies beside the configuration."""
    url = loaded.settings.store
    is_relative = url.startswith("sqlite:///") and not url.startswith("sqlite:////")
    beside_system_files = str(loaded.folder).startswith("/etc")
    if is_relative and ("INVOCATION_ID" in environment or beside_system_files):
        found = f"the store {url} lies beside the configuration, in {loaded.folder}, where the unit may not write"
        yield warn("store", found, "write store: sqlite:////var/lib/syncd/syncd.db")


def outdated(organization: OrganizationSettings) -> tuple[str, ...]:
    """Return the settings of *organization* that have no effect any more, each with what holds instead."""
    limits = [(name, limit) for name, limit in organization.guards if isinstance(limit, Threshold | SourceThreshold)]
    return tuple(
        f"guards.{name}.minimum_population has no effect any more: of few people at most 2 pass, and less than half"
        for name, limit in limits
        if limit.minimum_population is not None
    )


def _guards(guards: GuardSettings) -> Iterator[Check]:
    wide = [f"{name} ({words})" for name, limit in guards if (words := _too_wide(limit))]
    if wide:
        remedy = "leave them out of `guards`: the usual limits are small, and an approval lets a large change pass"
        yield warn("guards", f"as good as switched off: {', '.join(wide)}", remedy)
    else:
        yield ok("guards", "all are on")


def _too_wide(limit: object) -> str:
    match limit:
        case Threshold() if limit.percent >= _HALF and limit.count >= _THOUSAND:
            return f"{limit.percent:g} % and {limit.count:,}"
        case RejectionThreshold() if limit.percent >= _HALF or limit.count >= _THOUSAND:
            return f"{limit.percent:g} % or {limit.count:,}"
        case SourceThreshold() if limit.percent >= _HALF:
            return f"{limit.percent:g} %"
        case _:
            return ""


def _pilot(organization: OrganizationSettings) -> str:
    count = len(organization.only.keys)
    parts = [f"{count} key{'' if count == 1 else 's'}"] if count else []
    parts += [f"group {organization.only.group}"] if organization.only.group else []
    return f"only {' and '.join(parts)}"
