"""Do the examples that a mapping carries hold? What `syncd check` runs."""

from collections.abc import Mapping

from syncd.errors import Problem
from syncd.mapping.record import Mapper
from syncd.mapping.rules import EntityRules, Rules
from syncd.mapping.settings import Example
from syncd.model.entry import Entry
from syncd.model.given import GivenField
from syncd.model.limits import Limits
from syncd.model.names import Kind
from syncd.model.state import HIDDEN, Wanted


def run_examples(rules: Rules, limits: Limits) -> tuple[Problem, ...]:
    """Return a problem for each thing that an example promises and *rules* don't keep."""
    problems = []
    for number, example in enumerate(rules.examples):
        where = f"{rules.where}.tests[{number}]"
        problems += [
            Problem(where=where, reason=reason, remedy=remedy) for reason, remedy in _run(example, rules, limits)
        ]
    return tuple(problems)


def _run(example: Example, rules: Rules, limits: Limits) -> list[tuple[str, str]]:
    kind = Kind(example.kind)
    entity_rules = rules.entities.get(kind)
    if entity_rules is None:
        return [("the mapping has no groups", "add `groups`, or make it an example of a user")]
    if (example.gives is None) is (example.rejected is None):
        return [("it says neither or both of `gives` and `rejected`", "say what must come of the entry")]
    mapped = Mapper(entity_rules, limits).map(_entry(example, entity_rules))
    if mapped.rejection is not None:
        if example.rejected is not None and example.rejected.casefold() in mapped.rejection.reason.casefold():
            return []
        expected = f"for {example.rejected!r}, " if example.rejected is not None else ""
        return [(f"the entry is rejected, {expected}but because {mapped.rejection.reason}", mapped.rejection.remedy)]
    if example.rejected is not None:
        return [(f"the entry is not rejected, though {example.rejected!r} is expected", "correct one of them")]
    if mapped.wanted is None:
        return [("the group has no address, so it is not mapped", "give it one, or leave the example out")]
    return _differences(example, mapped.wanted)


def _entry(example: Example, rules: EntityRules) -> Entry:
    attributes = {name: (value,) if isinstance(value, str) else value for name, value in example.entry.items() if value}
    identity = attributes.get(rules.key, ("example",))[0]
    return Entry(rules.kind, identity, "example", attributes)


def _parsed(field: GivenField, text: str) -> object:
    try:
        return field.parse(text)
    except ValueError:
        return text  # which no entry has, so that it is told


def _differences(example: Example, wanted: Wanted) -> list[tuple[str, str]]:
    expected = example.gives.model_dump(exclude_none=True) if example.gives else {}
    fields = {field.name: field for field in example.gives.fields if field.name in expected} if example.gives else {}
    given: Mapping[str, object] = {
        "name": wanted.name,
        "display_name": wanted.display_name,
        "primary_email": wanted.primary,
        "aliases": wanted.aliases,
        "enabled": wanted.enabled,
        "hidden": wanted.profile.get(HIDDEN) == "true",
    }
    pairs = [(name, value, given[name]) for name, value in expected.items() if name in given]
    profile: Mapping[str, str] = expected.get("profile", {})
    pairs += [(f"profile.{name}", value, wanted.profile.get(name, "")) for name, value in profile.items()]
    pairs += [(name, _parsed(field, expected[name]), wanted.given.get(name)) for name, field in fields.items()]
    return [
        (f"{name} is {ours!r}, {theirs!r} is expected", "correct the mapping or the example")
        for name, theirs, ours in pairs
        if theirs != ours and (name != "aliases" or sorted(theirs) != sorted(wanted.aliases))
    ]
