"""What the file may say about reports, notices and dead-man switches, and how it is told what is wrong."""

from pathlib import Path

import pytest

from syncd.errors import ConfigurationError
from syncd.notices.settings import AppriseSettings, Occasion
from syncd.settings import Loaded, load
from tests.unit.settings.test_settings import TEXT

URL = "https://hooks.planetexpress.example/s3cr3t-path"
WEBHOOK = "{name: ops, type: webhook, url: {env: URL}, secret: {env: KEY}}"
MAIL = "{name: mail, type: email, server: smtps://mail.example, sender: a@b.example, to: [c@d.example]}"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:syncd"


def read(folder: Path, notices: str, *, url: str = URL, key: str = "0123456789abcdef", more: str = "") -> Loaded:
    path = folder / "syncd.yaml"
    path.write_text(f"notices:\n  - {notices}\n{more}{TEXT}", encoding="utf-8")
    return load(path, {"URL": url, "KEY": key})


def problem(folder: Path, notices: str, **options: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        read(folder, notices, **options)
    (only,) = caught.value.problems
    text = str(only).removeprefix(f"{folder}/")
    assert "s3cr3t" not in text
    return text


def test_a_notice_is_told_everything_of_everybody_by_default(tmp_path: Path) -> None:
    """But no names, and the day's summary in the morning."""
    (notice,) = read(tmp_path, WEBHOOK).settings.notices

    assert notice.on == tuple(Occasion)
    assert notice.wants(Occasion.FAILURE, "anything")
    assert notice.personal_data is False
    assert (notice.summary_at, notice.timezone) == ("07:00", "UTC")


def test_url_and_key_are_secrets(tmp_path: Path) -> None:
    """They are among what the log hides, and may not stand in the file."""
    assert {URL, "0123456789abcdef"} <= set(read(tmp_path, WEBHOOK).secrets)
    told = problem(tmp_path, "{name: a, type: slack, url: https://hooks.planetexpress.example/x}")

    assert told.startswith("syncd.yaml:2:33: notices[0].url: a secret does not stand in this file")


@pytest.mark.parametrize(
    ("notices", "options", "told"),
    [
        (WEBHOOK, {"url": "http://hooks.example/s3cr3t"}, "notices[0].url: http would show the notice to the network"),
        (WEBHOOK, {"url": "https://169.254.169.254/s3cr3t"}, "notices[0].url: is a link-local, metadata or reserved"),
        (WEBHOOK, {"key": "s3cr3t"}, "notices[0].secret: must have at least 16 bytes: make one with openssl rand"),
        (WEBHOOK.replace("ops", "heartbeat"), {}, "notices[0].name: is what metrics call the pings"),
        (WEBHOOK.replace("{name", "{on: [refusals], name"), {}, "notices[0].on[0]: expected refusal, failure"),
        (WEBHOOK.replace("{name", "{on: [], name"), {}, "notices[0].on: needs at least 1 item"),
        (
            WEBHOOK.replace("{name", "{organizations: [planetexpres], name"),
            {},
            "no organization is called planetexpres",
        ),
        (WEBHOOK.replace("{name", "{timezone: Mars/Olympus, name"), {}, "must be a time zone of the tz database"),
        (
            WEBHOOK.replace("{name", '{summary_at: "24:00", name'),
            {},
            "notices[0].summary_at: must be a time of day",
        ),
        (f"{WEBHOOK}\n  - {WEBHOOK}", {}, "notices: the name ops occurs twice, each notice needs its own"),
        (WEBHOOK.replace("webhook", "webhok"), {}, "notices[0]: the type webhok is not known; did you mean webhook?"),
        (MAIL.replace("smtps", "imap"), {}, "notices[0].server: must be a URL in ASCII that begins with smtps://"),
        (MAIL.replace("sender", "username: x, sender"), {}, "notices[0]: username and password need each other"),
        (MAIL.replace("c@d.example", "c"), {}, "notices[0].to[0]: must be a mail address such as"),
        (
            f"{{name: t, type: sns, topic_arn: {TOPIC[:-6]}}}",
            {},
            "notices[0].topic_arn: must be the ARN of a topic",
        ),
        (
            f"{{name: t, type: sns, topic_arn: {TOPIC}, endpoint_url: http://sns.example}}",
            {},
            "notices[0].endpoint_url: must be https",
        ),
    ],
)
def test_a_wrong_notice_is_told(notices: str, options: dict[str, str], told: str, tmp_path: Path) -> None:
    """With file, line and path, what to write instead, and never the secret."""
    assert told in problem(tmp_path, notices, **options)


def test_an_unknown_organization_names_the_nearest(tmp_path: Path) -> None:
    """A slip there would silence the notice for ever."""
    told = problem(tmp_path, WEBHOOK.replace("{name", "{organizations: [planetexpres], name"))

    assert told.endswith("did you mean planetexpress?")
    assert "notices[0].organizations[0]" in told


def test_apprise_must_be_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra, the file is told what to install."""
    other = "{name: other, type: apprise, url: {env: URL}}"
    assert isinstance(read(tmp_path, other).settings.notices[0], AppriseSettings)
    monkeypatch.setitem(__import__("sys").modules, "apprise", None)

    assert "Apprise isn't installed here: pip install '.[apprise]'" in problem(tmp_path, other)


def test_the_folder_of_reports_is_relative_to_the_file(tmp_path: Path) -> None:
    """As every path; none by default."""
    assert read(tmp_path, WEBHOOK).settings.reports.folder is None
    settings = read(tmp_path, WEBHOOK, more="reports: {folder: reports}\n").settings

    assert settings.reports.folder == tmp_path / "reports"
    assert settings.reports.keep == 100


def test_a_dead_man_switch_belongs_to_an_organization(tmp_path: Path) -> None:
    """Its URL is a secret too."""
    path = tmp_path / "syncd.yaml"
    path.write_text(f"{TEXT}    heartbeat: {{url: {{env: URL}}}}\n", encoding="utf-8")
    loaded = load(path, {"URL": URL})
    heartbeat = loaded.settings.organizations[0].heartbeat

    assert heartbeat is not None
    assert heartbeat.url.get_secret_value() == URL
    assert loaded.secrets == (URL,)
