"""What WorkMail accepts, read from its own service model."""

import pytest

from syncd import wire
from syncd.model.limits import TextLimit
from syncd.model.state import PROFILE_FIELDS
from syncd.workmail.limits import workmail_limits

LIMITS = workmail_limits()


@pytest.mark.parametrize(
    ("limit", "good", "bad"),
    [
        (LIMITS.user_name, ["fry", "f.r_y-1", "x" * 64, "fry@corp.example"], ["", "x" * 65, "fry leela", "frý", "a/b"]),
        (LIMITS.group_name, ["The Crew", "é", "x" * 256], ["", "x" * 257, "łódź", "a\tb"]),
        (LIMITS.address, ["a@b.example", "A.b+c%d@x-y.example"], ["", "a", "a@b", "a b@c.example", "ä@b.example"]),
        (LIMITS.address, ["x" * 64 + "@b.example"], ["x" * 65 + "@b.example", "a@" + "b" * 250 + ".example"]),
        (LIMITS.display_name, ["", "王小明", "x" * 256], ["x" * 257]),
    ],
)
def test_each_limit_says_what_is_wrong(limit: TextLimit, good: list[str], bad: list[str]) -> None:
    """What is allowed has no complaint; what isn't has one that a person understands."""
    assert [value for value in good if limit.complaint(value)] == []
    assert [value for value in bad if not limit.complaint(value)] == []


@pytest.mark.parametrize("value", ["fry", "x" * 65, "fry leela", "", "ünï"])
def test_limits_and_wire_agree(value: str) -> None:
    """What the mapping lets through, the service's model lets through, and the other way round."""
    parameters = {"OrganizationId": "m-" + "0" * 32, "Name": value, "DisplayName": "x", "Password": "Tr0ub4dor&3xyz"}
    assert (not LIMITS.user_name.complaint(value)) is (not wire.problems("CreateUser", parameters))


def test_every_profile_field_has_a_limit() -> None:
    """And aliases and reserved names have theirs."""
    assert LIMITS.profile.keys() == set(PROFILE_FIELDS)
    assert LIMITS.aliases == 100
    assert "administrator" in LIMITS.reserved_names
