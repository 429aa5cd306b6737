"""The mapping section: what it may say, and what is said when it doesn't."""

from typing import Any

import pytest

from syncd.errors import ConfigurationError
from syncd.mapping.examples import run_examples
from syncd.mapping.rules import Rules
from syncd.mapping.settings import MappingSettings
from syncd.model.names import Kind
from tests.builders import member
from tests.unit.mapping.mapping_builders import GROUPS, LIMITS, USERS, rules


def problems_of(**mapping: Any) -> list[str]:  # noqa: ANN401 - anything a mapping may say
    with pytest.raises(ConfigurationError) as caught:
        Rules(MappingSettings.model_validate({"key": "id", "users": USERS, "groups": GROUPS, **mapping}))
    assert caught.value.exit_code == 78
    return [str(problem) for problem in caught.value.problems]


def test_every_malformed_template_is_told_with_its_path() -> None:
    """All of them at once, each by the path of its setting."""
    users = USERS | {"name": "{{ login", "primary_email": "{{ login }}}} {% if %}", "profile": {"city": "a } {{"}}

    told = problems_of(users=users, groups=GROUPS | {"name": "{{ a | nosuchfilter }}"})

    assert [text.split(": ")[0] for text in told] == [
        "mapping.users.profile.city",
        "mapping.users.name",
        "mapping.users.primary_email",
        "mapping.groups.name",
    ]


@pytest.mark.parametrize(
    ("mapping", "where"),
    [
        ({"key": "{{ login }}"}, "mapping.key"),
        ({"groups": GROUPS | {"key": "{{ name }}"}}, "mapping.groups.key"),
        ({"groups": GROUPS | {"members": {"from": "{{ m }}", "by": "id"}}}, "mapping.groups.members.from"),
        ({"groups": GROUPS | {"members": {"from": "m", "by": "{{ id }}"}}}, "mapping.groups.members.by"),
    ],
)
def test_a_key_is_an_attribute(mapping: dict[str, Any], where: str) -> None:
    """Identity is read, never computed: a template there is a problem."""
    (told,) = problems_of(**mapping)

    assert told.startswith(f"{where}: ")
    assert "is a template, but an attribute name is needed" in told


def test_what_is_used_is_known() -> None:
    """Attributes are found in bare words and templates, by name and through `entry`."""
    by = rules(
        {"name": "{{ login | lower }}", "display_name": "{{ entry['Full Name'] }}", "enabled": "{{ status == 'a' }}"},
        {"primary_email": "{% if mail %}{{ mail }}{% else %}{{ alias }}{% endif %}"},
    )

    assert by.needs[Kind.USER].all == {"id", "login", "Full Name", "status", "mail", "other"}
    assert by.needs[Kind.GROUP].all == {"gid", "name", "mail", "alias", "member"}
    assert by.attributes_used() == by.needs[Kind.USER].all | by.needs[Kind.GROUP].all
    assert by.needs[Kind.GROUP].references == (member("member", by="id"),)


def test_a_name_set_within_a_template_is_no_attribute() -> None:
    """Loops and assignments name things of their own."""
    by = rules({"aliases": "{% set x = login %}{% for m in other %}{{ x }}{{ m }};{% endfor %}"})

    aliases = by.entities[Kind.USER].aliases
    assert aliases is not None
    assert aliases.attributes == {"login", "other"}


def test_what_is_managed_is_known() -> None:
    """Whether anybody's personal attributes or visibility come from the directory decides what must be read."""
    assert rules().given == frozenset()
    assert rules({"profile": {"city": "city"}}).given == {"profile"}
    assert rules({"hidden": False}).given == {"profile"}
    assert rules(groups={"hidden": "secret"}).given == {"profile"}


def test_a_mapping_may_have_no_groups() -> None:
    """Then nothing is needed of groups, and none is mapped."""
    by = Rules(MappingSettings.model_validate({"key": "id", "users": USERS}))

    assert set(by.entities) == set(by.needs) == {Kind.USER}
    assert by.attributes_used() == {"id", "login", "full", "mail", "other"}


def examples(*tests: dict[str, Any], **mapping: Any) -> list[str]:  # noqa: ANN401 - anything a mapping may say
    by = Rules(
        MappingSettings.model_validate({"key": "id", "users": USERS, "groups": GROUPS, "tests": tests, **mapping})
    )
    return [str(problem) for problem in run_examples(by, LIMITS)]


ADA = {"id": "1", "login": "ada", "full": "Ada", "mail": "ada@corp.example", "other": ["b@x.example", "a@x.example"]}


def test_examples_that_hold_say_nothing() -> None:
    """Only what an example says is compared; aliases in any order."""
    users = USERS | {"profile": {"city": "city"}, "hidden": "{{ login == 'ada' }}"}
    gives = {
        "name": "ada",
        "display_name": "Ada",
        "primary_email": "ada@corp.example",
        "aliases": ["a@x.example", "b@x.example"],
        "enabled": True,
        "hidden": True,
        "profile": {"city": ""},
    }

    assert examples({"entry": ADA, "gives": gives}, {"entry": {"id": "1"}, "rejected": "LOGIN"}, users=users) == []
    group_entry = {"gid": "g1", "name": "crew", "mail": "crew@corp.example"}
    assert examples({"kind": "group", "entry": group_entry, "gives": {"name": "crew"}}) == []


@pytest.mark.parametrize(
    ("example", "problem"),
    [
        ({"entry": ADA, "gives": {"name": "bob"}}, "name is 'ada', 'bob' is expected"),
        ({"entry": ADA, "gives": {"aliases": []}}, "aliases is ('b@x.example', 'a@x.example'), () is expected"),
        ({"entry": ADA, "gives": {"profile": {"city": "x"}}}, "profile.city is '', 'x' is expected"),
        ({"entry": ADA, "rejected": "mail"}, "the entry is not rejected, though 'mail' is expected"),
        ({"entry": {"id": "1"}, "rejected": "zebra"}, "the entry is rejected, for 'zebra', but because name ("),
        ({"entry": {"id": "1"}, "gives": {}}, "the entry is rejected, but because name ("),
        ({"entry": ADA}, "it says neither or both of `gives` and `rejected`"),
        ({"entry": ADA, "gives": {}, "rejected": "x"}, "it says neither or both of `gives` and `rejected`"),
        ({"kind": "group", "entry": {"gid": "g1", "name": "x"}, "gives": {}}, "the group has no address"),
    ],
)
def test_an_example_that_fails_says_how(example: dict[str, Any], problem: str) -> None:
    """What the mapping gives and what was promised, with the place of the example."""
    (told,) = examples(example)

    assert told.startswith("mapping.tests[0]: ")
    assert problem in told


def test_an_example_of_a_group_needs_groups() -> None:
    """A mapping without groups gives none."""
    (told,) = examples({"kind": "group", "entry": {"gid": "g1"}, "gives": {}}, groups=None)

    assert "the mapping has no groups" in told
