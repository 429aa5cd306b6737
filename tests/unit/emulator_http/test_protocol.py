import json
import socket
from collections.abc import Mapping
from uuid import UUID

import httpx
import pytest

from syncd.emulator import Emulator
from syncd.emulator.faults import ErrorAnswer, Fault
from syncd.emulator.server import EmulatorServer

SIGNED = (
    "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20260101/eu-west-1/workmail/aws4_request, "
    "SignedHeaders=host;x-amz-date;x-amz-target, Signature=0123456789abcdef"
)


def post(http: httpx.Client, operation: str, body: object = None, **headers: str) -> httpx.Response:
    sent = {
        "authorization": SIGNED,
        "content-type": "application/x-amz-json-1.1",
        "x-amz-target": f"WorkMailService.{operation}",
    }
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    content = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
    return http.post("/", content=content, headers={name: value for name, value in sent.items() if value})


def answer(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["__type"]


def test_a_result_is_json_with_a_request_id(http: httpx.Client) -> None:
    """A result comes with status 200, the media type of AWS JSON 1.1 and a request id of its own."""
    first, second = (post(http, "ListOrganizations") for _ in range(2))

    assert first.json() == {"OrganizationSummaries": []}
    assert (first.status_code, first.headers["content-type"]) == (200, "application/x-amz-json-1.1")
    ids = {UUID(response.headers["x-amzn-requestid"]) for response in (first, second)}
    assert len(ids) == 2


def test_a_void_operation_answers_nothing(http: httpx.Client, server: EmulatorServer) -> None:
    """An operation without output answers an empty body."""
    organization = server.emulator.create_organization(alias="planetexpress", domains=("planetexpress.example",))
    call = {"OrganizationId": organization}
    user = post(http, "CreateUser", {**call, "Name": "fry", "DisplayName": "Fry"}).json()["UserId"]

    done = post(http, "RegisterToWorkMail", {**call, "EntityId": user, "Email": "fry@planetexpress.example"})

    assert (done.status_code, done.content) == (200, b"")


def test_times_are_seconds_with_milliseconds(http: httpx.Client, server: EmulatorServer) -> None:
    """A time is a JSON number of seconds since the epoch, with at most three decimals."""
    organization = server.emulator.create_organization(alias="planetexpress")

    described = post(http, "DescribeOrganization", {"OrganizationId": organization})

    moment = json.loads(described.content, parse_float=str)["CompletedDate"]
    seconds, _, decimals = moment.partition(".")
    assert seconds.isdigit()
    assert 1 <= len(decimals) <= 3


def test_an_error_names_its_type(http: httpx.Client) -> None:
    """An error comes with status 400, its type and a message."""
    refused = post(http, "DescribeOrganization", {"OrganizationId": "m-" + 32 * "0"})

    assert answer(refused) == (400, "OrganizationNotFoundException")
    assert refused.json()["Message"]
    assert refused.headers["x-amzn-requestid"]


def test_a_server_fault_has_its_own_status(http: httpx.Client, server: EmulatorServer) -> None:
    """A fault of the service itself comes with the 5xx status of its rule."""
    server.service.set_rules([Fault(error=ErrorAnswer(code="InternalFailure", status=500))])

    assert answer(post(http, "ListOrganizations")) == (500, "InternalFailure")


@pytest.mark.parametrize(
    ("headers", "body", "code"),
    [
        ({"authorization": ""}, b"{}", "MissingAuthenticationToken"),
        ({"authorization": "Bearer abc"}, b"{}", "IncompleteSignature"),
        ({"authorization": SIGNED.partition(", Signature")[0]}, b"{}", "IncompleteSignature"),
        ({"authorization": SIGNED.replace("/workmail", "")}, b"{}", "IncompleteSignature"),
        ({"authorization": SIGNED.replace("aws4_request", "aws5")}, b"{}", "IncompleteSignature"),
        ({"authorization": SIGNED.replace("workmail/", "s3/")}, b"{}", "InvalidSignatureException"),
        ({"x_amz_target": ""}, b"{}", "UnknownOperationException"),
        ({"x_amz_target": "OtherService.ListOrganizations"}, b"{}", "UnknownOperationException"),
        ({"x_amz_target": "WorkMailService.Nonsense"}, b"{}", "UnknownOperationException"),
        ({"content_type": "application/json"}, b"{}", "UnknownOperationException"),
        ({}, b"{", "SerializationException"),
        ({}, b"[]", "SerializationException"),
        ({}, b'{"MaxResults": NaN}', "SerializationException"),
        ({}, b"\xff", "SerializationException"),
        ({}, b"[" * 100_000, "SerializationException"),
    ],
)
def test_a_malformed_request_is_refused(
    http: httpx.Client, server: EmulatorServer, headers: dict[str, str], body: bytes, code: str
) -> None:
    """What no AWS client sends is refused with status 400 and a code that says why, and counted."""
    assert answer(post(http, "ListOrganizations", body, **headers)) == (400, code)
    assert [list(outcomes) for outcomes in server.log.counters().values()] == [[code]]


def test_only_post_makes_calls(http: httpx.Client) -> None:
    """Another method than POST is no call."""
    refused = http.get("/", headers={"authorization": SIGNED, "x-amz-target": "WorkMailService.ListUsers"})

    assert answer(refused) == (400, "UnknownOperationException")


class BrokenEmulator(Emulator):
    """An emulator with a defect."""

    def call(self, operation: str, params: Mapping[str, object]) -> dict[str, object]:
        raise ZeroDivisionError(operation)


def test_a_defect_is_an_internal_failure(caplog: pytest.LogCaptureFixture) -> None:
    """A defect of the emulator itself is answered as the service would, logged with its trace, and counted."""
    with EmulatorServer(BrokenEmulator()) as broken, httpx.Client(base_url=broken.endpoint_url) as http:
        assert answer(post(http, "ListOrganizations")) == (500, "InternalFailure")

    assert broken.log.counters() == {"ListOrganizations": {"ZeroDivisionError": 1}}
    assert "ZeroDivisionError: ListOrganizations" in caplog.text


def test_a_client_that_leaves_early_does_no_harm(server: EmulatorServer, http: httpx.Client) -> None:
    """A connection that ends in the middle of a request is forgotten."""
    host, _, port = server.endpoint_url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as hasty:
        hasty.sendall(b"POST / HTTP/1.1\r\nhost: emulator\r\ncontent-length: 1000\r\n\r\n{")

    assert post(http, "ListOrganizations").status_code == 200
    assert server.log.counters() == {"ListOrganizations": {"ok": 1}}


def test_a_null_member_is_an_absent_one(http: httpx.Client) -> None:
    """A member that is null counts as not sent."""
    assert post(http, "ListOrganizations", {"NextToken": None, "MaxResults": None}).status_code == 200


def test_the_media_type_may_name_its_charset(http: httpx.Client) -> None:
    """Parameters and letter case of the media type don't matter."""
    response = post(http, "ListOrganizations", content_type="Application/X-Amz-Json-1.1; charset=UTF-8")

    assert response.status_code == 200


def test_an_empty_body_is_an_empty_call(http: httpx.Client) -> None:
    """A call without any member may leave the body away."""
    assert post(http, "ListOrganizations", b"").json() == {"OrganizationSummaries": []}


def test_secrets_stay_out_of_the_log(http: httpx.Client, server: EmulatorServer) -> None:
    """A password and personal data sent to the service are not in its log."""
    organization = server.emulator.create_organization(alias="planetexpress")
    user = {"Name": "fry", "DisplayName": "Philip J. Fry", "Password": "Good-news-3000"}

    post(http, "CreateUser", {"OrganizationId": organization, **user})

    (record,) = server.log.recent()
    assert record.params == {"OrganizationId": organization, "Name": "fry"}
    assert (record.organization, record.operation, record.outcome) == (organization, "CreateUser", "ok")
