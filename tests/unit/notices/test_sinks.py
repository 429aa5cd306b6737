"""Each kind of sink, against a receiver of its kind on this machine."""

import email
import email.policy
import json
from collections.abc import Iterator
from dataclasses import replace
from email.message import EmailMessage
from urllib.parse import parse_qs

import pytest
from pydantic import TypeAdapter

from syncd.notices.composing import Notice, failure, recovery, refusal
from syncd.notices.posting import Undelivered
from syncd.notices.settings import AnyNotice
from syncd.notices.signing import sign, verify
from syncd.notices.sinks import make_sink
from tests.builders import NOW
from tests.fakes.authority import Authority, Identity
from tests.fakes.clock import FakeClock
from tests.fakes.receivers import Mailbox, Receiver, mail_server, nobody, receiver
from tests.unit.notices.cycles import PERSON, report

KEY = "0123456789abcdef0123456789abcdef"
PASSWORD = "canary-in-the-mail"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def identity(authority: Authority) -> Identity:
    return authority.issue("localhost")


@pytest.fixture
def here() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


ANY: TypeAdapter[AnyNotice] = TypeAdapter(AnyNotice)


def settings(**facts: object) -> AnyNotice:
    return ANY.validate_python({"name": "ops", **facts})


def send(notice: Notice, **facts: object) -> None:
    make_sink(settings(**facts), FakeClock()).send(notice)


def a_refusal() -> Notice:
    return refusal(report("withheld"), NOW, mode="full")


def mailed(box: Mailbox, number: int = 0) -> EmailMessage:
    found = email.message_from_bytes(box.mails[number], policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    return found


def test_a_webhook_is_signed_json(here: Receiver) -> None:
    """A receiver that does as signing.py says can tell whom it is from, and what it is about."""
    send(a_refusal(), type="webhook", url=here.url, secret=KEY)
    (got,) = here.got
    now = int(FakeClock().timestamp())

    assert verify([KEY], got.body, got.headers["Syncd-Signature"], now)
    document = json.loads(got.body)
    assert document["id"] == got.headers["Syncd-Id"]
    assert got.headers["Content-Type"] == "application/json; charset=utf-8"
    assert {name: document[name] for name in ("schema_version", "occasion", "organization", "at", "title")} == {
        "schema_version": 1,
        "occasion": "refusal",
        "organization": "planetexpress",
        "at": "2026-03-01T08:00:00Z",
        "title": "planetexpress: 3 operations wait for approval",
    }
    assert document["guards"] == [{"guard": "removals", "counted": 3, "population": 40}]
    assert document["numbers"]["withheld"] == 3
    assert document["commands"][-1] == f"syncd approve {document['digest'][:8]}"


def test_the_signature_is_what_the_documents_say() -> None:
    """HMAC-SHA256 over seconds, a full stop and the body, in hexadecimal; what openssl makes of the same."""
    openssl = "76dc35f4105f6eb0cd6fcd7a0dadc8bfc57563e28dafa77ea41b5b79c526d343"

    assert sign("secret", b'{"a": 1}', 1772352000) == f"t=1772352000,v1={openssl}"


@pytest.mark.parametrize(
    ("secrets", "body", "header", "now"),
    [
        (["other-other-other"], b"{}", sign(KEY, b"{}", 1000), 1000),
        ([KEY], b"{ }", sign(KEY, b"{}", 1000), 1000),
        ([KEY], b"{}", sign(KEY, b"{}", 1000), 1301),
        ([KEY], b"{}", sign(KEY, b"{}", 1000), 699),
        ([KEY], b"{}", sign(KEY, b"{}", 1000).replace("t=1000", "t=1001"), 1000),
        ([KEY], b"{}", "", 1000),
        ([KEY], b"{}", "t=1000", 1000),
        ([KEY], b"{}", f"t=x,{sign(KEY, b'{}', 1000)[7:]}", 1000),
        ([KEY], b"{}", f"t=1000,t=1000,{sign(KEY, b'{}', 1000)[7:]}", 1000),
    ],
)
def test_what_is_not_signed_as_it_should_be_is_refused(secrets: list[str], body: bytes, header: str, now: int) -> None:
    """Another key, another body, an old or future time, a header that says nothing."""
    assert not verify(secrets, body, header, now)


def test_a_key_can_be_replaced() -> None:
    """A receiver that knows both keys takes either."""
    assert verify(["new-new-new-new-new", KEY], b"{}", sign(KEY, b"{}", 1000), 1100)


def test_slack_gets_text_and_no_markup_of_others(here: Receiver) -> None:
    """Three characters are markup there: names can't make a link or call a channel."""
    hostile = replace(a_refusal(), title="<!channel> & <http://evil.example|x>", personal=(f"<@U1> {PERSON}",))
    send(hostile, type="slack", url=here.url, personal_data=True)
    message = json.loads(here.got[0].body)
    shown = message["blocks"][0]["text"]["text"] + message["blocks"][1]["text"]["text"] + message["text"]

    assert "<" not in shown
    assert "&lt;!channel&gt; &amp;" in shown
    assert PERSON in shown
    assert "`syncd approve " in shown


def test_a_long_message_fits_a_block(here: Receiver) -> None:
    """Slack takes 3,000 characters in a block: more is cut at a line, commands stay."""
    long = replace(a_refusal(), lines=tuple(f"line {number} <&>" for number in range(2000)))
    send(long, type="slack", url=here.url)
    text = json.loads(here.got[0].body)["blocks"][1]["text"]["text"]

    assert len(text) < 3000
    assert text.count("syncd approve") == 1


@pytest.mark.parametrize("implicit", [True, False], ids=["smtps", "starttls"])
def test_a_mail_goes_over_checked_tls(implicit: bool, authority: Authority, identity: Identity) -> None:
    """With TLS from the first byte or by STARTTLS: account, text, HTML; a machine wrote it."""
    with mail_server(identity, implicit=implicit) as box:
        scheme = "smtps" if implicit else "smtp"
        send(
            a_refusal(),
            type="email",
            server=f"{scheme}://localhost:{box.port}",
            username="syncd",
            password=PASSWORD,
            sender="syncd@planetexpress.example",
            to=["hermes@planetexpress.example", "leela@planetexpress.example"],
            ca_file=authority.ca_file,
        )
    message = mailed(box)
    text, html = (part.get_content() for part in message.iter_parts())

    assert box.was_encrypted == [True]
    assert box.logins == [f"\0syncd\0{PASSWORD}"]
    assert message["Subject"] == "[syncd] planetexpress: 3 operations wait for approval"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"].endswith("@planetexpress.example>")
    assert "syncd approve" in text
    assert "syncd approve" in html
    assert PERSON not in box.mails[0].decode()


def test_a_mail_with_names_has_the_report(authority: Authority, identity: Identity) -> None:
    """Where personal data is allowed, the page is attached, whole."""
    with mail_server(identity) as box:
        send(
            a_refusal(),
            type="email",
            personal_data=True,
            server=f"smtp://localhost:{box.port}",
            sender="syncd@planetexpress.example",
            to=["hermes@planetexpress.example"],
            ca_file=authority.ca_file,
        )
    (page,) = mailed(box).iter_attachments()

    assert page.get_filename() == "planetexpress-20260301T080000Z.html"
    content = page.get_content()
    assert "Content-Security-Policy" in content
    assert content.rstrip().endswith("</html>")


@pytest.mark.parametrize(
    ("change", "code", "again"),
    [("recipient_code", 550, False), ("recipient_code", 450, True), ("login_code", 535, False)],
)
def test_a_mail_server_that_refuses(
    change: str, code: int, again: bool, authority: Authority, identity: Identity
) -> None:
    """Its code says whether another attempt makes sense; its words, which may name people, are kept out."""
    with mail_server(identity) as box:
        setattr(box, change, code)
        with pytest.raises(Undelivered) as caught:
            send(
                a_refusal(),
                type="email",
                server=f"smtp://localhost:{box.port}",
                username="syncd",
                password=PASSWORD,
                sender="syncd@planetexpress.example",
                to=["hermes@planetexpress.example"],
                ca_file=authority.ca_file,
            )

    assert caught.value.again is again
    assert str(code) in caught.value.reason
    assert "hermes" not in caught.value.reason
    assert box.mails == []


@pytest.mark.parametrize("implicit", [True, False], ids=["smtps", "starttls"])
def test_a_mail_server_with_a_wrong_certificate_gets_nothing(implicit: bool, authority: Authority) -> None:
    """Neither the account nor the mail."""
    with mail_server(authority.issue("elsewhere.example"), implicit=implicit) as box:
        scheme = "smtps" if implicit else "smtp"
        with pytest.raises(Undelivered, match="its certificate isn't accepted"):
            send(
                a_refusal(),
                type="email",
                server=f"{scheme}://localhost:{box.port}",
                username="syncd",
                password=PASSWORD,
                sender="syncd@planetexpress.example",
                to=["hermes@planetexpress.example"],
                ca_file=authority.ca_file,
            )

    assert (box.logins, box.mails) == ([], [])


def test_this_machine_needs_no_tls() -> None:
    """A mail server on this machine that offers no STARTTLS is used all the same."""
    with mail_server() as box:
        send(
            a_refusal(),
            type="email",
            server=f"smtp://localhost:{box.port}",
            sender="syncd@planetexpress.example",
            to=["hermes@planetexpress.example"],
        )

    assert box.was_encrypted == [False]


def test_no_mail_server_is_told() -> None:
    """Nobody there is worth another attempt."""
    with nobody() as port, pytest.raises(Undelivered, match="connection refused") as caught:
        send(
            a_refusal(),
            type="email",
            server=f"smtp://localhost:{port}",
            sender="syncd@planetexpress.example",
            to=["hermes@planetexpress.example"],
        )

    assert caught.value.again


PUBLISHED = (
    b'<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult>'
    b"<MessageId>1</MessageId></PublishResult></PublishResponse>"
)
DENIED = (
    b'<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type>'
    b"<Code>%s</Code><Message>no</Message></Error></ErrorResponse>"
)
#: Apprise imports a module that Python drops in 3.13, and knows how to do without it.
ITS_IMPORTS = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
TOPIC = "arn:aws:sns:eu-west-1:123456789012:syncd"


def test_a_topic_gets_subject_text_and_attributes(here: Receiver) -> None:
    """boto3 publishes: a subject in ASCII, the text, and attributes that subscriptions can filter by."""
    here.body = PUBLISHED
    send(replace(a_refusal(), title="ß" * 200), type="sns", topic_arn=TOPIC, endpoint_url=here.url[: -len("/hook")])
    form = {name: values[0] for name, values in parse_qs(here.got[0].body.decode()).items()}

    assert form["TopicArn"] == TOPIC
    assert form["Subject"] == "[syncd] " + "?" * 89 + "..."
    assert "syncd approve" in form["Message"]
    assert "refusal" in form.values()
    assert "/eu-west-1/sns/" in here.got[0].headers["Authorization"]


@pytest.mark.parametrize(
    ("status", "code", "again"), [(403, b"AuthorizationError", False), (400, b"Throttling", True), (500, b"Oops", True)]
)
def test_a_topic_that_refuses(status: int, code: bytes, again: bool, here: Receiver) -> None:
    """A missing right is final, a throttle isn't."""
    here.statuses, here.body = [status], DENIED % code
    with pytest.raises(Undelivered, match=f"SNS says {code.decode()}") as caught:
        send(a_refusal(), type="sns", topic_arn=TOPIC, endpoint_url=here.url[: -len("/hook")])

    assert caught.value.again is again
    assert len(here.got) == 1


def test_no_topic_there_is_told() -> None:
    """An endpoint that doesn't answer is worth another attempt."""
    with nobody() as port, pytest.raises(Undelivered, match="no answer") as caught:
        send(a_refusal(), type="sns", topic_arn=TOPIC, endpoint_url=f"http://127.0.0.1:{port}")

    assert caught.value.again


@ITS_IMPORTS
def test_apprise_delivers(here: Receiver) -> None:
    """What Apprise knows is reached through it."""
    send(a_refusal(), type="apprise", url=here.url.replace("http://", "json://"))

    assert "syncd approve" in json.loads(here.got[0].body)["message"]


@ITS_IMPORTS
@pytest.mark.parametrize(("status", "url"), [(500, ""), (200, "nonsense://x/s3cr3t")])
def test_apprise_fails_without_telling_its_url(
    status: int, url: str, here: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither the error nor the log has the URL in it."""
    here.statuses = [status]
    caplog.set_level("DEBUG")
    with pytest.raises(Undelivered) as caught:
        send(a_refusal(), type="apprise", url=url or here.url.replace("http://", "json://") + "/s3cr3t")

    assert "s3cr3t" not in caught.value.reason + caplog.text


@pytest.mark.parametrize(
    "notice",
    [
        a_refusal(),
        failure("planetexpress", report("failed"), NOW),
        failure("planetexpress", report("partial"), NOW),
        failure("planetexpress", RuntimeError(PERSON), NOW),
        recovery(report("applied"), NOW, NOW),
    ],
    ids=["refusal", "failed", "partial", "crashed", "recovery"],
)
@pytest.mark.parametrize("kind", ["webhook", "slack", "email"])
def test_nobody_is_named_unless_allowed(kind: str, notice: Notice, here: Receiver) -> None:
    """Without personal_data no sink gets a name, an address or an error's own words."""
    facts: dict[str, object] = {"url": here.url, "secret": KEY} if kind == "webhook" else {"url": here.url}
    if kind == "email":
        with mail_server() as box:
            send(
                notice,
                type=kind,
                server=f"smtp://localhost:{box.port}",
                sender="syncd@planetexpress.example",
                to=["hermes@planetexpress.example"],
            )
        shown = box.mails[0].decode()
    else:
        send(notice, type=kind, **facts)
        shown = here.got[0].body.decode()

    assert PERSON not in shown
    assert "zoidberg" not in shown


def test_who_is_allowed_names_is_told_them(here: Receiver) -> None:
    """With personal_data the guard's words and the first operations are there."""
    send(a_refusal(), type="webhook", url=here.url, secret=KEY, personal_data=True)
    text = json.loads(here.got[0].body)["text"]

    assert f"would deregister {PERSON}" in text
    assert f"- deregister {PERSON} 0" in text


def test_settings_show_no_secret() -> None:
    """However they are printed."""
    every = [
        settings(type="webhook", url="https://hooks.example/s3cr3t", secret=KEY),
        settings(type="slack", url="https://hooks.example/s3cr3t"),
        settings(type="apprise", url="json://localhost/s3cr3t"),
    ]
    shown = "".join(f"{each!r}{each}{each.model_dump_json()}" for each in every)

    assert "s3cr3t" not in shown
    assert KEY not in shown
