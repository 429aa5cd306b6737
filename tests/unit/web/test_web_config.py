"""The web configuration: read strictly, read again when it changes."""

import ssl
from pathlib import Path

import pytest
import structlog

from syncd.errors import ConfigurationError
from syncd.web.settings import HttpSettings
from syncd.web.web_config import WebConfiguration
from syncd.wiring import read_web_settings
from tests.fakes.apps import AskedApp, basic, bcrypt_hash, bearer, log, web_file
from tests.fakes.authority import Authority, Identity


def tls(identity: Identity, more: str = "") -> str:
    return f"tls_server_config: {{cert_file: {identity.certificate}, key_file: {identity.key}{more}}}\n"


def said_of(path: Path) -> str:
    with pytest.raises(ConfigurationError) as caught:
        AskedApp(web_config=path)
    assert caught.value.exit_code == 78
    return str(caught.value)


def test_a_file_of_prometheus_is_read(tmp_path: Path) -> None:
    """The usual keys mean what they mean there; paths are relative to the file."""
    identity = Authority(tmp_path).issue("localhost")
    text = f"""
tls_server_config:
  cert_file: {identity.certificate.name}
  key_file: {identity.key.name}
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: ca.pem
  min_version: TLS13
basic_auth_users:
  ada: {bcrypt_hash()}
"""
    now = WebConfiguration(HttpSettings(web_config=web_file(tmp_path, text)), read_web_settings, log).now

    assert now.tls is not None
    assert now.tls.minimum_version is ssl.TLSVersion.TLSv1_3
    assert now.tls.verify_mode is ssl.CERT_REQUIRED
    assert (now.settings.authenticates, now.settings.asks) == (True, True)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("basic_auth_user: {}\n", ":1:1: basic_auth_user: unknown key; did you mean basic_auth_users?"),
        ("tls_server_config: {cert_fil: a, key_file: b}\n", "unknown key; did you mean cert_file?"),
        ("tls_server_config: {cert_file: a.pem}\n", "key_file: this key is required"),
        ("basic_auth_users:\n  ada: hunter2\n", ":2:8: basic_auth_users.ada: this is no bcrypt hash; make one with"),
        (f"basic_auth_users: {{ada: $2y$31${'a' * 53}}}\n", "the cost 31 is not between 04 and 14"),
        ("bearer_token_hashes: {ci: secret}\n", "this is no SHA-256 in 64 small hex digits"),
        ("basic_auth_users: {ada: a}\nbasic_auth_users: {}\n", "the key basic_auth_users occurs twice"),
        ("tls_server_config: {cert_file: a, key_file: b, client_ca_file: c}\n", "belong together"),
        (
            "tls_server_config: {cert_file: a, key_file: b, client_auth_type: RequestClientCert}\n",
            "expected NoClientCert, VerifyClientCertIfGiven or RequireAndVerifyClientCert",
        ),
        ("tls_server_config: {cert_file: a.pem, key_file: b.pem}\n", "can't be used: No such file or directory"),
    ],
)
def test_a_mistake_in_it_ends_the_start(text: str, says: str, tmp_path: Path) -> None:
    """Each mistake is said with file, line, key and remedy; a password in it is never repeated."""
    said = said_of(web_file(tmp_path, text))

    assert says in said
    assert "hunter2" not in said


def test_a_missing_file_ends_the_start(tmp_path: Path) -> None:
    """The file is named, and so is the key that names it."""
    said = said_of(tmp_path / "web.yml")

    assert "web.yml can't be read: No such file or directory" in said
    assert "http.web_config" in said
    assert "--config" not in said


def test_a_key_of_another_certificate_ends_the_start(tmp_path: Path) -> None:
    """Certificate and key must belong together."""
    authority = Authority(tmp_path)
    first, second = authority.issue("localhost"), authority.issue("localhost")
    text = tls(Identity(first.certificate, second.key))

    assert "belong together" in said_of(web_file(tmp_path, text))


def test_a_change_is_in_force_at_once(tmp_path: Path) -> None:
    """A new password opens, the old one doesn't any more, and the log says that it was read."""
    path = web_file(tmp_path)
    app = AskedApp(web_config=path)
    web_file(tmp_path, f"basic_auth_users: {{ada: {bcrypt_hash('a new one')}}}\n")

    with structlog.testing.capture_logs() as log:
        app.app.refresh()
        app.app.refresh()

    assert [line["event"] for line in log] == ["web_config_reloaded"]
    assert app.get("/", basic(password="a new one")).status_code == 200
    assert app.get("/", basic()).status_code == 401
    assert app.get("/", bearer()).status_code == 401


def test_a_bad_change_keeps_the_old(tmp_path: Path) -> None:
    """What can't be used is logged once, with what is wrong; who could come in before still can."""
    path = web_file(tmp_path)
    app = AskedApp(web_config=path)
    web_file(tmp_path, "basic_auth_users: {ada: hunter2}\n")

    with structlog.testing.capture_logs() as log:
        app.app.refresh()
        app.app.refresh()

    assert [line["event"] for line in log] == ["web_config_rejected"]
    assert "this is no bcrypt hash" in log[0]["message"]
    assert "hunter2" not in log[0]["message"]
    assert app.get("/", basic()).status_code == 200
    web_file(tmp_path)
    app.app.refresh()
    assert app.get("/", bearer()).status_code == 200


def test_a_change_can_not_open_the_door(tmp_path: Path) -> None:
    """Where authentication is what makes personal data possible, taking it out is rejected."""
    app = AskedApp(listen="0.0.0.0:9780", personal_data=True, web_config=web_file(tmp_path))
    web_file(tmp_path, "basic_auth_users: {}\n")

    with structlog.testing.capture_logs() as log:
        app.app.refresh()

    assert [line["event"] for line in log] == ["web_config_rejected"]
    assert app.get().status_code == 401


def test_tls_can_not_be_switched_while_it_runs(tmp_path: Path) -> None:
    """Adding or removing TLS needs a restart, and says so."""
    app = AskedApp(web_config=web_file(tmp_path))
    web_file(tmp_path, tls(Authority(tmp_path).issue("localhost")))

    with structlog.testing.capture_logs() as log:
        app.app.refresh()

    assert "restart syncd" in log[0]["message"]
    assert app.app.web.now.tls is None


def test_what_was_missing_is_taken_when_it_comes(tmp_path: Path) -> None:
    """A file that names a certificate which is written a moment later is taken then, though it didn't change again."""
    authority = Authority(tmp_path)
    path = web_file(tmp_path, tls(authority.issue("localhost")))
    app = AskedApp(web_config=path)
    before = app.app.web.now.tls
    other = authority.issue("localhost")
    hidden = other.certificate.rename(tmp_path / "hidden")
    web_file(tmp_path, tls(other))
    with structlog.testing.capture_logs() as log:
        app.app.refresh()
        hidden.rename(other.certificate)
        app.app.refresh()

    assert [line["event"] for line in log] == ["web_config_rejected", "web_config_reloaded"]
    assert app.app.web.now.tls is not before
