"""What pages ask of the directory: keys of the mapping that no room of the mapping names."""

from typing import Any

import pytest
from pydantic import ValidationError

from syncd.errors import ConfigurationError
from syncd.mapping.examples import run_examples
from syncd.mapping.rules import Rules
from syncd.mapping.settings import MappingSettings, mapping_settings
from syncd.model.given import GivenField
from tests.builders import limits
from tests.unit.mapping.mapping_builders import GROUPS, USERS, desired, person


def _floor(text: str) -> int:
    if not text.isdecimal():
        raise ValueError("is not the number of a floor")
    return int(text)


FLOOR = GivenField(
    thing="desks", name="floor", says="where the desk is", parse=_floor, remedy="give digits, for instance 3"
)
SETTINGS = mapping_settings([FLOOR])


def _rules(**users: Any) -> Rules:  # noqa: ANN401 - anything a mapping may say
    return Rules(SETTINGS.model_validate({"key": "id", "users": USERS | users, "groups": GROUPS}))


@pytest.mark.parametrize("expression", ["level", "{{ level }}"])
def test_a_field_is_given_by_an_attribute_or_a_template(expression: str) -> None:
    """Its text becomes a value; whoever has none is given nothing."""
    found = desired(person("1", level="3"), person("2"), by=_rules(floor=expression))

    assert [dict(wanted.given) for wanted in found.entities.values()] == [{"floor": 3}, {}]
    assert not found.rejections


def test_what_is_no_value_rejects_the_entry_and_says_where_and_what_to_do() -> None:
    """As any other property that can't be used."""
    (rejection,) = desired(person("1", level="up"), by=_rules(floor="level")).rejections

    assert rejection.reason == "floor (mapping.users.floor: level): 'up' is not the number of a floor"
    assert rejection.remedy == "give digits, for instance 3"


def test_whoever_is_disabled_keeps_nobody_by_a_wrong_value() -> None:
    """It is left empty, as with every property of somebody who left."""
    found = desired(person("1", level="up", active="no"), by=_rules(floor="level", enabled="active"))

    assert [dict(wanted.given) for wanted in found.entities.values()] == [{}]
    assert not found.rejections


def test_rules_name_the_thing_of_a_field_only_where_it_is_mapped() -> None:
    """What isn't mapped isn't managed, nor read; what is, is asked of the source."""
    assert _rules().given == frozenset()
    assert _rules(floor="level", hidden=False).given == {"desks", "profile"}
    assert "level" in _rules(floor="level").attributes_used()


def test_a_malformed_template_of_a_field_is_told_with_its_path() -> None:
    """Like those of the properties that all mappings have."""
    with pytest.raises(ConfigurationError) as caught:
        _rules(floor="{{ level")

    assert [problem.where for problem in caught.value.problems] == ["mapping.users.floor"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{{ 'up' }}", "'up' is not the number of a floor"),
        ("{{ 1 // 0 }}", "the template can't be evaluated"),
        ("3", "'3' is taken for the name of an attribute"),
    ],
)
def test_what_can_never_work_for_anybody_is_told_before_anything_is_read(text: str, reason: str) -> None:
    """The same for everyone, and no value; or a value, where the name of an attribute is wanted."""
    with pytest.raises(ConfigurationError) as caught:
        _rules(floor=text)

    assert [problem.where for problem in caught.value.problems] == ["mapping.users.floor"]
    assert reason in caught.value.problems[0].reason


def test_the_same_value_for_everyone_is_written_as_a_template() -> None:
    """With nothing of an entry in it."""
    found = desired(person("1"), by=_rules(floor="{{ 3 }}"))
    assert [dict(wanted.given) for wanted in found.entities.values()] == [{"floor": 3}]


@pytest.mark.parametrize(("gives", "told"), [("3", 0), ("4", 1), ("up", 1)])
def test_an_example_may_promise_a_field(gives: str, told: int) -> None:
    """Compared as values: what is written otherwise and means the same is the same."""
    entry = {"id": "1", "login": "fry", "full": "Fry", "mail": "fry@corp.example", "level": "03"}
    example = {"entry": entry, "gives": {"floor": gives}}
    rules = Rules(SETTINGS.model_validate({"key": "id", "users": USERS | {"floor": "level"}, "tests": [example]}))
    assert len(run_examples(rules, limits())) == told


@pytest.mark.parametrize(("section", "key"), [(SETTINGS, "flor"), (MappingSettings, "floor")])
def test_a_key_that_no_page_asks_for_is_refused(section: type[MappingSettings], key: str) -> None:
    """Fields add keys; they don't let any other one in."""
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        section.model_validate({"key": "id", "users": USERS | {key: "level"}})


def test_without_fields_the_section_is_the_plain_one() -> None:
    """And with fields, the schema says of each what it is."""
    assert mapping_settings([]) is MappingSettings
    users = SETTINGS.model_json_schema()["$defs"]["UserSettings"]["properties"]
    assert users["floor"]["description"] == "where the desk is"
