"""What does a result code mean, and what does an administrator do next?

Codes are those of RFC 4511 A.1. Only 0 is a complete answer; each of the others in a search is an incomplete one,
whatever came before it (`pitfalls.md` A).
"""

from dataclasses import dataclass

from syncd.errors import SourceIncomplete

SUCCESS, SIZE_LIMIT, REFERRAL, NO_SUCH_OBJECT, INVALID_CREDENTIALS = 0, 4, 10, 32, 49

_NAMES = {
    0: "success",
    1: "operationsError",
    2: "protocolError",
    3: "timeLimitExceeded",
    4: "sizeLimitExceeded",
    7: "authMethodNotSupported",
    8: "strongerAuthRequired",
    10: "referral",
    11: "adminLimitExceeded",
    12: "unavailableCriticalExtension",
    13: "confidentialityRequired",
    14: "saslBindInProgress",
    16: "noSuchAttribute",
    17: "undefinedAttributeType",
    18: "inappropriateMatching",
    19: "constraintViolation",
    21: "invalidAttributeSyntax",
    32: "noSuchObject",
    33: "aliasProblem",
    34: "invalidDNSyntax",
    36: "aliasDereferencingProblem",
    48: "inappropriateAuthentication",
    49: "invalidCredentials",
    50: "insufficientAccessRights",
    51: "busy",
    52: "unavailable",
    53: "unwillingToPerform",
    54: "loopDetect",
    71: "affectsMultipleDSAs",
    80: "other",
}

_REMEDIES = {
    1: "Active Directory says this when nobody is bound: check bind; else look into the server's log",
    3: "raise the server's time limit for this account (OpenLDAP: limits … time=unlimited), or index what the filter "
    "asks",
    4: "raise the server's size limit for this account (OpenLDAP: limits … size.prtotal=unlimited; 389: "
    "nsSizeLimit), or narrow the query",
    10: "syncd follows no referral, since it would carry the password to another server: ask the server that holds "
    "this base",
    11: "lower page_size, or raise the server's limits for this account (OpenLDAP: size.pr; 389: nsPagedSizeLimit, "
    "nsslapd-idlistscanlimit), or index what the filter asks",
    12: "the server can't do this in pages: set page_size: 0",
    13: "use ldaps:// or tls: {start_tls: true}",
    32: "check the base; if it is right, the account that syncd binds as may not see it",
    34: "correct the base: it is no DN",
    50: "give the account that syncd binds as the right to read here",
    51: "the server has too much to do; syncd tries again in the next cycle",
    52: "the server is starting, stopping or read-only; syncd tries again in the next cycle",
    53: "the message tells why; often unbound searches are refused (check bind), or pages (set page_size: 0)",
    80: "look into the server's log",
}


class SearchFailed(SourceIncomplete):
    """A search ended otherwise than with success; *code* is the server's, -1 where it sent none."""

    def __init__(self, message: str, *, code: int = -1, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.code = code


class BaseNotFound(SearchFailed):
    """The server knows no entry of this name, or doesn't show it."""


class NotVisible(SearchFailed):
    """The server says that all went well, and shows nothing: syncd may not see this entry (`ops.md` F16)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LdapResult:
    """How an operation ended, as the server put it."""

    code: int
    matched: str = ""
    message: str = ""
    referrals: tuple[str, ...] = ()

    def __str__(self) -> str:
        text = f"result {self.code} ({result_name(self.code)})"
        return f'{text}: "{printable(self.message)}"' if self.message else text


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One search, as errors name it."""

    server: str
    base: str
    scope: str
    filter: str

    def __str__(self) -> str:
        return f"searching {self.base or 'the root'!r} ({self.scope}) for {self.filter} on {self.server}"


def result_name(code: int) -> str:
    """Return the name of *code*."""
    return _NAMES.get(code, "unknown")


def refused(asked: Asked, result: LdapResult, came: str) -> SearchFailed:
    """Return the error for a search that ended with *result*; *came* says what came before."""
    hint = _REMEDIES.get(result.code, "")
    text = f"{asked}: ended with {result}; {came}, expected everything and then result 0 (success)"
    if result.code == NO_SUCH_OBJECT:
        below = f"; the nearest entry there is {printable(result.matched)!r}" if result.matched else ""
        return BaseNotFound(f"{asked}: the base is not there or not visible: {result}{below}", code=32, hint=hint)
    if result.referrals:
        text += f"; it refers to {listed(result.referrals)}"
    return SearchFailed(text, code=result.code, hint=hint)


def referred(asked: Asked, references: tuple[str, ...], came: str) -> SearchFailed:
    """Return the error for a search of which a part lies on another server."""
    text = f"{asked}: a part of it lies elsewhere: {listed(references)}; {came}, and what lies there is missing"
    hint = (
        "syncd follows no referral, since it would carry the password to another server: "
        "narrow the base so that it holds no referral, or ask the server that holds everything"
    )
    return SearchFailed(text, code=REFERRAL, hint=hint)


def broken(asked: Asked, reason: str, came: str) -> SearchFailed:
    """Return the error for a search whose answer was cut off or is none."""
    return SearchFailed(f"{asked}: {reason}; {came}, expected everything and then result 0 (success)")


def listed(urls: tuple[str, ...]) -> str:
    """Return *urls* for people: the first three."""
    shown = ", ".join(printable(url) for url in urls[:3])
    return f"{shown} and {len(urls) - 3} more" if len(urls) > 3 else shown  # noqa: PLR2004 - as many as one line takes


def printable(text: str) -> str:
    """Return what a server said, safe for a terminal and not too long."""
    cleaned = "".join(character if character.isprintable() else " " for character in text).strip()
    return cleaned if len(cleaned) <= 300 else cleaned[:300] + "…"  # noqa: PLR2004 - a few lines of a terminal
