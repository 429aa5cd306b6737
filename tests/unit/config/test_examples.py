from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from syncd.model.policy import Mode
from syncd.settings import Settings, load
from syncd.settings.reading import read_model
from syncd.wiring import run_examples

#: What the examples take from the environment.
ENVIRONMENT = {
    "LDAP_PASSWORD": "a secret",
    "OPS_URL": "https://ops.planetexpress.example/hook",
    "OPS_SECRET": "0123456789abcdef0123456789abcdef",
    "SLACK_URL": "https://chat.planetexpress.example/services/T/B/X",
    "MAIL_PASSWORD": "a secret",
    "APPRISE_URL": "json://localhost",
    "HEARTBEAT_URL": "https://ping.planetexpress.example/1",
}
EXAMPLES = Path(__file__).resolve().parents[3] / "config" / "examples"


@pytest.mark.parametrize("name", ["minimal.yaml", "syncd.example.yaml", "ldap.example.yaml", "notices.example.yaml"])
def test_an_example_is_a_valid_configuration(name: str) -> None:
    """Whoever copies an example has a file that `syncd check` accepts, and that changes nothing yet."""
    settings = load(EXAMPLES / name, ENVIRONMENT).settings

    assert [organization.mode for organization in settings.organizations] == [Mode.OBSERVE]


def test_the_examples_within_the_complete_example_hold() -> None:
    """Its mapping does to the entries under `tests` what it says there."""
    loaded = load(EXAMPLES / "syncd.example.yaml", {})
    [organization] = loaded.settings.organizations

    assert len(organization.mapping.tests) == 2
    assert list(run_examples(loaded, organization)) == []


def properties(schema: Mapping[str, Any], part: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """The path of every key that a configuration may have."""
    if "$ref" in part:
        yield from properties(schema, schema["$defs"][part["$ref"].rpartition("/")[2]], path)
    for choice in (*part.get("anyOf", ()), *part.get("oneOf", ())):
        yield from properties(schema, choice, path)
    if isinstance(part.get("items"), dict):
        yield from properties(schema, part["items"], path)
    for name, inner in part.get("properties", {}).items():
        below = f"{path}.{name}".lstrip(".")
        if inner.get("deprecated"):
            continue  # read, so that older configurations still are, and no example of anything
        yield below
        yield from properties(schema, inner, below)


def keys_of(value: object, path: str = "") -> Iterator[str]:
    """The path of every key that a file says."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            below = f"{path}.{name}".lstrip(".")
            yield below
            yield from keys_of(inner, below)
    if isinstance(value, list | tuple):
        for inner in value:
            yield from keys_of(inner, path)


def said_in(name: str) -> set[str]:
    settings, _ = read_model(Settings, EXAMPLES / name, ENVIRONMENT)
    return set(keys_of(settings.model_dump(by_alias=True, exclude_unset=True)))


def test_the_complete_example_shows_every_key() -> None:
    """A key that a section gains is missing in the example until it is explained there."""
    schema = Settings.model_json_schema(by_alias=True)
    known = set(properties(schema, schema))

    assert len(known) > 60
    said = {key for path in EXAMPLES.glob("*.yaml") for key in said_in(path.name)}
    assert sorted(known - said) == []


def test_the_complete_example_shows_the_defaults() -> None:
    """Apart from what has no default or is a list of yours, the two examples mean the same."""
    complete, minimal = (load(EXAMPLES / name, {}).settings for name in ("syncd.example.yaml", "minimal.yaml"))
    own = {"mapping", "source", "protected"}

    own_names = {"organizations", "instance"}
    assert complete.model_dump(exclude=own_names) == minimal.model_dump(exclude=own_names)
    assert complete.organizations[0].model_dump(exclude=own) == minimal.organizations[0].model_dump(exclude=own)
    source, least = complete.organizations[0].source, minimal.organizations[0].source
    assert source.model_copy(update={"groups": None}) == least


def test_every_line_of_the_examples_fits_an_editor() -> None:
    """The examples are read by people: no line is longer than 110 characters."""
    long = [
        f"{path.name}:{number}"
        for path in sorted(EXAMPLES.glob("*.yaml"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if len(line) > 110
    ]

    assert long == []
