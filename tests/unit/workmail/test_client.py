"""The boto3 client: what it hears of an answer, where it may go, whose credentials it has."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from syncd.errors import ConfigurationError, PermanentCallError, TransientCallError
from syncd.workmail.client import BotoCaller, find_credentials
from syncd.workmail.settings import WorkmailSettings
from tests.builders import ORGANIZATION_ID
from tests.fakes.slapd import free_port
from tests.fakes.sts import ARN, FakeSts

SETTINGS = WorkmailSettings(organization_id=ORGANIZATION_ID, region="eu-west-1")
CANARY = "wJalrXUtnFEMI-CANARY"


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """A long-lived key in the environment."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", CANARY)


@pytest.fixture
def sts(key: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeSts]:
    """A day-ahead STS that boto3 is led to."""
    with FakeSts(ahead=timedelta(days=1)) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", server.url)
        yield server


def test_sts_is_asked_with_the_same_credentials(sts: FakeSts) -> None:
    """Who am I, over the real boto3; and each answer tells what time it is there."""
    heard: list[str] = []
    answer = BotoCaller(SETTINGS, connections=1, service="sts", heard=heard.append)("GetCallerIdentity", {})

    assert answer["Arn"] == ARN
    (date,) = heard
    assert parsedate_to_datetime(date) - datetime.now(UTC) > timedelta(hours=23)  # noqa: TID251 - the fake's is real


def test_an_error_tells_the_time_too(key: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refusal is when the clock matters most."""
    heard: list[str] = []
    with FakeSts(error="ExpiredToken") as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", server.url)
        caller = BotoCaller(SETTINGS, connections=1, service="sts", heard=heard.append)
        with pytest.raises(PermanentCallError) as caught:
            caller("GetCallerIdentity", {})

    assert caught.value.code == "ExpiredToken"
    assert len(heard) == 1


def test_nobody_listens_there(key: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """No connection is a failure that may pass, and tells no time."""
    heard: list[str] = []
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", f"http://127.0.0.1:{free_port()}")
    caller = BotoCaller(SETTINGS, connections=1, service="sts", heard=heard.append)

    with pytest.raises(TransientCallError):
        caller("GetCallerIdentity", {})
    assert heard == []


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS"])
def test_signed_calls_never_leave_in_clear_text(key: None, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """The environment may lead boto3 to this machine, or by TLS; to nobody else."""
    monkeypatch.setenv(name, "http://sts.corp.example")
    with pytest.raises(ConfigurationError, match=r"http://sts\.corp\.example, which must be https"):
        BotoCaller(SETTINGS, connections=1, service="sts")

    monkeypatch.setenv(name, "https://sts.corp.example")
    BotoCaller(SETTINGS, connections=1, service="sts")


def test_a_long_lived_key_is_told_from_a_session(key: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one has no session token; neither is shown."""
    assert find_credentials(SETTINGS) == "env static"
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    assert find_credentials(SETTINGS) == "env"


def test_a_profile_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Named in the configuration, kept in the credentials file."""
    path = tmp_path / "credentials"
    path.write_text(f"[mail]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = {CANARY}\n", encoding="utf-8")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(path))

    assert find_credentials(SETTINGS.model_copy(update={"profile": "mail"})) == "shared-credentials-file static"
    with pytest.raises(ConfigurationError, match="another"):
        find_credentials(SETTINGS.model_copy(update={"profile": "another"}))


def test_nobody_has_credentials() -> None:
    """With an empty environment and without metadata there are none."""
    assert find_credentials(SETTINGS) is None
