"""boto3 behind one callable: parameters in, answer out, our errors; and where its credentials come from."""

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any, Literal

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
    ProxyConnectionError,
    ReadTimeoutError,
    SSLError,
)
from botocore.loaders import Loader, create_loader

from syncd.errors import CallError, ConfigurationError, OutcomeUnknown, PermanentCallError, TransientCallError
from syncd.wire import models
from syncd.workmail.failures import call_error
from syncd.workmail.settings import WorkmailSettings, safe_endpoint

#: Sends one call to the service, once.
Caller = Callable[[str, Mapping[str, Any]], Mapping[str, Any]]
#: Told the `Date` header of each answer, errors included.
Heard = Callable[[str], None]


def date_of(answer: Mapping[str, Any]) -> datetime | None:
    """Return the `Date` header of *answer*, in UTC; None where it has none that can be read."""
    said = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date", "")
    with suppress(ValueError):
        at = parsedate_to_datetime(said) if said else None
        return None if at is None or at.tzinfo is None else at.astimezone(UTC)
    return None


class BotoCaller:
    """Calls WorkMail, or another *service* with the same credentials, through one boto3 client for all threads.

    botocore retries nothing: retries are ours, by error type, since botocore takes the permanent
    LimitExceededException for a throttle (`workmail.md` 0.4).
    """

    def __init__(
        self,
        settings: WorkmailSettings,
        *,
        connections: int,
        service: Literal["workmail", "sts"] = "workmail",
        heard: Heard | None = None,
    ) -> None:
        """Make the client; no network is touched.

        Raises:
            ConfigurationError: the profile or the region doesn't exist, or calls would go to another machine in
                clear text.
        """
        config = Config(
            connect_timeout=settings.connect_timeout.total_seconds(),
            read_timeout=settings.read_timeout.total_seconds(),
            retries={"total_max_attempts": 1, "mode": "standard"},
            max_pool_connections=connections + 2,
            user_agent_extra="syncd",
        )
        try:
            session = boto3.session.Session(
                profile_name=settings.profile, region_name=settings.region, botocore_session=_sharing_models()
            )
            key = "emulator" if _needs_no_credentials(settings) else None
            self._client = session.client(
                service,
                endpoint_url=settings.endpoint_url if service == "workmail" else None,
                config=config,
                aws_access_key_id=key,
                aws_secret_access_key=key,
            )
        except (ProfileNotFound, BotoCoreError) as error:
            hint = "look at workmail.profile and workmail.region, and at the AWS configuration of this user"
            raise ConfigurationError(f"the AWS client can't be made: {error}", hint=hint) from error
        self._refuse_clear_text()
        if heard is not None:

            def tell(http_response: Any, **_: object) -> None:  # noqa: ANN401 - botocore's own, without types
                heard(str(http_response.headers.get("date", "")))

            self._client.meta.events.register("after-call", tell)
        self._methods = {
            self._client.meta.method_to_api_mapping[name]: getattr(self._client, name)
            for name in self._client.meta.method_to_api_mapping
        }

    def _refuse_clear_text(self) -> None:
        """The file can't name such an endpoint, but boto3 also heeds AWS_ENDPOINT_URL and its likes."""
        try:
            safe_endpoint(self._client.meta.endpoint_url)
        except ValueError as error:
            message = f"AWS would be called at {self._client.meta.endpoint_url}, which {error}"
            hint = "look for AWS_ENDPOINT_URL in the environment and in the AWS configuration"
            raise ConfigurationError(message, hint=hint) from error

    def __call__(self, operation: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Send the call once.

        Raises:
            CallError: transient or permanent by type; `OutcomeUnknown` when no answer came.
        """
        try:
            answer: Mapping[str, Any] = self._methods[operation](**parameters)
        except ClientError as error:
            raise _of_client_error(operation, error) from error
        except BotoCoreError as error:
            raise _of_transport(operation, error) from error
        return answer


def _sharing_models() -> botocore.session.Session:
    """Return a session that reads the models of the service where all others do.

    Each of its own would hold 9 MB and take a tenth of a second to parse: 200 organizations, 2 GB.
    """
    session = botocore.session.Session()
    session.register_component("data_loader", _loader(session.get_config_variable("data_path")))
    return session


@cache
def _loader(folders: str | None) -> Loader:
    """Return what reads models, also in the *folders* that AWS_DATA_PATH names; without any, `wire` has read ours."""
    return models() if folders is None else create_loader(folders)


def _needs_no_credentials(settings: WorkmailSettings) -> bool:
    """Return whether calls go to the emulator, and nobody gave any credentials."""
    return settings.is_emulated and not settings.profile and not os.environ.get("AWS_ACCESS_KEY_ID")


def find_credentials(settings: WorkmailSettings) -> str | None:
    """Return which of botocore's providers has credentials (`env`, `iam-role`, ...), None if no one has.

    The providers are asked in botocore's order; a long-lived key is told with the word `static` behind the name.

    Raises:
        ConfigurationError: the profile doesn't exist, or what it says can't be followed.
    """
    try:
        found = boto3.session.Session(profile_name=settings.profile, region_name=settings.region).get_credentials()
    except BotoCoreError as error:
        hint = "look at workmail.profile, and at the AWS configuration of this user"
        raise ConfigurationError(f"boto3 can't make credentials: {error}", hint=hint) from error
    if found is None:
        return None
    # Only these hold their values already; another would be asked over the network for them.
    is_static = found.method in ("env", "shared-credentials-file", "config-file") and not found.token
    return f"{found.method} static" if is_static else str(found.method)


def _of_client_error(operation: str, error: ClientError) -> CallError:
    response: Mapping[str, Any] = error.response
    details, meta = response.get("Error", {}), response.get("ResponseMetadata", {})
    headers = meta.get("HTTPHeaders", {})
    milliseconds = headers.get("x-amz-retry-after", "")
    return call_error(
        operation,
        str(details.get("Code", "Unknown")),
        str(details.get("Message", "")),
        status=int(meta.get("HTTPStatusCode", 400)),
        request_id=str(meta.get("RequestId", "")),
        retry_after=int(milliseconds) / 1000 if milliseconds.isdigit() else None,
    )


def _of_transport(operation: str, error: BotoCoreError) -> CallError:
    """A connection that was never made had no effect; one that broke may have had it."""
    text = str(error)
    match error:
        case NoCredentialsError() | PartialCredentialsError():
            return PermanentCallError(operation, "NoCredentials", text)
        case ParamValidationError():
            return PermanentCallError(operation, "InvalidParameterException", text)
        case ReadTimeoutError() | ConnectionClosedError():
            return OutcomeUnknown(operation, "NoAnswer", text)
        case EndpointConnectionError() | ConnectTimeoutError() | ProxyConnectionError() | SSLError():
            return TransientCallError(operation, "NoConnection", text)
        case _:
            return OutcomeUnknown(operation, type(error).__name__, text)
