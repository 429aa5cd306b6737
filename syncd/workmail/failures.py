"""What an error code means: worth a retry, or not (`workmail.md` A, B, D). The code decides, never the text."""

from syncd.errors import CallError, PermanentCallError, Throttled, TransientCallError

#: The service asks for less. LimitExceededException is none of them: it is permanent (`workmail.md` 0.4).
THROTTLES = frozenset(
    {
        "ThrottlingException",
        "Throttling",
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "SlowDown",
    }
)
#: Reads lag behind writes: these may pass by themselves (`workmail.md` B6, B7, B17).
SETTLING = frozenset({"EntityStateException", "EntityNotFoundException", "MailDomainStateException"})
_OUTAGES = frozenset(
    {
        "InternalFailure",
        "InternalServerError",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "RequestTimeout",
        "RequestTimeoutException",
        "DirectoryUnavailableException",
        "DirectoryServiceAuthenticationFailedException",
    }
)
#: Our credentials are no good at all: nothing else will succeed either.
CREDENTIALS = frozenset(
    {
        "ExpiredTokenException",
        "ExpiredToken",
        "UnrecognizedClientException",
        "InvalidSignatureException",
        "InvalidClientTokenId",
        "IncompleteSignature",
        "IncompleteSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "SignatureDoesNotMatch",
        "NoCredentials",
    }
)
#: This operation isn't allowed to us.
DENIED = frozenset({"AccessDeniedException", "AccessDenied", "NotAuthorized"})

_SERVER_FAULT = 500
_TOO_MANY = 429


def call_error(
    operation: str,
    code: str,
    message: str,
    *,
    status: int = 400,
    request_id: str = "",
    retry_after: float | None = None,
) -> CallError:
    """Return the error whose type says whether the same call may succeed later."""
    if code in THROTTLES or status == _TOO_MANY:
        return Throttled(operation, code, message, retry_after=retry_after)
    if code in _OUTAGES or code in SETTLING or status >= _SERVER_FAULT:
        return TransientCallError(operation, code, message, request_id=request_id)
    return PermanentCallError(operation, code, message, request_id=request_id)
