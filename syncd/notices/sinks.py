"""From settings to sinks; a library that only one kind needs is loaded when that kind sends for the first time."""

import json
from collections.abc import Callable
from typing import Protocol, assert_never

from syncd.notices.composing import Notice
from syncd.notices.posting import post
from syncd.notices.settings import (
    AnyNotice,
    AppriseSettings,
    EmailSettings,
    HeartbeatSettings,
    SlackSettings,
    SnsSettings,
    WebhookSettings,
)
from syncd.notices.signing import ID_HEADER, SIGNATURE_HEADER, sign
from syncd.ports import Clock

SCHEMA_VERSION = 1
#: What Slack takes in one block of text, with room for what escaping adds.
_BLOCK = 2800
_JSON = {"Content-Type": "application/json; charset=utf-8"}


class Sink(Protocol):
    """Where notices go."""

    def send(self, notice: Notice) -> None:
        """Send *notice* once. Raises `Undelivered`, whose reason holds no secret and no personal data."""
        ...


def make_sink(settings: AnyNotice, clock: Clock) -> Sink:
    """Return the sink of *settings*; nobody is asked yet."""
    match settings:
        case WebhookSettings():
            return Webhook(settings, clock)
        case SlackSettings():
            return Slack(settings)
        case EmailSettings():
            from syncd.notices.mail import Mail  # noqa: PLC0415 - who sends no mail needs no mail library

            return Mail(settings)
        case SnsSettings():
            from syncd.notices.sns import Sns  # noqa: PLC0415 - boto3 is heavy

            return Sns(settings)
        case AppriseSettings():
            from syncd.notices.other import Apprise  # noqa: PLC0415 - Apprise is an extra

            return Apprise(settings)
        case _:
            assert_never(settings)


class Webhook:
    """Signed JSON; see `signing.py` for what a receiver does."""

    def __init__(self, settings: WebhookSettings, clock: Clock) -> None:
        self._settings = settings
        self._now: Callable[[], float] = lambda: clock.now().timestamp()

    def send(self, notice: Notice) -> None:
        settings = self._settings
        body = json.dumps(document(notice, personal_data=settings.personal_data), ensure_ascii=True).encode()
        signature = sign(settings.secret.get_secret_value(), body, int(self._now()))
        headers = {**_JSON, ID_HEADER: notice.id, SIGNATURE_HEADER: signature}
        post(settings.url.get_secret_value(), body, headers, ca_file=settings.ca_file)


class Slack:
    """Slack's incoming webhook: three characters are markup there, nothing else."""

    def __init__(self, settings: SlackSettings) -> None:
        self._settings = settings

    def send(self, notice: Notice) -> None:
        settings = self._settings
        body = slack_body(notice, personal_data=settings.personal_data)
        post(settings.url.get_secret_value(), body, _JSON, ca_file=settings.ca_file)


class Heartbeat:
    """A ping to a dead-man switch: that it comes is all it says."""

    def __init__(self, settings: HeartbeatSettings) -> None:
        self._settings = settings

    def send(self, notice: Notice) -> None:  # noqa: ARG002 - the port tells it
        settings = self._settings
        post(settings.url.get_secret_value(), method=settings.method, ca_file=settings.ca_file)


def document(notice: Notice, *, personal_data: bool) -> dict[str, object]:
    """Return *notice* as a webhook carries it; members are added, never renamed."""
    return {
        "schema_version": SCHEMA_VERSION,
        "id": notice.id,
        "occasion": notice.occasion.value,
        "organization": notice.organization,
        "at": notice.at.isoformat().replace("+00:00", "Z"),
        "title": notice.title,
        "text": notice.text(personal_data=personal_data),
        "numbers": dict(notice.numbers),
        "guards": [dict(guard) for guard in notice.guards],
        "commands": list(notice.commands),
        "cycle_id": notice.cycle_id,
        "digest": notice.digest,
    }


def slack_body(notice: Notice, *, personal_data: bool) -> bytes:
    """Return the message: a line for notifications, and the text below it."""
    commands = "".join(f"\n`{_escaped(command)}`" for command in notice.commands)
    said = "\n".join([*notice.lines, *(notice.personal if personal_data else ())])
    text = _escaped(said)
    if len(text) > _BLOCK:
        text = text[:_BLOCK].rpartition("\n")[0] + "\n…"
    blocks = [
        {"type": "section", "text": {"type": "mrkdwn", "text": f"*{_escaped(notice.title)}*"}},
        {"type": "section", "text": {"type": "mrkdwn", "text": f"{text}{commands}" or "–"}},
    ]
    return json.dumps({"text": _escaped(notice.title), "blocks": blocks}, ensure_ascii=True).encode()


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
