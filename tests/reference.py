"""The reference in `config/reference/`, made of the code: `python -m tests.reference` writes it anew.

A test holds that it says what the code says (`tests/unit/config/test_reference.py`).
"""

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from prometheus_client import CollectorRegistry

from syncd.cli.app import EXIT_CODES
from syncd.errors import EXIT_PRECEDENCE, SyncdError
from syncd.settings.schema import editor_schema
from syncd.telemetry.catalogue import ORGANIZATION, Definition
from syncd.telemetry.events import COMMON_FIELDS, EVENTS, PERSONAL_FIELDS
from syncd.telemetry.metrics import Metrics
from syncd.wiring import guard_names

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "config" / "reference"
EXAMPLES = (ROOT / "config/examples/syncd.example.yaml", ROOT / "config/examples/ldap.example.yaml")
_MADE = "<!-- Made by `python -m tests.reference`: change the code, not this file. -->"


def page(title: str, *parts: str) -> str:
    """A document: title, where it comes from, and its parts."""
    return "\n\n".join([f"# {title}", _MADE, *parts]) + "\n"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def code(text: object) -> str:
    """*text* as it is typed."""
    return f"`{text}`"


# --- metrics ---------------------------------------------------------------------------------------------------------


def metrics() -> str:
    """Every metric: name, type, labels with their values, meaning."""
    guards = guard_names()
    made = Metrics(CollectorRegistry(), organizations=["one", "two"], guards=guards)
    each = [definition for definition in made.definitions if ORGANIZATION in definition.labels]
    whole = [definition for definition in made.definitions if ORGANIZATION not in definition.labels]
    count = sum(
        sample.labels.get(ORGANIZATION) == "two" for family in made.registry.collect() for sample in family.samples
    )
    return page(
        "Metrics",
        "`syncd run` shows them at `/metrics`: in Prometheus' text format, and as OpenMetrics, with the id of a cycle "
        "as exemplar of its histograms, to whoever asks for that. `process_*` are those of every program.",
        f"One organization has {count} series from the start, with the {len(guards)} guards there are. On top come "
        "one for each operation of the service and code that it answered (at most 41 codes), and one for each "
        "directory server with a certificate. Nothing in a directory makes a series.",
        "Times are seconds since 1970, in UTC. *Files*: also written by `--metrics-file`, as far as that run knows it.",
        "## Of each organization",
        table(_METRIC, [_metric(definition) for definition in each]),
        "## Of the process",
        table(_METRIC, [_metric(definition) for definition in whole]),
    )


_METRIC = ("name", "type", "labels", "files", "meaning")


def _metric(definition: Definition) -> list[str]:
    labels = [
        code(label) + (f": {', '.join(map(code, values))}" if values else "")
        for label, values in definition.labels.items()
        if label != ORGANIZATION
    ]
    return [
        code(definition.name),
        definition.kind,
        "; ".join(labels),
        "yes" if definition.in_files else "",
        definition.meaning,
    ]


# --- events ----------------------------------------------------------------------------------------------------------


def events() -> str:
    """Every event: level, fields, meaning."""
    rows = [
        [
            code(event.name),
            ", ".join(event.levels),
            ", ".join(_field(field) for field in event.fields if field not in COMMON_FIELDS),
            event.meaning,
        ]
        for event in EVENTS.values()
    ]
    return page(
        "Log events",
        "Log lines go to stderr: as JSON, or as words on a terminal (`log.format`). Names of events are stable.",
        "Fields marked with * may name people: their text shows with `log.personal_data: true` only, and addresses "
        "in any other field are masked without it. Secrets never show.",
        "## On every line",
        table(("field", "meaning"), [[code(field), meaning] for field, meaning in COMMON_FIELDS.items()]),
        "## Events",
        table(("event", "level", "fields", "meaning"), rows),
        "Libraries (boto3, ldap3, APScheduler, uvicorn and others) are heard from warnings upwards, whatever "
        "`log.level` says, with the same fields and the same care; their event is a sentence.",
    )


def _field(name: str) -> str:
    return f"{code(name)} *" if name in PERSONAL_FIELDS else code(name)


# --- exit codes ------------------------------------------------------------------------------------------------------


def exit_codes() -> str:
    """Every exit code, and the errors that end with it."""
    errors: dict[int, list[str]] = {}
    for error in _tree(SyncdError):
        meaning = " ".join((error.__doc__ or "").split("\n\n", 1)[0].split())
        errors.setdefault(error.exit_code, []).append(f"{code(error.__name__)}: {meaning}")
    known = {**EXIT_CODES, 130: "interrupted, as shells say it"}
    assert errors.keys() <= known.keys(), "an error ends with a code that nobody explains"
    first = ", ".join(map(str, EXIT_PRECEDENCE))
    rows = [[str(number), known[number], "<br>".join(errors.get(number, ()))] for number in sorted(known)]
    return page(
        "Exit codes",
        "Stable: scripts may rest on them.",
        table(("code", "meaning", "errors"), rows),
        f"Where several organizations end differently, the first of these is taken: {first}.",
    )


def _tree(error: type[SyncdError]) -> Iterator[type[SyncdError]]:
    yield error
    for below in error.__subclasses__():
        if below.__module__ == "syncd.errors" and not below.__name__.startswith("_"):
            yield from _tree(below)
        elif below.__name__.startswith("_"):
            yield from (each for inner in below.__subclasses__() for each in _tree(inner))


# --- settings --------------------------------------------------------------------------------------------------------


def settings() -> str:
    """Every key of the configuration: type, default, meaning."""
    schema = editor_schema()
    remarks: dict[str, str] = {}
    for example in EXAMPLES:
        for path, remark in _remarks(example).items():
            remarks.setdefault(path, remark)
    sections: list[str] = []
    for name, section in _sections(schema, schema, ""):
        if section.get("properties"):
            rows = [
                _key(schema, key, inner, remarks.get(_below(name, key), ""), key in section.get("required", ()))
                for key, inner in section["properties"].items()
            ]
            sections += [f"## {code(name) if name else 'The file'}", _prose(section.get("description", ""))]
            sections.append(table(("key", "type", "default", "meaning"), rows))
    return page(
        "Settings",
        "The configuration is one YAML file. Every value may be `{env: NAME}`; secrets must be `{file: …}`, "
        "`{env: …}` or `{credential: …}`. `[]` after a name means: a list of these. Where there is no default, the "
        "key must be there. The [complete example](../examples/syncd.example.yaml) shows all of it in its place, "
        "[another](../examples/ldap.example.yaml) what is different for LDAP.",
        *(section for section in sections if section),
    )


def _key(schema: Mapping[str, Any], name: str, part: Mapping[str, Any], remark: str, required: bool) -> list[str]:
    kinds = list(dict.fromkeys(_kinds(schema, part)))
    is_section = any(_is_object(option) for option in _options(schema, part))
    default = "" if required or "default" not in part else code(_yaml(part["default"]))
    if not required and "default" not in part:
        default = "its keys' own" if is_section else ""
    meaning = _without_choices(remark, kinds) or _prose(part.get("description", ""))
    return [code(name), " or ".join(kinds), default if not required else "–", meaning]


def _without_choices(remark: str, kinds: Sequence[str]) -> str:
    """*remark* without a last `this | that`, which the type says already."""
    found = re.search(r"(?:^| )((?:\S+ \| )+\S+)$", remark)
    if found and all(code(word) in kinds for word in found[1].split(" | ")):
        return remark[: found.start()]
    return remark


def _yaml(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, str):
        return value if re.search(r"\w", value) else f"'{value}'"
    if isinstance(value, list):
        return f"[{', '.join(_yaml(item) for item in value)}]"
    return str(value)


def _options(schema: Mapping[str, Any], part: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The forms that *part* may have, references followed, the environment left out."""
    if "$ref" in part:
        name = part["$ref"].rpartition("/")[2]
        return [] if name == "FromEnvironment" else _options(schema, {"title": name, **schema["$defs"][name]})
    choices = [*part.get("anyOf", ()), *part.get("oneOf", ())]
    if choices:
        return [option for choice in choices for option in _options(schema, choice)]
    return [part]


def _is_object(option: Mapping[str, Any]) -> bool:
    return "properties" in option and option.get("title") != "Secret"


def _kinds(schema: Mapping[str, Any], part: Mapping[str, Any]) -> Iterator[str]:
    for option in _options(schema, part):
        if option.get("title") == "Secret":
            yield "secret"
        elif _is_object(option):
            yield "section"
        elif "const" in option:
            yield code(_yaml(option["const"]))
        elif "enum" in option:
            yield from (code(_yaml(value)) for value in option["enum"])
        elif option.get("type") == "array":
            inner = dict.fromkeys(_kinds(schema, option.get("items", {})))
            yield f"list of {' or '.join(f'{kind}s' if kind[-1] != '`' else kind for kind in inner)}"
        elif option.get("type") == "object":
            yield "map"
        elif "d)?" in option.get("pattern", ""):
            yield "duration"
        else:
            yield _scalar(option)


def _scalar(option: Mapping[str, Any]) -> str:
    name = {"string": "text", "integer": "number", "boolean": "true or false", "null": "null"}.get(
        option.get("type", ""), option.get("type", "any value")
    )
    low, high = option.get("minimum"), option.get("maximum")
    if low is not None and high is not None:
        return f"{name}, {low} to {high}"
    return f"{name}, at least {low}" if low is not None else name


def _sections(schema: Mapping[str, Any], part: Mapping[str, Any], name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for option in _options(schema, part):
        if option.get("type") == "array" and "items" in option:
            yield from _sections(schema, option["items"], f"{name}[]")
        elif _is_object(option):
            kind = option["properties"].get("type", {}).get("const")
            full = f"{name} ({kind})" if kind else name
            yield full, option
            for key, inner in option["properties"].items():
                yield from _sections(schema, inner, _below(full, key))


def _below(name: str, key: str) -> str:
    return f"{name}.{key}" if name else key


def _prose(text: str) -> str:
    """Flowing text of a docstring: one paragraph for each of its paragraphs, its *words* as code."""
    flowing = "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))
    # Where a fact comes from is for who reads the code.
    flowing = re.sub(r" \(`(?:\w+\.md|syncd\.)[^)]*\)", "", flowing)
    return re.sub(r"(?<!\*)\*(\w+)\*(?!\*)", r"`\1`", flowing)


def _remarks(path: Path) -> dict[str, str]:
    """The comments of an example, by the key they belong to: those above it, and the one behind it."""
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    found: dict[str, str] = {}

    def walk(node: yaml.Node, name: str) -> None:
        if isinstance(node, yaml.SequenceNode):
            for item in node.value:
                walk(item, f"{name}[]")
        if not isinstance(node, yaml.MappingNode):
            return
        kind = next((value.value for key, value in node.value if key.value == "type" and "." in name), "")
        full = f"{name} ({kind})" if kind else name
        for key, value in node.value:
            below = _below(full, key.value)
            number, column = key.start_mark.line, key.start_mark.column
            if lines[number][:column].strip(" -") == "":
                found.setdefault(below, " ".join([*_above(lines, number, column), *_behind(lines, key, value)]))
            walk(value, below)

    root = yaml.compose(text, Loader=yaml.SafeLoader)
    assert root is not None
    walk(root, "")
    return {name: remark for name, remark in found.items() if remark}


def _above(lines: Sequence[str], number: int, column: int) -> list[str]:
    block: list[str] = []
    indent = len(lines[number]) - len(lines[number].lstrip())
    for line in reversed(lines[:number]):
        if (
            not line.strip().startswith("#")
            or "# ---" in line
            or len(line) - len(line.lstrip()) not in (indent, column)
        ):
            break
        block.insert(0, _words(line.strip().removeprefix("#")))
    return block


def _words(line: str) -> str:
    """One line of a comment; an indented one is an entry of a list: a word, and what it means."""
    word, _, rest = line.strip().partition("  ")
    return f"<br>{code(word)}: {rest.strip()}" if line.startswith("   ") and rest else line.strip()


def _behind(lines: Sequence[str], key: yaml.Node, value: yaml.Node) -> list[str]:
    is_block = value.start_mark.line != key.end_mark.line
    mark = key.end_mark if is_block else value.end_mark
    rest = lines[mark.line][mark.column :].lstrip(" :") if mark.line < len(lines) else ""
    return [rest.removeprefix("#").strip()] if rest.startswith("#") else []


DOCUMENTS: Mapping[str, Callable[[], str]] = {
    "events.md": events,
    "exit-codes.md": exit_codes,
    "metrics.md": metrics,
    "settings.md": settings,
}


def main() -> int:
    """Write all documents anew."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, make in DOCUMENTS.items():
        (FOLDER / name).write_text(make(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
