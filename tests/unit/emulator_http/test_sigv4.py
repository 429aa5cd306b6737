from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from syncd.emulator import ServiceFault
from syncd.emulator.sigv4 import SignedRequest, read_authorization, verify

KEY, SECRET = "AKIAEXAMPLE", "a/secret+for=tests"


def signed(**headers: str) -> SignedRequest:
    """A request as botocore, another implementation, signs it."""
    request = AWSRequest(
        method="POST",
        url="http://127.0.0.1:8625/?b=2&a=1%2F1&b=1",
        data=b'{"Name":"fry"}',
        headers={"X-Amz-Target": "WorkMailService.CreateUser", "Content-Type": "text/plain", **headers},
    )
    SigV4Auth(Credentials(KEY, SECRET), "workmail", "eu-west-1").add_auth(request)
    received = {"host": "127.0.0.1:8625", **{name.lower(): str(value) for name, value in request.headers.items()}}
    return SignedRequest(
        method="POST",
        path="/",
        query="b=2&a=1%2F1&b=1",
        headers=list(received.items()),
        body=b'{"Name":"fry"}',
    )


def signed_at(request: SignedRequest) -> float:
    moment = datetime.strptime(request.header("x-amz-date"), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return moment.timestamp()


def check(request: SignedRequest, *, late_by: float = 0.0, secret: str = SECRET) -> str:
    said = read_authorization(request.header("authorization"))
    try:
        verify(request, said, {KEY: secret}, signed_at(request) + late_by)
    except ServiceFault as fault:
        return fault.code
    return "verified"


def with_header(request: SignedRequest, name: str, change: Callable[[str], str]) -> SignedRequest:
    headers = [(key, change(value) if key == name else value) for key, value in request.headers]
    return replace(request, headers=headers)


def test_a_right_signature_is_verified() -> None:
    """What botocore signs, with a query and several blanks in a header, is verified."""
    assert check(signed(**{"X-Amz-Note": "  two   words "})) == "verified"


@pytest.mark.parametrize(
    "change",
    [
        lambda request: replace(request, body=b'{"Name":"leela"}'),
        lambda request: replace(request, path="/other"),
        lambda request: replace(request, query="a=2"),
        lambda request: replace(request, method="PUT"),
        lambda request: with_header(request, "x-amz-target", lambda _: "WorkMailService.DeleteUser"),
        lambda request: with_header(request, "host", lambda _: "elsewhere.example"),
        lambda request: with_header(request, "authorization", lambda said: said[:-1] + "g"),
        lambda request: with_header(request, "authorization", lambda said: said.replace("eu-west-1", "us-east-1")),
        lambda request: with_header(request, "authorization", lambda said: said.replace("x-amz-target", "x-none")),
    ],
    ids=["body", "path", "query", "method", "target", "host", "signature", "region", "signed-headers"],
)
def test_a_changed_request_is_not(change: Callable[[SignedRequest], SignedRequest]) -> None:
    """Whatever part of a signed request is changed, the signature doesn't fit any more."""
    assert check(change(signed())) == "InvalidSignatureException"


def by_another_client(**changed: str) -> SignedRequest:
    """A request that signs its User-Agent and the hash of its body; not botocore has computed its signature."""
    headers = {
        "host": "127.0.0.1:8625",
        "user-agent": "an-sdk/1.0",
        "x-amz-content-sha256": "e2ff1f6a4a6455c219bb07e68bdcb76cb9e413369052192fb041ec5e2968f90b",
        "x-amz-date": "20261128T120000Z",
        "x-amz-target": "WorkMailService.CreateUser",
    }
    authorization = (
        f"AWS4-HMAC-SHA256 Credential={KEY}/20261128/eu-west-1/workmail/aws4_request, "
        f"SignedHeaders={';'.join(headers)}, "
        "Signature=7a3b558b750254288713f3f865ddb0135cc1358e03f0032d7d5263b813280053"
    )
    received = [*(headers | changed).items(), ("authorization", authorization)]
    return SignedRequest(method="POST", path="/", query="", headers=received, body=b'{"Name":"fry"}')


def test_what_another_client_signs_is_verified() -> None:
    """Some sign headers that botocore doesn't, such as User-Agent, and say the hash of the body in one of their own."""
    assert check(by_another_client()) == "verified"
    assert check(by_another_client(**{"user-agent": "an-sdk/2.0"})) == "InvalidSignatureException"


def test_the_hash_that_a_client_says_of_its_body_is_not_believed() -> None:
    """A body that is changed under a header that tells the hash of the old one is refused."""
    assert check(replace(by_another_client(), body=b'{"Name":"leela"}')) == "InvalidSignatureException"


@pytest.mark.parametrize("host", ["[", "a b", "?"])
def test_a_host_that_is_none_is_a_wrong_signature(host: str) -> None:
    """Nothing is made of it but the text that is signed."""
    assert check(by_another_client(host=host)) == "InvalidSignatureException"


def test_a_wrong_secret_is_not() -> None:
    """A signature made with another secret is refused."""
    assert check(signed(), secret="another") == "InvalidSignatureException"


@pytest.mark.parametrize(
    ("late_by", "outcome"),
    [(-901, "InvalidSignatureException"), (-899, "verified"), (899, "verified"), (901, "InvalidSignatureException")],
)
def test_a_signature_ages(late_by: float, outcome: str) -> None:
    """A signature holds a quarter of an hour, for clocks that are ahead or behind."""
    assert check(signed(), late_by=late_by) == outcome


def test_the_date_must_be_one() -> None:
    """A request without a readable date is incomplete."""
    request = with_header(signed(), "x-amz-date", lambda _: "yesterday")

    with pytest.raises(ServiceFault, match="IncompleteSignature"):
        verify(request, read_authorization(request.header("authorization")), {KEY: SECRET}, 0)


def test_the_scope_must_be_of_the_same_day() -> None:
    """A credential scope of another day than the request's is refused."""
    request = with_header(signed(), "authorization", lambda said: said.replace("/20", "/19"))

    assert check(request) == "InvalidSignatureException"
