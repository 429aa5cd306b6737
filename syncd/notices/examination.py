"""What can be said of the sinks without sending anything: names resolve, servers answer, certificates hold."""

import smtplib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial

from syncd.model.check import Check, Health
from syncd.notices.destinations import parse_destination
from syncd.notices.mail import open_server
from syncd.notices.posting import ATTEMPT_S, Lifeline, Undelivered, connect, translated
from syncd.notices.settings import (
    AnyNotice,
    AppriseSettings,
    EmailSettings,
    HeartbeatSettings,
    SlackSettings,
    SnsSettings,
    WebhookSettings,
)

#: The exit code of what can't be reached.
_UNREACHABLE = 69


def examine(
    settings: Sequence[AnyNotice], heartbeats: Mapping[str, HeartbeatSettings] | None = None
) -> Iterator[Check]:
    """Yield one check for each sink and each dead-man switch; nothing is sent to any of them."""
    for each in settings:
        yield _examined(f"notice {each.name}", partial(_reach, each))
    for name, heartbeat in (heartbeats or {}).items():
        yield _examined(f"heartbeat of {name}", partial(_reach, heartbeat))


def _examined(topic: str, reach: Callable[[], str]) -> Check:
    try:
        found = reach()
    except Undelivered as error:
        remedy = "look at its url and ca_file, and at the network; nobody is told anything until it answers"
        return Check(topic=topic, health=Health.FAIL, found=error.reason, remedy=remedy, exit_code=_UNREACHABLE)
    return Check(topic=topic, health=Health.OK, found=found)


def _reach(settings: AnyNotice | HeartbeatSettings) -> str:
    """Return what answered. Raises `Undelivered`."""
    match settings:
        case WebhookSettings() | SlackSettings() | HeartbeatSettings():
            return _connected(settings.url.get_secret_value(), settings)
        case SnsSettings():
            return _connected(settings.endpoint_url or _sns(settings), None)
        case EmailSettings():
            return _greeted(settings)
        case AppriseSettings():
            return "Apprise is installed; what its URL names is not looked at"


def _sns(settings: SnsSettings) -> str:
    """Return where the topic's region answers; China's partition has a domain of its own."""
    domain = "amazonaws.com.cn" if settings.topic_arn.startswith("arn:aws-cn:") else "amazonaws.com"
    return f"https://sns.{settings.region}.{domain}"


def _connected(url: str, settings: WebhookSettings | SlackSettings | HeartbeatSettings | None) -> str:
    target = parse_destination(url)
    with translated(), Lifeline(ATTEMPT_S) as lifeline:
        connect(target, None if settings is None else settings.ca_file, lifeline).close()
    return f"{target.authority} answers" + (", its certificate holds" if target.scheme == "https" else "")


def _greeted(settings: EmailSettings) -> str:
    try:
        with translated(), Lifeline(ATTEMPT_S) as lifeline, closing(open_server(settings, lifeline)):
            pass
    except smtplib.SMTPException as error:
        raise Undelivered(f"it doesn't speak SMTP as needed: {type(error).__name__}", again=False) from None
    return "the mail server answers; whether it takes the account shows with the first notice"
