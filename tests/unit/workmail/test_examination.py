"""What doctor says of AWS, over a caller that answers as a test says."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from syncd.emulator import Emulator
from syncd.errors import CallError, ConfigurationError, OutcomeUnknown, Throttled, TransientCallError
from syncd.model.check import Check, Health
from syncd.model.page import Right
from syncd.workmail.client import Caller, Heard
from syncd.workmail.examination import READS, Service, examine
from syncd.workmail.failures import call_error
from syncd.workmail.permissions import PERMISSIONS
from syncd.workmail.settings import WorkmailSettings
from tests.builders import ORGANIZATION_ID
from tests.fakes.clock import FakeClock
from tests.fakes.service import PlainCaller

ARN = "arn:aws:sts::123456789012:assumed-role/syncd/i-0123456789abcdef0"


@dataclass(kw_only=True)
class Aws:
    """An emulator and an STS; *errors* are what an operation answers instead, as often as they are listed."""

    errors: dict[str, list[CallError]] = field(default_factory=dict)
    changes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    arn: str = ARN
    provider: str | None = "iam-role"
    ahead: timedelta = timedelta(0)
    people: bool = True
    region: str = "eu-west-1"
    asked: list[str] = field(default_factory=list)
    clock: FakeClock = field(default_factory=FakeClock)

    def checks(self) -> list[Check]:
        emulator = Emulator()
        emulator.create_organization(alias="planetexpress", organization_id=ORGANIZATION_ID)
        if self.people:
            parameters = {"OrganizationId": ORGANIZATION_ID, "Name": "fry", "DisplayName": "Fry"}
            emulator.call("CreateUser", {**parameters, "Password": "Rosebud-1"})
        plain = PlainCaller(emulator)

        def make(service: Service, heard: Heard) -> Caller:
            def call(operation: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
                self.asked.append(operation)
                heard(format_datetime(self.clock.now() - self.ahead, usegmt=True))
                if self.errors.get(operation):
                    raise self.errors[operation].pop(0)
                if service == "sts":
                    return {"Arn": self.arn, "Account": "123456789012"}
                return {**plain(operation, parameters), **self.changes.get(operation, {})}

            return call

        settings = WorkmailSettings(organization_id=ORGANIZATION_ID, region=self.region)
        checks = list(examine(settings, make, lambda: self.provider, self.clock))
        assert all(check.remedy for check in checks if check.health is not Health.OK)
        return checks

    def found(self) -> dict[str, Check]:
        return {check.topic: check for check in self.checks()}


def denied(operation: str) -> CallError:
    return call_error(operation, "AccessDeniedException", f"not authorized to perform: workmail:{operation}")


def test_all_is_well() -> None:
    """Region, credentials, identity, organization, rights and clock, each in one line."""
    checks = Aws().checks()

    assert {check.topic: check.found for check in checks} == {
        "region": "eu-west-1",
        "credentials": "from the instance's role",
        "identity": f"{ARN} (account 123456789012)",
        "organization": (f"planetexpress ({ORGANIZATION_ID}) is Active, default domain planetexpress.awsapps.com"),
        "rights": "all 11 kinds of read are allowed; writing is not tried",
        "clock": "within 1 s of AWS",
    }
    assert {check.health for check in checks} == {Health.OK}


@pytest.mark.parametrize("people", [True, False])
def test_each_read_is_tried_once(people: bool) -> None:
    """Read calls only, each once, whether or not there is somebody to ask about."""
    aws = Aws(people=people)
    aws.checks()

    assert aws.asked == ["GetCallerIdentity", "DescribeOrganization", *READS]
    assert all(operation.startswith(("Describe", "Get", "List")) for operation in aws.asked)


def test_what_is_tried_is_what_the_policy_allows() -> None:
    """The policy that a remedy names holds exactly the reads that are tried."""
    allowed = {operation for operation, purpose in PERMISSIONS.items() if purpose is Right.READ}

    assert allowed == {"DescribeOrganization", *READS}


@pytest.mark.parametrize("operation", READS)
def test_a_missing_right_is_named(operation: str) -> None:
    """Exit code 77, the operation, and the command that prints the policy."""
    checks = Aws(errors={operation: [denied(operation)]}).checks()

    (missing,) = [check for check in checks if check.topic == "rights"]
    assert (missing.health, missing.exit_code) == (Health.FAIL, 77)
    assert missing.found.startswith(f"{operation} is not allowed: ")
    assert f"allow workmail:{operation} to syncd's role" in missing.remedy
    assert "syncd iam-policy --mode read-only" in missing.remedy


def test_without_the_first_right_the_others_are_tried_too() -> None:
    """One missing right doesn't hide the next."""
    names = ("DescribeOrganization", "ListAliases", "ListGroups")
    checks = Aws(errors={name: [denied(name)] for name in names}).checks()

    assert [check.topic for check in checks if check.exit_code] == ["organization", "rights", "rights"]


def not_found() -> CallError:
    return call_error("DescribeOrganization", "OrganizationNotFoundException", "not found")


def test_an_organization_that_is_not_there_fails() -> None:
    """Exit code 78; rights can't be tried, and that is said."""
    found = Aws(errors={"DescribeOrganization": [not_found()]}).found()

    assert (found["organization"].exit_code, found["rights"].health) == (78, Health.WARN)
    assert "not looked at" in found["rights"].found


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"OrganizationId": "m-ffffffffffffffffffffffffffffffff"}, "another organization answers: m-ffff"),
        ({"State": "Failed", "ErrorMessage": "the directory is gone"}, "is Failed: the directory is gone"),
        ({"State": ""}, "in an unknown state"),
    ],
)
def test_another_organization_fails(change: Mapping[str, str], told: str) -> None:
    """Another id than the configured one, or a state in which nothing can be done: 78."""
    check = Aws(changes={"DescribeOrganization": change}).found()["organization"]

    assert check.exit_code == 78
    assert told in check.found


def test_no_credentials_at_all_fail() -> None:
    """Nobody is asked then; 77."""
    aws = Aws(provider=None)
    found = aws.found()

    assert found["credentials"].exit_code == 77
    assert "identity, organization and rights" in found["rest"].found
    assert aws.asked == []


@pytest.mark.parametrize(
    ("provider", "told"),
    [
        ("env static", "from the environment (AWS_ACCESS_KEY_ID), a long-lived key"),
        ("env", "from the environment (AWS_ACCESS_KEY_ID)"),
        ("shared-credentials-file static", "from the credentials file of this user, a long-lived key"),
        ("container-role", "from the container's role"),
        ("assume-role-with-web-identity", "from a web identity token (IRSA)"),
        ("made-up", "from boto3's provider made-up"),
    ],
)
def test_where_credentials_come_from_is_told(provider: str, told: str) -> None:
    """In words, not what they are."""
    assert Aws(provider=provider).found()["credentials"].found == told


def test_the_agent_of_pod_identity_is_known_by_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """EKS Pod Identity and ECS use the same provider of boto3."""
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials")

    assert Aws(provider="container-role").found()["credentials"].found == "from EKS Pod Identity"


def test_the_root_user_is_told() -> None:
    """It may do anything; syncd needs little."""
    assert Aws(arn="arn:aws:iam::123456789012:root").found()["identity"].health is Health.WARN


def test_sts_out_of_reach_is_no_failure() -> None:
    """No cycle ever asks it; everything else is looked at."""
    error = TransientCallError("GetCallerIdentity", "NoConnection", "Could not connect")
    found = Aws(errors={"GetCallerIdentity": [error]}).found()

    assert found["identity"].health is Health.WARN
    assert found["rights"].health is Health.OK


def test_refused_credentials_fail() -> None:
    """An expired token is told by who was asked first, and by the organization: 77."""
    expired = {
        name: [call_error(name, "ExpiredTokenException", "The security token included in the request is expired")]
        for name in ("GetCallerIdentity", "DescribeOrganization")
    }
    found = Aws(errors=expired).found()

    assert [found[topic].exit_code for topic in ("identity", "organization")] == [77, 77]
    assert "look at the clock below" in found["identity"].remedy
    assert found["clock"].health is Health.OK


def test_an_unreachable_service_fails_once() -> None:
    """69, asked once: silence doesn't end by asking again; no right is tried."""
    aws = Aws(errors={"DescribeOrganization": [TransientCallError("DescribeOrganization", "NoConnection", "no route")]})
    found = aws.found()

    assert found["organization"].exit_code == 69
    assert aws.asked.count("DescribeOrganization") == 1
    assert "ListUsers" not in aws.asked


def test_a_throttle_is_waited_for() -> None:
    """The service says when to come back; then the right is there."""
    throttle = Throttled("ListUsers", "ThrottlingException", "Rate exceeded", retry_after=2)
    aws = Aws(errors={"ListUsers": [throttle, throttle]})

    assert aws.found()["rights"].health is Health.OK
    assert aws.clock.slept == [2, 2]


def test_a_read_without_answer_fails() -> None:
    """69: it is neither allowed nor denied."""
    error = OutcomeUnknown("ListGroups", "NoAnswer", "Read timeout")
    found = Aws(errors={"ListGroups": [error]}).found()

    assert (found["rights"].exit_code, "ListGroups gets no answer" in found["rights"].found) == (69, True)


@pytest.mark.parametrize(("ahead", "code"), [(0, 0), (90, 0), (-90, 0), (400, 77), (-400, 77)])
def test_the_clock_is_compared_with_that_of_aws(ahead: int, code: int) -> None:
    """By the Date of the answers; beyond 5 minutes AWS refuses signatures."""
    check = Aws(ahead=timedelta(seconds=ahead)).found()["clock"]

    assert check.exit_code == code
    assert (check.health is Health.OK) is (ahead == 0)


def test_a_region_without_workmail_is_told() -> None:
    """The three that have it are named."""
    check = Aws(region="eu-central-1").found()["region"]

    assert check.health is Health.WARN
    assert "eu-west-1, us-east-1, us-west-2" in check.remedy


def test_an_unverified_domain_is_told() -> None:
    """No address of it can be given."""
    change = {"GetMailDomain": {"OwnershipVerificationStatus": "PENDING"}}

    assert "planetexpress.awsapps.com is PENDING" in Aws(changes=change).found()["domain"].found


def test_an_endpoint_in_the_environment_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls would go elsewhere without a word in the configuration."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_WORKMAIL", "http://127.0.0.1:1")

    assert "http://127.0.0.1:1" in Aws().found()["endpoint"].found


def test_the_emulator_has_no_identity() -> None:
    """There is no STS to ask, and any credentials will do."""

    def make(service: Service, heard: Heard) -> Caller:
        assert service == "workmail"
        raise ConfigurationError("no such profile", hint="look at workmail.profile")

    def find() -> str | None:
        raise AssertionError("nobody looks for credentials")

    settings = WorkmailSettings(organization_id=ORGANIZATION_ID, endpoint_url="http://127.0.0.1:8625")
    found = {check.topic: check for check in examine(settings, make, find, FakeClock())}

    assert found["identity"].found == "the emulator at http://127.0.0.1:8625, no identity"
    assert found["organization"].exit_code == 78
    assert "rights and clock" in found["rest"].found


def test_a_profile_that_is_not_there_fails() -> None:
    """78, from whoever met it first."""

    def find() -> str | None:
        raise ConfigurationError("the profile is unknown", hint="look at workmail.profile")

    settings = WorkmailSettings(organization_id=ORGANIZATION_ID)
    make: Callable[[Service, Heard], Caller] = lambda *_: PlainCaller(Emulator())  # noqa: E731 - it is never called
    found = {check.topic: check for check in examine(settings, make, find, FakeClock())}

    assert found["credentials"].exit_code == 78
