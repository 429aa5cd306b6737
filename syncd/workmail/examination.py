"""Is this the right organization, and may syncd read it? What `syncd doctor` says of AWS; read calls only.

| asked                          | tells                                                          |
|--------------------------------|----------------------------------------------------------------|
| boto3's chain of providers     | where the credentials come from; never what they are           |
| GetCallerIdentity              | whose they are                                                 |
| DescribeOrganization           | whether it is the configured one, and usable                   |
| every read that a cycle makes  | whether it is allowed; any answer but a denial says so         |
| the `Date` of each answer      | whether our clock is right: signatures are good for 5 minutes  |
"""

import os
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Literal

from syncd.errors import (
    CallError,
    ConfigurationError,
    PermissionDenied,
    TargetMismatch,
    TargetUnreachable,
    Throttled,
    TransientCallError,
)
from syncd.model.check import Check, clock_skew, fail, failed, not_asked, ok, warn
from syncd.ports import Clock
from syncd.workmail.client import Caller, Heard
from syncd.workmail.failures import CREDENTIALS, DENIED
from syncd.workmail.pages import PAGES
from syncd.workmail.permissions import OF_EVERY_CYCLE
from syncd.workmail.settings import WorkmailSettings

Service = Literal["workmail", "sts"]
#: Makes a caller of one of the services that tells what time it is there.
MakeCaller = Callable[[Service, Heard], Caller]

#: Where WorkMail is (`workmail.md` J).
REGIONS = frozenset({"us-east-1", "us-west-2", "eu-west-1"})
#: No answer at all comes no sooner when it is asked for again.
_SILENCE = frozenset({"NoConnection", "NoAnswer"})
_TRIES = 4
_PAUSE_S = 0.5
#: An id of nobody: the right to ask is looked at before the question.
_NOBODY = "00000000-0000-0000-0000-000000000000"
_POLICY = "syncd iam-policy --mode read-only prints all that is needed"

#: Every read of a cycle but that of the organization, which comes first, and what it asks for: `user`, `group` and
#: `domain` stand for one that a list showed.
READS: Mapping[str, Mapping[str, Any]] = {
    **{call: asked for call, asked in OF_EVERY_CYCLE.items() if call != "DescribeOrganization"},
    **{call: asked for page in PAGES for call, asked in page.reads.items()},
}


def examine(
    settings: WorkmailSettings, make_caller: MakeCaller, find_provider: Callable[[], str | None], clock: Clock
) -> Iterator[Check]:
    """Yield one check after the other; what can't be asked after a failure says so."""
    skews: list[timedelta] = []

    def heard(date: str) -> None:
        try:
            skews.append(clock.now() - parsedate_to_datetime(date).astimezone(UTC))
        except ValueError:
            return

    yield _region(settings)
    yield from _endpoint(settings)
    if settings.is_emulated:
        yield ok("identity", f"the emulator at {settings.endpoint_url}, no identity")
    else:
        found = _provider(find_provider)
        yield found
        if found.exit_code:
            yield not_asked("rest", "identity, organization and rights, since there are no credentials")
            return
        yield from _identity(make_caller, heard, clock)
    try:
        examination = _Organization(settings, make_caller("workmail", heard), clock)
    except ConfigurationError as error:
        yield failed("organization", error)
        yield not_asked("rest", "rights and clock, since AWS can't be called")
        return
    yield from examination.checks()
    if skews:
        # After 5 minutes a signature is refused (SigV4).
        worst = max(skews, key=abs)
        whose = "the emulator" if settings.is_emulated else "AWS"
        yield clock_skew("clock", whose, worst, exit_code=PermissionDenied.exit_code)
    else:
        yield not_asked("clock", "nothing answered")


def _region(settings: WorkmailSettings) -> Check:
    if settings.region in REGIONS or settings.is_emulated:
        return ok("region", settings.region)
    known = ", ".join(sorted(REGIONS))
    return warn("region", f"{settings.region} is not known to have WorkMail", f"set workmail.region: {known} have it")


def _endpoint(settings: WorkmailSettings) -> Iterator[Check]:
    """The file isn't the only one to say where calls go."""
    for name in ("AWS_ENDPOINT_URL_WORKMAIL", "AWS_ENDPOINT_URL"):
        if os.environ.get(name) and settings.endpoint_url is None:
            found = f"{name} in the environment leads the calls to {os.environ[name]}"
            yield warn("endpoint", found, f"unset {name} unless you mean it")
            return


def _provider(find_provider: Callable[[], str | None]) -> Check:
    try:
        found = find_provider()
    except ConfigurationError as error:
        return failed("credentials", error)
    if found is None:
        remedy = "give syncd a role (Pod Identity, instance role) or a profile (workmail.profile)"
        return fail("credentials", "boto3 found none", remedy, PermissionDenied.exit_code)
    name, _, kind = found.partition(" ")
    text = _provider_words(name)
    return ok("credentials", f"from {text}, a long-lived key" if kind else f"from {text}")


def _provider_words(name: str) -> str:
    if name == "container-role":
        address = os.environ.get("AWS_CONTAINER_CREDENTIALS_FULL_URI", "")
        is_pod = "169.254.170.23" in address or "fd00:ec2::23" in address
        return "EKS Pod Identity" if is_pod else "the container's role"
    return _PROVIDERS.get(name, f"boto3's provider {name}")


_PROVIDERS = {
    "env": "the environment (AWS_ACCESS_KEY_ID)",
    "shared-credentials-file": "the credentials file of this user",
    "config-file": "the AWS configuration of this user",
    "assume-role": "a role that the profile assumes",
    "assume-role-with-web-identity": "a web identity token (IRSA)",
    "sso": "a login by IAM Identity Center",
    "custom-process": "a process that the profile names",
    "iam-role": "the instance's role",
}


def _identity(make_caller: MakeCaller, heard: Heard, clock: Clock) -> Iterator[Check]:
    try:
        answer = _ask(make_caller("sts", heard), "GetCallerIdentity", {}, clock)
    except ConfigurationError as error:
        yield failed("identity", error)
    except TransientCallError as error:
        remedy = "syncd itself needs no STS; let it out to sts.REGION.amazonaws.com if you want to see who it is"
        yield warn("identity", f"STS can't be asked: {error.service_message}", remedy)
    except CallError as error:
        yield _refused("identity", error)
    else:
        arn = str(answer.get("Arn", ""))
        found = f"{arn} (account {answer.get('Account', 'unknown')})"
        if arn.endswith(":root"):
            yield warn("identity", f"{found}: the root user may do anything", "give syncd a role of its own")
        else:
            yield ok("identity", found)


#: Member of a list's answer -> what of it is asked for next.
_LISTED = (
    ("Users", "user", "Id"),
    ("Groups", "group", "Id"),
    ("MailDomains", "domain", "DomainName"),
)


class _Organization:
    """The calls to one organization."""

    def __init__(self, settings: WorkmailSettings, caller: Caller, clock: Clock) -> None:
        self._settings = settings
        self._caller = caller
        self._clock = clock
        self._known = {"user": _NOBODY, "group": _NOBODY, "domain": "example.com"}
        self._answers: dict[str, Mapping[str, Any]] = {}

    def checks(self) -> Iterator[Check]:
        try:
            answer = self._ask("DescribeOrganization", {})
        except CallError as error:
            yield self._unknown(error)
            if error.code not in DENIED:
                yield not_asked("rights", "the organization can't be asked")
                return
        else:
            check = self._match(answer)
            yield check
            if check.exit_code:
                yield not_asked("rights", "the organization can't be used")
                return
        yield from self._rights()
        yield from self._domain()

    def _ask(self, operation: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        whose = {"OrganizationId": self._settings.organization_id}
        return _ask(self._caller, operation, {**whose, **parameters}, self._clock)

    def _unknown(self, error: CallError) -> Check:
        wanted = self._settings.organization_id
        if error.code in ("OrganizationNotFoundException", "InvalidParameterException"):
            found = f"there is no organization {wanted} in this account and region"
            remedy = "look at workmail.organization_id, workmail.region, and at whose credentials these are"
            return fail("organization", found, remedy, TargetMismatch.exit_code)
        if isinstance(error, TransientCallError):
            found = f"WorkMail doesn't answer: {error.code}: {error.service_message}"
            remedy = f"check the network, and that workmail.region ({self._settings.region}) is right"
            return fail("organization", found, remedy, TargetUnreachable.exit_code)
        return _refused("organization", error)

    def _match(self, answer: Mapping[str, Any]) -> Check:
        wanted = self._settings.organization_id
        identity, alias, state = (str(answer.get(name, "")) for name in ("OrganizationId", "Alias", "State"))
        if identity != wanted:
            found = f"another organization answers: {identity} ({alias}), not {wanted}"
            return fail("organization", found, "look at workmail.organization_id", TargetMismatch.exit_code)
        if state.casefold() != "active":
            found = (
                f"{alias} ({identity}) is {state or 'in an unknown state'}: {answer.get('ErrorMessage', 'no reason')}"
            )
            return fail("organization", found, "look at it in the AWS console", TargetMismatch.exit_code)
        domain = answer.get("DefaultMailDomain", "unknown")
        return ok("organization", f"{alias} ({identity}) is {state}, default domain {domain}")

    def _rights(self) -> Iterator[Check]:
        """Try each read once. Whether writing is allowed can't be tried without changing something."""
        denied = 0
        for operation, asked in READS.items():
            parameters = {name: self._known.get(value, value) for name, value in asked.items()}
            try:
                self._learn(operation, self._ask(operation, parameters))
            except TransientCallError as error:
                found = f"{operation} gets no answer: {error.code}: {error.service_message}"
                remedy = "run syncd doctor again; if it stays, look at the AWS Health Dashboard"
                if error.code not in _ABSENT:
                    denied += 1
                    yield fail("rights", found, remedy, TargetUnreachable.exit_code)
            except CallError as error:
                if error.code in DENIED | CREDENTIALS:
                    denied += 1
                    yield _refused("rights", error)
        if not denied:
            yield ok("rights", f"all {len(READS) + 1} kinds of read are allowed; writing is not tried")

    def _learn(self, operation: str, answer: Mapping[str, Any]) -> None:
        self._answers[operation] = answer
        for member, name, key in _LISTED:
            rows = sorted(answer.get(member, ()), key=lambda row: not row.get("DefaultDomain"))
            if rows:
                self._known[name] = str(rows[0][key])

    def _domain(self) -> Iterator[Check]:
        status = self._answers.get("GetMailDomain", {}).get("OwnershipVerificationStatus", "VERIFIED")
        if status != "VERIFIED":
            found = f"the default domain {self._known['domain']} is {status}: no address of it can be given"
            yield warn("domain", found, "finish its verification in the AWS console")


#: What the service says of an entity that is not there, or not ENABLED: it was allowed to ask.
_ABSENT = frozenset({"EntityNotFoundException", "EntityStateException", "MailDomainStateException"})


def _ask(caller: Caller, operation: str, parameters: Mapping[str, Any], clock: Clock) -> Mapping[str, Any]:
    """Call; again for a while if the service asks to come back later."""
    for attempt in range(1, _TRIES):
        try:
            return caller(operation, parameters)
        except TransientCallError as error:
            if error.code in _SILENCE or error.code in _ABSENT:
                raise
            wait = error.retry_after if isinstance(error, Throttled) else None
            clock.sleep(max(_PAUSE_S * attempt, wait or 0))
    return caller(operation, parameters)


def _refused(topic: str, error: CallError) -> Check:
    if error.code in CREDENTIALS:
        found = f"AWS refuses the credentials: {error.code}: {error.service_message}"
        remedy = "renew what boto3 finds (environment, profile, role), and look at the clock below"
        return fail(topic, found, remedy, PermissionDenied.exit_code)
    if error.code in DENIED:
        found = f"{error.operation} is not allowed: {error.service_message}"
        remedy = f"allow workmail:{error.operation} to syncd's role; {_POLICY}"
        return fail(topic, found, remedy, PermissionDenied.exit_code)
    return fail(topic, error.message, "the message tells why", error.exit_code)
