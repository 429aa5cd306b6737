"""What `doctor` can say of the sinks without sending anything."""

from pathlib import Path

from pydantic import SecretStr, TypeAdapter

from syncd.model.check import Health
from syncd.notices.examination import examine
from syncd.notices.settings import AnyNotice, HeartbeatSettings
from tests.fakes.authority import Authority
from tests.fakes.receivers import mail_server, nobody, receiver

KEY = "0123456789abcdef"


def notice(name: str, **facts: object) -> AnyNotice:
    read: TypeAdapter[AnyNotice] = TypeAdapter(AnyNotice)
    return read.validate_python({"name": name, **facts})


def test_every_sink_is_looked_at_and_nothing_is_sent(tmp_path: Path) -> None:
    """Names resolve, servers answer, certificates hold: one check each, and no receiver got anything."""
    authority = Authority(tmp_path)
    identity = authority.issue("localhost")
    mail = {"sender": "a@b.example", "to": ["c@d.example"], "ca_file": authority.ca_file}
    with receiver(identity) as web, receiver() as plain, mail_server(identity) as box:
        checks = list(
            examine(
                [
                    notice("ops", type="webhook", url=f"{web.url}/s3cr3t", secret=KEY, ca_file=authority.ca_file),
                    notice("chat", type="slack", url=f"{web.url}/s3cr3t"),
                    notice("mail", type="email", server=f"smtp://localhost:{box.port}", **mail),
                    notice(
                        "topic",
                        type="sns",
                        topic_arn="arn:aws:sns:eu-west-1:123456789012:syncd",
                        endpoint_url=plain.url.removesuffix("/hook"),
                    ),
                    notice("other", type="apprise", url="json://localhost/s3cr3t"),
                ],
                {"planetexpress": HeartbeatSettings(url=SecretStr(plain.url))},
            )
        )

    assert [(check.topic, check.health) for check in checks] == [
        ("notice ops", Health.OK),
        ("notice chat", Health.FAIL),
        ("notice mail", Health.OK),
        ("notice topic", Health.OK),
        ("notice other", Health.OK),
        ("heartbeat of planetexpress", Health.OK),
    ]
    assert checks[1].found.startswith("its certificate isn't accepted")
    assert checks[1].remedy
    assert checks[1].exit_code == 69
    assert (web.got, plain.got, box.mails) == ([], [], [])
    assert "s3cr3t" not in str(checks)


def test_nobody_there_is_said() -> None:
    """A receiver and a mail server that don't answer."""
    with nobody() as port:
        checks = list(
            examine(
                [
                    notice("ops", type="webhook", url=f"http://127.0.0.1:{port}/", secret=KEY),
                    notice(
                        "mail",
                        type="email",
                        server=f"smtp://localhost:{port}",
                        sender="a@b.example",
                        to=["c@d.example"],
                    ),
                ]
            )
        )

    assert [check.health for check in checks] == [Health.FAIL, Health.FAIL]
    assert [check.found for check in checks] == ["connection refused", "connection refused"]
