"""Who signed a request, and is the signature right? The part of AWS Signature Version 4 that a service needs.

`read_authorization` is always asked: real clients sign every call, so a request without a readable
credential scope would not have reached WorkMail (`workmail.md` J). `verify` is the strict switch; it
has botocore sign the request again with the secret.
"""

import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from http.client import HTTPMessage

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from syncd.emulator.fault import ServiceFault

ALGORITHM = "AWS4-HMAC-SHA256"
SERVICE = "workmail"
#: How far a request's clock may be off; Amazon's services take a quarter of an hour.
CLOCK_SKEW_S = 900.0

_SCOPE_PARTS = 5
_BODY_HASH = "x-amz-content-sha256"
_SPACES = re.compile(" +")


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """What the Authorization header says."""

    access_key_id: str
    date: str
    region: str
    signed_headers: tuple[str, ...]
    signature: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRequest:
    """The parts of an HTTP request that a signature covers; header names in lower case."""

    method: str
    path: str
    query: str
    headers: Sequence[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str:
        """Return the header's value as it is signed: trimmed, several joined; '' when there is none."""
        return ",".join(_SPACES.sub(" ", value.strip()) for key, value in self.headers if key == name)


def read_authorization(header: str | None) -> Authorization:
    """Read the Authorization header.

    Raises:
        ServiceFault: there is none, it is malformed, or it is meant for another service.
    """
    if not header:
        raise ServiceFault("MissingAuthenticationToken", "The request carries no Authorization header.")
    algorithm, _, rest = header.partition(" ")
    if algorithm != ALGORITHM:
        raise ServiceFault("IncompleteSignature", f"The Authorization header must begin with {ALGORITHM}.")
    parts = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    missing = [name for name in ("Credential", "SignedHeaders", "Signature") if not parts.get(name)]
    if missing:
        raise ServiceFault("IncompleteSignature", f"The Authorization header lacks {', '.join(missing)}.")
    scope = parts["Credential"].rsplit("/", _SCOPE_PARTS - 1)
    if len(scope) != _SCOPE_PARTS or not all(scope) or scope[4] != "aws4_request":
        raise ServiceFault("IncompleteSignature", "The credential must read KEY/YYYYMMDD/REGION/SERVICE/aws4_request.")
    if scope[3] != SERVICE:
        raise ServiceFault(
            "InvalidSignatureException", f"The credential is scoped to service {scope[3]}, not {SERVICE}."
        )
    return Authorization(
        access_key_id=scope[0],
        date=scope[1],
        region=scope[2],
        signed_headers=tuple(parts["SignedHeaders"].split(";")),
        signature=parts["Signature"],
    )


def verify(request: SignedRequest, said: Authorization, secrets: Mapping[str, str], now_s: float) -> None:
    """Compute the signature of *request* again and compare; *secrets* maps access key ids to secrets.

    Raises:
        ServiceFault: unknown key, a clock too far off, or a signature that is not the secret's.
    """
    secret = secrets.get(said.access_key_id)
    if secret is None:
        raise ServiceFault("UnrecognizedClientException", "The security token in the request is invalid.")
    stamp = request.header("x-amz-date")
    _check_date(stamp, said, now_s)
    unsigned = {"host", "x-amz-date", "x-amz-target"} - set(said.signed_headers)
    if unsigned:
        raise ServiceFault("InvalidSignatureException", f"These headers must be signed: {', '.join(sorted(unsigned))}.")
    if not hmac.compare_digest(_signature(request, said, secret).encode(), said.signature.encode()):
        raise ServiceFault(
            "InvalidSignatureException",
            "The signature does not match the one computed here; check the secret access key.",
        )


def _check_date(stamp: str, said: Authorization, now_s: float) -> None:
    try:
        signed_at = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise ServiceFault("IncompleteSignature", "The header X-Amz-Date must read YYYYMMDDTHHMMSSZ.") from None
    if abs(signed_at.timestamp() - now_s) > CLOCK_SKEW_S:
        raise ServiceFault("InvalidSignatureException", f"The signature's time {stamp} is too far from now.")
    if not stamp.startswith(said.date):
        raise ServiceFault("InvalidSignatureException", "The credential's date is not the request's.")


class _Signer(SigV4Auth):
    """Signs what it is given: other clients sign headers that botocore leaves out, such as User-Agent."""

    def headers_to_sign(self, request: AWSRequest) -> HTTPMessage:
        return request.headers


def _signature(request: SignedRequest, said: Authorization, secret: str) -> str:
    headers = {name: request.header(name) for name in said.signed_headers}
    if _BODY_HASH in headers:  # what a client says of its body is not taken for true
        headers[_BODY_HASH] = sha256(request.body).hexdigest()
    # The host that is signed is the header; an address made of it might be none.
    url = f"http://service{request.path}?{request.query}"
    again = AWSRequest(method=request.method, url=url, data=request.body, headers=headers)
    again.context["timestamp"] = request.header("x-amz-date")
    signer = _Signer(Credentials(said.access_key_id, secret), SERVICE, said.region)
    return signer.signature(signer.string_to_sign(again, signer.canonical_request(again)), again)
