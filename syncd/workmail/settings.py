"""The `workmail` section of the configuration."""

from datetime import timedelta
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from syncd.model.durations import Duration
from syncd.model.policy import Section

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def safe_endpoint(url: str) -> str:
    """Refuse to send signed calls in clear text to anywhere but this machine."""
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        return url
    message = "must be https, or http to this machine (127.0.0.1, localhost, ::1): it is for the emulator"
    raise ValueError(message)


class WorkmailSettings(Section):
    """Which organization, and how to reach it. Credentials come from boto3's own chain."""

    organization_id: Annotated[str, Field(pattern=r"^m-[0-9a-f]{32}$")]
    region: str = "us-east-1"
    endpoint_url: Annotated[str, AfterValidator(safe_endpoint)] | None = None
    profile: str | None = None
    connect_timeout: Duration = timedelta(seconds=10)
    read_timeout: Duration = timedelta(seconds=30)

    @property
    def is_emulated(self) -> bool:
        """Whether calls go to this machine in clear text: there is no such Amazon WorkMail."""
        return (self.endpoint_url or "").startswith("http://")
