from collections.abc import Mapping

import pytest

from syncd import wire
from tests.fakes.steps import steps

ORGANIZATION = "m-" + "0" * 32


def create_user(**changed: object) -> dict[str, object]:
    params = {"OrganizationId": ORGANIZATION, "Name": "fry", "DisplayName": "Philip J. Fry", **changed}
    return {name: value for name, value in params.items() if value is not ...}


def reasons(operation: str, params: Mapping[str, object]) -> dict[str, str]:
    return {problem.path: problem.reason for problem in wire.problems(operation, params)}


def test_valid_call_has_no_problem() -> None:
    """A call within all limits has no problem."""
    assert wire.problems("CreateUser", create_user(Password="Good-news-3", Role="USER")) == ()


@pytest.mark.parametrize(
    ("changed", "path", "reason"),
    [
        ({"Name": ...}, "Name", "is required"),
        ({"Nmae": "fry"}, "Nmae", "is not a member of this call"),
        ({"Name": 7}, "Name", "must be a string, not int"),
        ({"Name": None}, "Name", "must be a string, not NoneType"),
        ({"Name": "x" * 65}, "Name", "must have at most 64 characters, has 65"),
        ({"OrganizationId": "m-0"}, "OrganizationId", "must have at least 34 characters, has 3"),
        ({"Role": "KING"}, "Role", "must be one of USER, RESOURCE, SYSTEM_USER, REMOTE_USER, got 'KING'"),
        ({"HiddenFromGlobalAddressList": 1}, "HiddenFromGlobalAddressList", "must be true or false, not int"),
    ],
)
def test_each_kind_of_problem_is_found(changed: dict[str, object], path: str, reason: str) -> None:
    """Required, unknown, type, minimum, maximum and enumeration are each told with the member's name."""
    assert reasons("CreateUser", create_user(**changed))[path] == reason


@pytest.mark.parametrize("name", ["ok name!", "frý", "fry\n", "@x.example", "fry@x"])
def test_pattern_is_matched_whole_and_in_ascii(name: str) -> None:
    """A name that only begins as the pattern says, or has letters beyond ASCII, breaks it."""
    assert reasons("CreateUser", create_user(Name=name))["Name"].startswith("must match ")


@pytest.mark.parametrize("name", ["fry", "p.j-fry_2", "fry@planetexpress.example"])
def test_names_of_the_pattern_pass(name: str) -> None:
    """Word characters, dots and dashes, with or without a domain, are a user name."""
    assert wire.problems("CreateUser", create_user(Name=name)) == ()


@pytest.mark.parametrize(("name", "valid"), [("Crew ÿ", True), ("Crew Ā", False), ("Crew\t", False)])
def test_code_point_escapes_of_patterns(name: str, valid: bool) -> None:
    """A group name ends at U+00FF and begins at U+0020."""
    found = wire.problems("CreateGroup", {"OrganizationId": ORGANIZATION, "Name": name})
    assert (found == ()) is valid


@pytest.mark.parametrize(("results", "valid"), [(0, False), (1, True), (100, True), (101, False), (True, False)])
def test_numbers_have_bounds(results: object, valid: bool) -> None:
    """MaxResults is an integer from 1 to 100, which botocore itself doesn't check at the upper end."""
    found = wire.problems("ListUsers", {"OrganizationId": ORGANIZATION, "MaxResults": results})
    assert (found == ()) is valid


def test_nested_members_and_items_have_paths() -> None:
    """A problem inside an object or a list is told with the way to it."""
    filters = {"State": "GONE", "Colour": "red"}
    listed = reasons("ListUsers", {"OrganizationId": ORGANIZATION, "Filters": filters})
    assert set(listed) == {"Filters.State", "Filters.Colour"}
    domains = [{"DomainName": "px.example"}, {"DomainName": "!"}, {}]
    created = wire.problems("CreateOrganization", {"Alias": "px", "Domains": domains})
    assert {problem.path for problem in created} == {"Domains[1].DomainName", "Domains[2].DomainName"}


def test_lists_have_a_greatest_length() -> None:
    """Six domains are one too many for CreateOrganization."""
    domains = [{"DomainName": f"d{number}.example"} for number in range(6)]
    found = reasons("CreateOrganization", {"Alias": "px", "Domains": domains})
    assert found == {"Domains": "must have at most 5 items, has 6"}


@pytest.mark.parametrize(("value", "kind"), [("x", "an object"), (["x"], "an object")])
def test_wrong_container_is_told(value: object, kind: str) -> None:
    """A text or a list where an object belongs is a wrong type, not a crash."""
    found = reasons("ListUsers", {"OrganizationId": ORGANIZATION, "Filters": value})
    assert found["Filters"].startswith(f"must be {kind}, not ")


def test_text_is_no_list() -> None:
    """A bare text where a list belongs is refused, not read letter by letter."""
    params = {
        "OrganizationId": ORGANIZATION,
        "EntityId": "a",
        "GranteeId": "b",
        "PermissionValues": "SEND_AS",
    }
    assert reasons("PutMailboxPermissions", params) == {"PermissionValues": "must be a list, not str"}


def test_sensitive_values_are_not_quoted() -> None:
    """What is wrong with a password is told without the password."""
    secret = "hunter2-\u4e2d"
    found = reasons("CreateUser", create_user(Password=secret))
    assert "must match" in found["Password"]
    assert secret not in str(found)


def test_check_lists_every_problem() -> None:
    """An invalid call raises one error with all its problems."""
    with pytest.raises(wire.InvalidCall) as raised:
        wire.check("CreateUser", {"Name": "no good", "Role": "KING"})
    assert {problem.path for problem in raised.value.problems} == {
        "OrganizationId",
        "DisplayName",
        "Name",
        "Role",
    }
    assert str(raised.value).startswith("CreateUser: ")


def test_check_passes_a_valid_call() -> None:
    """A valid call raises nothing."""
    wire.check("CreateUser", create_user())


def test_unknown_operation_is_a_key_error() -> None:
    """An operation that the service does not have is a mistake of the caller."""
    with pytest.raises(KeyError, match="MakeCoffee"):
        wire.problems("MakeCoffee", {})


def test_every_operation_compiles() -> None:
    """All operations of the service model can be checked, inputs and outputs."""
    names = wire.operation_names()
    assert len(names) >= 92
    for name in names:
        wire.problems(name, {})
        wire.output_problems(name, {})
        assert "Tags" not in wire.sensitive_members(name)


def test_outputs_are_checked_with_their_times() -> None:
    """A response may carry epoch seconds; a member that the model lacks is a problem."""
    answer = {"UserId": "x" * 12, "EnabledDate": 1.5, "Nickname": "Phil"}
    assert [problem.path for problem in wire.output_problems("DescribeUser", answer)] == ["Nickname"]
    assert wire.output_problems("DescribeUser", {"EnabledDate": "today"})[0].path == "EnabledDate"


def test_void_operations_answer_nothing() -> None:
    """A response to a void operation has no members."""
    assert wire.output_problems("DeleteUser", {}) == ()
    assert wire.output_problems("DeleteUser", {"UserId": "x" * 12}) != ()


def test_sensitive_members_are_named_through_structures() -> None:
    """The password and personal attributes are sensitive, and so is a filter that holds one."""
    assert wire.sensitive_members("CreateUser") == {"Password", "DisplayName", "FirstName", "LastName"}
    assert wire.sensitive_members("ListUsers") == {"Filters"}
    assert wire.sensitive_members("DescribeUser") == frozenset()


def test_constraints_of_shapes() -> None:
    """A shape's limits can be read, so that others need not repeat them."""
    name = wire.constraint("UserName")
    assert (name.min, name.max) == (1, 64)
    assert name.pattern is not None
    assert wire.constraint("UserAttribute") == wire.Constraint(min=None, max=256, pattern=None)
    with pytest.raises(KeyError, match="Nonesuch"):
        wire.constraint("Nonesuch")


def test_declared_errors_are_those_of_the_model() -> None:
    """A deletion declares a wrong state, and no missing entity."""
    declared = wire.declared_errors("DeleteUser")
    assert "EntityStateException" in declared
    assert "EntityNotFoundException" not in declared


def test_a_check_is_compiled_once() -> None:
    """Once compiled, a check of a user takes fewer than a thousand steps of the interpreter."""
    params = create_user()
    wire.problems("CreateUser", params)
    taken = steps(lambda: wire.problems("CreateUser", params))
    assert 0 < taken < 1_000
