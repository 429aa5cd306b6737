"""boto3, the client that syncd uses, can't tell the emulator from WorkMail: protocol, errors, faults."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import boto3
import pytest
from botocore import UNSIGNED, xform_name
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from syncd.emulator import Emulator
from syncd.emulator.faults import ErrorAnswer, Fault, Moment, Throttle
from syncd.emulator.server import EmulatorServer
from syncd.errors import CallError
from syncd.workmail.client import BotoCaller, date_of
from syncd.workmail.settings import WorkmailSettings
from tests.builders import ORGANIZATION_ID
from tests.directory_life import DOMAIN, OPERATIONS, Output, ServiceRefused, live
from tests.fakes.clock import FakeClock

if TYPE_CHECKING:
    from mypy_boto3_workmail import WorkMailClient

KEY, SECRET = "AKIAEXAMPLE", "a-secret-for-tests"
ONCE = Config(retries={"total_max_attempts": 1})
IMPATIENT = ONCE.merge(Config(read_timeout=0.2))
BY_DEFAULT = Config()
PAGED = [
    ("list_users", "Users"),
    ("list_groups", "Groups"),
    ("list_resources", "Resources"),
    ("list_group_members", "Members"),
    ("list_aliases", "Aliases"),
    ("list_resource_delegates", "Delegates"),
    ("list_mailbox_permissions", "Permissions"),
]

Connect = Callable[..., "WorkMailClient"]


@pytest.fixture(scope="module")
def running() -> Iterator[EmulatorServer]:
    """One server for all tests here; each has an organization of its own."""
    with EmulatorServer(Emulator()) as server:
        yield server


@pytest.fixture
def server(running: EmulatorServer) -> EmulatorServer:
    running.service.set_rules(())
    running.log.reset()
    return running


@pytest.fixture
def organization_id(server: EmulatorServer) -> str:
    server.emulator.load(Emulator().snapshot())
    return server.emulator.create_organization(alias="planetexpress", domains=(DOMAIN,))


@pytest.fixture
def connect(server: EmulatorServer) -> Iterator[Connect]:
    """Make clients of the server, with a configuration and credentials."""
    clients: list[WorkMailClient] = []

    def connected(
        config: Config = ONCE,
        *,
        to: EmulatorServer = server,
        key: str = KEY,
        secret: str = SECRET,
        token: str | None = None,
    ) -> "WorkMailClient":
        client = boto3.session.Session().client(
            "workmail",
            region_name="eu-west-1",
            endpoint_url=to.endpoint_url,
            config=config,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            aws_session_token=token,
        )
        clients.append(client)
        return client

    yield connected
    for client in clients:
        client.close()


@pytest.fixture
def client(connect: Connect) -> "WorkMailClient":
    return connect()


def create(client: "WorkMailClient", organization_id: str, name: str = "fry") -> str:
    created = client.create_user(OrganizationId=organization_id, Name=name, DisplayName=name.title())
    return created["UserId"]


def names(server: EmulatorServer, organization_id: str) -> set[str]:
    """Name the people there are, whatever faults are in force; the service's own user is none."""
    listed: Any = server.emulator.call("ListUsers", {"OrganizationId": organization_id})["Users"]
    return {user["Name"] for user in listed if user["UserRole"] == "USER"}


def code_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    return error.value.response["Error"]["Code"]


def test_boto3_lives_a_directory_life(client: "WorkMailClient", server: EmulatorServer, organization_id: str) -> None:
    """Every operation of A.1 to A.5 works from boto3, and each error arrives as its modelled class."""

    def call(operation: str, **params: object) -> Output:
        try:
            output: dict[str, Any] = getattr(client, xform_name(operation))(**params)
        except ClientError as error:
            raise ServiceRefused(type(error).__name__) from error
        del output["ResponseMetadata"]
        return output

    assert live(call, organization_id) == OPERATIONS
    assert set(server.log.counters()) == OPERATIONS


def test_an_error_says_what_and_carries_a_request_id(client: "WorkMailClient", organization_id: str) -> None:
    """A modelled error has the service's code and sentence, status 400 and a request id."""
    with pytest.raises(client.exceptions.EntityNotFoundException) as error:
        client.describe_user(OrganizationId=organization_id, UserId="nobody")

    answer = error.value.response
    assert "nobody" in answer["Error"]["Message"]
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert UUID(answer["ResponseMetadata"]["RequestId"]).version == 4


def test_times_are_datetimes(client: "WorkMailClient", organization_id: str) -> None:
    """A time arrives as a datetime with a zone and milliseconds."""
    user = create(client, organization_id)
    client.register_to_work_mail(OrganizationId=organization_id, EntityId=user, Email=f"fry@{DOMAIN}")

    enabled = client.describe_user(OrganizationId=organization_id, UserId=user)["EnabledDate"]

    assert isinstance(enabled, datetime)
    assert enabled.utcoffset() is not None
    assert enabled.microsecond % 1000 == 0


@pytest.mark.parametrize("switches", [{}, {"empty_pages": True}, {"short_pages": True}, {"shuffle": True}])
def test_paginators_collect_all(
    connect: Connect, server: EmulatorServer, organization_id: str, switches: dict[str, bool]
) -> None:
    """A paginator finds each user once, with pages that are empty, short or in any order."""
    client = connect()
    wanted = {f"user{number}" for number in range(7)}
    for name in wanted:
        create(client, organization_id, name)
    server.service.set_rules([Fault(switches=switches)])

    pages = client.get_paginator("list_users").paginate(
        OrganizationId=organization_id, PaginationConfig={"PageSize": 3}
    )

    people = [user["Name"] for page in pages for user in page["Users"] if user["UserRole"] == "USER"]
    assert sorted(people) == sorted(wanted)


@pytest.mark.parametrize(("operation", "member"), PAGED)
def test_each_paginator_ends(client: "WorkMailClient", organization_id: str, operation: str, member: str) -> None:
    """Each paginator of 2018 walks pages of one to their end."""
    call: Any = {"OrganizationId": organization_id}
    fry, leela = create(client, organization_id, "fry"), create(client, organization_id, "leela")
    crew = client.create_group(**call, Name="crew")["GroupId"]
    ship = client.create_resource(**call, Name="ship", Type="EQUIPMENT")["ResourceId"]
    for entity, name in ((fry, "fry"), (leela, "leela"), (crew, "crew"), (ship, "ship")):
        client.register_to_work_mail(**call, EntityId=entity, Email=f"{name}@{DOMAIN}")
    client.create_alias(**call, EntityId=fry, Alias=f"philip@{DOMAIN}")
    for person in (fry, leela):
        client.associate_member_to_group(**call, GroupId=crew, MemberId=person)
        client.associate_delegate_to_resource(**call, ResourceId=ship, EntityId=person)
    client.put_mailbox_permissions(**call, EntityId=fry, GranteeId=leela, PermissionValues=["SEND_AS"])
    target = {"Members": {"GroupId": crew}, "Delegates": {"ResourceId": ship}}.get(member, {"EntityId": fry})
    params = {**call, **(target if member not in {"Users", "Groups", "Resources"} else {})}

    # The stubs know paginators by literal names only.
    paginator: Any = client.get_paginator
    pages: list[Any] = list(paginator(operation).paginate(**params, PaginationConfig={"PageSize": 1}))

    # The service's own user is listed too.
    expected = {"Users": 3, "Members": 2, "Aliases": 2, "Delegates": 2}.get(member, 1)
    assert [len(page[member]) for page in pages] == [1] * expected


def test_organizations_are_paged(client: "WorkMailClient", server: EmulatorServer, organization_id: str) -> None:
    """ListOrganizations, which names no organization, pages over all of them."""
    other = server.emulator.create_organization(alias="momcorp")

    pages = client.get_paginator("list_organizations").paginate(PaginationConfig={"PageSize": 1})

    found = [summary["OrganizationId"] for page in pages for summary in page["OrganizationSummaries"]]
    assert sorted(found) == sorted([organization_id, other])


def test_what_boto3_does_not_check_the_service_refuses(client: "WorkMailClient", organization_id: str) -> None:
    """A maximum, which botocore lets through, is refused by the service."""
    with pytest.raises(client.exceptions.InvalidParameterException):
        client.list_users(OrganizationId=organization_id, MaxResults=500)


def test_throttling_reaches_a_client_that_does_not_retry(
    client: "WorkMailClient", server: EmulatorServer, organization_id: str
) -> None:
    """Above the hidden rate a call gets the throttling code, with the time to wait as a header."""
    server.service.set_rules([Fault(throttle=Throttle(rate=0.001, burst=2, retry_after_ms=1500))])
    for _ in range(2):
        client.list_users(OrganizationId=organization_id)

    with pytest.raises(ClientError) as error:
        client.list_users(OrganizationId=organization_id)

    assert code_of(error) == "ThrottlingException"
    headers = error.value.response["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-amz-retry-after"] == "1500"


def test_boto3_by_default_repeats_a_server_fault(
    connect: Connect, server: EmulatorServer, organization_id: str
) -> None:
    """A client as boto3 makes it repeats a call that got a 5xx, and the emulator saw both."""
    server.service.set_rules([Fault(error=ErrorAnswer(code="ServiceUnavailable", status=503), times=1)])

    connect(BY_DEFAULT).list_users(OrganizationId=organization_id)

    assert server.log.counters() == {"ListUsers": {"ServiceUnavailable": 1, "ok": 1}}


def test_boto3_by_default_repeats_a_throttled_call(
    connect: Connect, server: EmulatorServer, organization_id: str
) -> None:
    """A client as boto3 makes it waits and repeats a throttled call."""
    server.service.set_rules([Fault(throttle=Throttle(rate=1000, burst=1), times=1)])
    client = connect(BY_DEFAULT)

    for _ in range(2):
        client.list_users(OrganizationId=organization_id)

    assert server.log.counters()["ListUsers"]["ok"] == 2


@pytest.mark.parametrize(("moment", "made"), [("before", set()), ("after", {"fry"})])
def test_no_answer_before_or_after_the_effect(
    connect: Connect, server: EmulatorServer, organization_id: str, moment: Moment, made: set[str]
) -> None:
    """A client that waits in vain times out; whether the user was made depends on the moment."""
    server.service.set_rules([Fault(operation="CreateUser", timeout=moment)])

    with pytest.raises(ReadTimeoutError):
        create(connect(IMPATIENT), organization_id)

    assert names(server, organization_id) == made


@pytest.mark.parametrize(("moment", "made"), [("before", set()), ("after", {"fry"})])
def test_the_connection_breaks_before_or_after_the_effect(
    connect: Connect, server: EmulatorServer, organization_id: str, moment: Moment, made: set[str]
) -> None:
    """A dropped connection is a connection error of the client, not an answer."""
    server.service.set_rules([Fault(operation="CreateUser", drop=moment)])

    with pytest.raises(ConnectionClosedError):
        create(connect(), organization_id)

    assert names(server, organization_id) == made


def test_a_repeated_creation_finds_its_own_name(connect: Connect, server: EmulatorServer, organization_id: str) -> None:
    """boto3 repeats a creation whose answer was lost, and hears that the name is in use (`workmail.md` D)."""
    server.service.set_rules([Fault(operation="CreateUser", drop="after", times=1)])
    client = connect(BY_DEFAULT)

    with pytest.raises(client.exceptions.NameAvailabilityException):
        create(client, organization_id)


def test_after_a_fault_the_client_goes_on(connect: Connect, server: EmulatorServer, organization_id: str) -> None:
    """Neither a broken connection nor a silent one spoils the next call of the same client."""
    server.service.set_rules(
        [
            Fault(operation="ListUsers", drop="before", nth=1),
            Fault(operation="ListUsers", timeout="after", nth=1),
        ]
    )
    client = connect(IMPATIENT)
    with pytest.raises(ConnectionClosedError):
        client.list_users(OrganizationId=organization_id)
    with pytest.raises(ReadTimeoutError):
        client.list_users(OrganizationId=organization_id)

    assert client.list_users(OrganizationId=organization_id)["Users"][0]["UserRole"] == "SYSTEM_USER"


def test_slow_answers_take_their_time(connect: Connect, server: EmulatorServer, organization_id: str) -> None:
    """A slow answer comes as late as its rule says, and nothing else does."""
    server.service.set_rules([Fault(operation="ListGroups", delay_s=0.25)])
    client = connect()
    client.list_users(OrganizationId=organization_id)
    started = time.monotonic()

    client.list_groups(OrganizationId=organization_id)

    assert time.monotonic() - started >= 0.25


@pytest.mark.parametrize("code", ["AccessDeniedException", "ExpiredTokenException", "UnrecognizedClientException"])
def test_rights_and_credentials_fail_by_rule(
    client: "WorkMailClient", server: EmulatorServer, organization_id: str, code: str
) -> None:
    """An operation can be denied while others work."""
    server.service.set_rules([Fault(operation="CreateUser", error=ErrorAnswer(code=code))])
    client.list_users(OrganizationId=organization_id)

    with pytest.raises(ClientError) as error:
        create(client, organization_id)

    assert code_of(error) == code


def test_an_unsigned_call_is_refused(connect: Connect, organization_id: str) -> None:
    """Without a signature nobody is served, as WorkMail knows no public calls."""
    with pytest.raises(ClientError) as error:
        connect(ONCE.merge(Config(signature_version=UNSIGNED))).list_users(OrganizationId=organization_id)

    assert code_of(error) == "MissingAuthenticationToken"


def test_signatures_are_verified_on_demand(connect: Connect) -> None:
    """The right secret is let in, also with a session token; a wrong one and a foreign key are not."""
    with EmulatorServer(Emulator(), credentials={KEY: SECRET}) as strict:
        assert connect(to=strict).list_organizations()["OrganizationSummaries"] == []
        session = connect(to=strict, token="of/a+session==")
        assert session.list_organizations()["OrganizationSummaries"] == []
        with pytest.raises(ClientError) as wrong:
            connect(to=strict, secret="wrong").list_organizations()
        with pytest.raises(ClientError) as foreign:
            connect(to=strict, key="AKIAFOREIGN").list_organizations()

    assert code_of(wrong) == "InvalidSignatureException"
    assert code_of(foreign) == "UnrecognizedClientException"


def test_an_organization_made_by_the_api_can_be_used(client: "WorkMailClient", server: EmulatorServer) -> None:
    """CreateOrganization, with the token that boto3 fills in, leads to an Active organization."""
    server.service.set_rules([Fault(switches={"organization_s": 0.0})])

    made = client.create_organization(Alias="slurm")["OrganizationId"]

    assert client.describe_organization(OrganizationId=made)["State"] == "Active"


def test_every_answer_has_a_date() -> None:
    """By the emulator's own clock, errors included: syncd counts time by it."""
    clock = FakeClock()
    with EmulatorServer(Emulator(clock=clock.timestamp)) as server:
        settings = WorkmailSettings(
            organization_id=ORGANIZATION_ID, region="eu-west-1", endpoint_url=server.endpoint_url
        )
        heard: list[str] = []
        call = BotoCaller(settings, connections=1, heard=heard.append)
        server.emulator.create_organization(alias="planetexpress", organization_id=ORGANIZATION_ID)
        answer = call("ListUsers", {"OrganizationId": ORGANIZATION_ID})
        assert date_of(answer) == clock.now()
        clock.advance(days=400)
        with pytest.raises(CallError):
            call("DescribeUser", {"OrganizationId": ORGANIZATION_ID, "UserId": "nobody"})
        assert parsedate_to_datetime(heard[-1]) == clock.now()
