"""The sections `reports`, `notices` and `heartbeat` of the configuration."""

import re
import zoneinfo
from collections.abc import Callable
from datetime import time
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from syncd.model.policy import Section
from syncd.notices.destinations import is_loopback, parse_destination

#: What metrics call the pings to dead-man switches; no notice can have that name.
HEARTBEAT = "heartbeat"
_SHORTEST_KEY = 16


class Occasion(StrEnum):
    """When somebody is told."""

    REFUSAL = "refusal"
    FAILURE = "failure"
    RECOVERY = "recovery"
    SUMMARY = "summary"


def _checked(check: Callable[[str], object]) -> AfterValidator:
    """Look at what a secret says; its complaint mustn't begin with "expected", or the text would be shown."""

    def validate(secret: SecretStr) -> SecretStr:
        check(secret.get_secret_value())
        return secret

    return AfterValidator(validate)


def _formed(pattern: str, sentence: str) -> AfterValidator:
    """Hold a text to *pattern*, and say in a *sentence* what it must be."""
    form = re.compile(pattern)

    def validate(text: str) -> str:
        if not form.fullmatch(text):
            raise ValueError(sentence)
        return text

    return AfterValidator(validate)


def _long_enough(key: str) -> None:
    if len(key.encode()) < _SHORTEST_KEY:
        message = f"must have at least {_SHORTEST_KEY} bytes: make one with openssl rand -hex 32"
        raise ValueError(message)


def _mail_server(server: str) -> str:
    parse_destination(server, schemes=("smtps", "smtp"))
    return server


def _zone(name: str) -> str:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        message = "must be a time zone of the tz database, such as UTC or Europe/Berlin"
        raise ValueError(message) from None
    return name


def _endpoint(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        return url
    message = "must be https, or http to this machine: it is for an emulator"
    raise ValueError(message)


def _not_reserved(name: str) -> str:
    if name == HEARTBEAT:
        message = "is what metrics call the pings to dead-man switches, choose another name"
        raise ValueError(message)
    return name


Url = Annotated[SecretStr, _checked(parse_destination)]
Address = Annotated[
    str,
    _formed(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+", "must be a mail address such as syncd@corp.example"),
]
TimeOfDay = Annotated[str, _formed(r"([01][0-9]|2[0-3]):[0-5][0-9]", "must be a time of day such as 07:00")]
Topic = Annotated[
    str,
    _formed(
        r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_.-]{1,256}",
        "must be the ARN of a topic such as arn:aws:sns:eu-west-1:123456789012:syncd",
    ),
]


class ReportsSettings(Section):
    """Where each cycle that did, withheld or failed something leaves a page and a Markdown file; *keep* cycles each."""

    folder: Path | None = None
    keep: Annotated[int, Field(ge=1)] = 100


class HeartbeatSettings(Section):
    """A dead-man switch that is pinged after each success: it is the one to raise the alarm when nobody comes."""

    url: Url
    method: Literal["GET", "POST"] = "GET"
    ca_file: Path | None = None


class NoticeSettings(Section):
    """Who is told of what; *organizations* empty: all of them. *summary_at* is a time of day in *timezone*."""

    name: Annotated[
        str,
        Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$", description="a short name of your own"),
        AfterValidator(_not_reserved),
    ]
    on: Annotated[tuple[Occasion, ...], Field(min_length=1)] = tuple(Occasion)
    organizations: tuple[str, ...] = ()
    personal_data: bool = False
    summary_at: TimeOfDay = "07:00"
    timezone: Annotated[str, AfterValidator(_zone)] = "UTC"

    def wants(self, occasion: Occasion, organization: str) -> bool:
        """Return whether this is for whom it is configured for."""
        return occasion in self.on and self.is_about(organization)

    def is_about(self, organization: str) -> bool:
        """Return whether *organization* is one of those chosen."""
        return not self.organizations or organization in self.organizations

    @property
    def summary_time(self) -> time:
        """When the daily summary is due, on the wall clock of *timezone*."""
        return time.fromisoformat(self.summary_at).replace(tzinfo=zoneinfo.ZoneInfo(self.timezone))


class WebhookSettings(NoticeSettings):
    """JSON to a URL, signed with *secret*."""

    type: Literal["webhook"]
    url: Url
    secret: Annotated[SecretStr, _checked(_long_enough)]
    ca_file: Path | None = None


class SlackSettings(NoticeSettings):
    """A message to the incoming webhook of Slack, or of what speaks like it."""

    type: Literal["slack"]
    url: Url
    ca_file: Path | None = None


class EmailSettings(NoticeSettings):
    """A mail over `smtps://host` or `smtp://host`, which must offer STARTTLS unless it is this machine."""

    type: Literal["email"]
    server: Annotated[str, AfterValidator(_mail_server)]
    username: str | None = None
    password: SecretStr | None = None
    sender: Address
    to: Annotated[tuple[Address, ...], Field(min_length=1)]
    ca_file: Path | None = None

    @model_validator(mode="after")
    def _whole_account(self) -> "EmailSettings":  # noqa: N804 - an "after" validator is given the instance
        if (self.username is None) != (self.password is None):
            message = "username and password need each other; a server without accounts needs neither"
            raise ValueError(message)
        return self


class SnsSettings(NoticeSettings):
    """A message to a topic of Amazon SNS; credentials come from boto3's own chain."""

    type: Literal["sns"]
    topic_arn: Topic
    profile: str | None = None
    endpoint_url: Annotated[str, AfterValidator(_endpoint)] | None = None

    @property
    def region(self) -> str:
        """The region that the topic lives in."""
        return self.topic_arn.split(":")[3]


class AppriseSettings(NoticeSettings):
    """Any service that Apprise knows, by its URL; Apprise is an extra of its own."""

    type: Literal["apprise"]
    url: SecretStr

    @model_validator(mode="after")
    def _installed(self) -> "AppriseSettings":  # noqa: N804 - an "after" validator is given the instance
        if find_spec("apprise") is None:
            message = "Apprise isn't installed here: pip install '.[apprise]'"
            raise ValueError(message)
        return self


AnyNotice = Annotated[
    WebhookSettings | SlackSettings | EmailSettings | SnsSettings | AppriseSettings, Field(discriminator="type")
]


def _distinct(notices: tuple[NoticeSettings, ...]) -> tuple[NoticeSettings, ...]:
    names = [notice.name for notice in notices]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        message = f"the name {twice[0]} occurs twice, each notice needs its own"
        raise ValueError(message)
    return notices


NoticeList = Annotated[tuple[AnyNotice, ...], AfterValidator(_distinct)]
