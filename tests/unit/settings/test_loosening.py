"""Whether a cycle may go on under a new configuration."""

from collections.abc import Mapping
from typing import Any

import pytest

from syncd.model.policy import Section
from syncd.settings import OrganizationSettings
from syncd.settings.loosening import allows_as_much
from tests.builders import ORGANIZATION_ID

USERS = {"name": "login", "display_name": "full_name", "primary_email": "mail"}
PLAIN = {
    "name": "pe",
    "mode": "full",
    "source": {"type": "csv", "users": "people.csv"},
    "workmail": {"organization_id": ORGANIZATION_ID},
}
LOOSER = [
    ({"mode": "upsert"}, {"mode": "full"}),
    ({"adopt": "ask"}, {"adopt": "exact"}),
    ({"protected": ["a@*", "b@*"]}, {"protected": ["b@*"]}),
    ({"only": {"keys": ["user:1"]}}, {"only": {"keys": ["user:1", "user:2"]}}),
    ({"only": {"keys": ["user:1"], "group": "it"}}, {}),
    ({"removal": {"after_cycles": 3}}, {"removal": {"after_cycles": 2}}),
    ({"removal": {"after": "24h"}}, {"removal": {"after": "1h"}}),
    ({"guards": {"removals": {"percent": 5}}}, {"guards": {"removals": {"percent": 6}}}),
    ({"guards": {"removals": {"count": 5}}}, {"guards": {"removals": {"count": 6}}}),
    ({"apply": {"max_operations": 10}}, {"apply": {"max_operations": 20}}),
]
EQUALLY = [
    ({"schedule": {"every": "1h"}}, {"schedule": {"every": "2h"}}),
    ({"verify_within": "24h"}, {"verify_within": "1h"}),
    ({"apply": {"workers": 8}}, {"apply": {"workers": 1}}),
]
DIFFERENT = [
    ({"manage": {"members": "exact"}}, {"manage": {"members": False}}),
    ({"only": {"group": "it"}}, {"only": {"group": "hr"}}),
    ({"removal": {"finish_within": "1h"}}, {"removal": {"finish_within": "2h"}}),
    ({"name": "planetexpress"}, {"name": "another"}),
    ({"mapping": {"key": "employee_id"}}, {"mapping": {"key": "number"}}),
    ({"source": {"type": "csv", "users": "people.csv"}}, {"source": {"type": "csv", "users": "others.csv"}}),
]


def organization(more: Mapping[str, Any]) -> OrganizationSettings:
    """The settings of an organization, and *more*."""
    mapping = {"key": "employee_id", **more.get("mapping", {}), "users": USERS}
    return OrganizationSettings.model_validate({**PLAIN, **more, "mapping": mapping})


@pytest.mark.parametrize(("tight", "loose"), LOOSER)
def test_only_what_is_narrower_ends_a_cycle(tight: Mapping[str, Any], loose: Mapping[str, Any]) -> None:
    """One way the cycle goes on, the other way it doesn't."""
    before, now = organization(tight), organization(loose)

    assert allows_as_much(before, now)
    assert not allows_as_much(now, before)
    assert allows_as_much(now, now)


@pytest.mark.parametrize(("one", "other"), EQUALLY)
def test_when_and_how_fast_end_no_cycle(one: Mapping[str, Any], other: Mapping[str, Any]) -> None:
    """They don't say what may be done."""
    assert allows_as_much(organization(one), organization(other))
    assert allows_as_much(organization(other), organization(one))


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_what_nobody_can_compare_ends_a_cycle(one: Mapping[str, Any], other: Mapping[str, Any]) -> None:
    """A change that isn't provably looser is taken for narrower, both ways."""
    assert not allows_as_much(organization(one), organization(other))
    assert not allows_as_much(organization(other), organization(one))


def test_a_pilot_that_comes_ends_the_cycle_of_everybody() -> None:
    """No pilot is the widest of all."""
    assert not allows_as_much(organization({}), organization({"only": {"keys": ["user:1"]}}))


def test_every_number_of_every_guard_counts() -> None:
    """A guard or a window that is added later is looked at without anybody thinking of it."""
    whole = organization({})
    guards = whole.guards
    for name in type(guards).model_fields:
        limit = getattr(guards, name)
        assert isinstance(limit, Section)
        for part in type(limit).model_fields:
            value = getattr(limit, part)
            if not isinstance(value, int | float):
                continue
            smaller = limit.model_copy(update={part: value - 1})
            tighter = whole.model_copy(update={"guards": guards.model_copy(update={name: smaller})})
            assert not allows_as_much(whole, tighter), (name, part)
