import pytest
from pydantic import ValidationError

from syncd.settings.shape import Shape
from syncd.settings.strict_yaml import Scalar
from syncd.sources.ldap.settings_connection import BindSettings, ConnectionSettings, TlsSettings

READER = {"dn": "cn=reader,dc=corp,dc=example", "password": "sesame"}


def settings(**changes: object) -> ConnectionSettings:
    return ConnectionSettings.model_validate({"servers": ["ldaps://dc1.corp.example"], "bind": READER, **changes})


def fails(**changes: object) -> str:
    with pytest.raises(ValidationError) as caught:
        settings(**changes)
    return str(caught.value)


def test_three_lines_are_enough() -> None:
    """Servers, DN and password are a whole connection; everything else has a safe default."""
    made = settings()

    assert made.page_size == 1000
    assert made.allow_plaintext is False
    assert made.tls.start_tls is False
    assert made.timeouts.receive.total_seconds() == 60


def test_one_server_needs_no_list() -> None:
    """A single server, or a domain, is written without brackets."""
    assert settings(servers="srv://corp.example").servers == ("srv://corp.example",)


def test_a_password_is_never_shown() -> None:
    """Neither the settings' text nor their JSON has the password in it."""
    made = settings()

    assert "sesame" not in repr(made)
    assert "sesame" not in str(made)
    assert "sesame" not in made.model_dump_json()


def test_the_model_says_what_is_secret() -> None:
    """The loader knows the password by its field, so that it may not stand in the file."""
    node = Scalar(line=1, column=1, value="x", text="x")
    bind = Shape.of(BindSettings, node)

    assert bind.child("password", node).is_secret
    assert not bind.child("dn", node).is_secret
    assert Shape.of(TlsSettings, node).child("ca_file", node).is_path


@pytest.mark.parametrize(
    ("changes", "is_allowed"),
    [
        ({"servers": ["ldap://dc1.corp.example"]}, False),
        ({"servers": ["ldap://10.0.0.5"]}, False),
        ({"servers": ["ldap://localhost.corp.example"]}, False),
        ({"servers": ["ldap://dc1.corp.example"], "tls": {"start_tls": True}}, True),
        ({"servers": ["ldap://dc1.corp.example"], "allow_plaintext": True}, True),
        ({"servers": ["ldap://localhost:1389", "ldap://127.0.0.1", "ldap://[::1]"]}, True),
        ({"servers": ["ldapi:///run/slapd/ldapi", "ldaps://dc1", "srv://corp.example"]}, True),
        ({"servers": ["ldaps://dc1", "ldap://dc2"]}, False),
    ],
)
def test_clear_text_must_be_said(changes: dict[str, object], is_allowed: bool) -> None:
    """Without TLS there is only this machine, unless the operator says that the network is safe."""
    if is_allowed:
        settings(**changes)
    else:
        assert "would carry the password in clear text: write ldaps://" in fails(**changes)


@pytest.mark.parametrize(
    ("bind", "said"),
    [
        ({}, "needs dn and password"),
        ({"dn": "cn=reader"}, "needs dn and password"),
        ({"password": "x"}, "needs dn and password"),
        ({"dn": "cn=reader", "password": ""}, "needs dn and password"),
        ({"method": "external", "password": "x"}, "a bind by external has no password"),
        ({"method": "ntlm"}, "Input should be 'simple', 'external', 'gssapi' or 'anonymous'"),
    ],
)
def test_a_bind_is_whole(bind: dict[str, object], said: str) -> None:
    """A bind that would be one as nobody, or one that makes no sense, is refused when the file is read."""
    assert said in fails(bind=bind)


@pytest.mark.parametrize("bind", [{"method": "anonymous"}, {"method": "external"}, {"method": "gssapi"}])
def test_other_binds(bind: dict[str, object]) -> None:
    """The other methods need nothing more."""
    assert settings(bind=bind).bind.password is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"servers": []}, "at least 1 item"),
        ({"servers": ["dc1.corp.example"]}, "is no address of a server"),
        ({"tls": {"client_key": "key.pem"}}, "client_key needs client_certificate"),
        ({"timeouts": {"receive": "0s"}}, "receive must be at least 1s"),
        ({"page_size": -1}, "greater than or equal to 0"),
        ({"pagesize": 5}, "Extra inputs are not permitted"),
    ],
)
def test_what_makes_no_sense_is_refused(changes: dict[str, object], said: str) -> None:
    """Each mistake is named when the file is read, not in the first night."""
    assert said in fails(**changes)
