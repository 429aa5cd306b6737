"""What may stand in a log line."""

import base64
import json
from urllib.parse import quote

import pytest

from syncd.telemetry.redaction import HIDDEN, SecretFilter, hide_personal_data

SECRET = 'p@ss/"wörd'


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        quote(SECRET, safe=""),
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode().rstrip("="),
        '\\"w\\u00f6rd',
        repr(SECRET.encode())[2:-1],
        json.dumps(repr(SECRET.encode())[2:-1])[1:-1],
    ],
    ids=["plain", "in a URL", "base64", "base64 for URLs", "within JSON", "bytes", "bytes within JSON"],
)
def test_a_secret_is_replaced_in_each_form_it_travels_in(form: str) -> None:
    """Plain, URL-encoded, base64 and JSON forms all go."""
    text = f"before {form if 'u00f6' not in form else 'p@ss/' + form} after"

    assert SecretFilter([SECRET]).clean(text) == f"before {HIDDEN} after"


@pytest.mark.parametrize("user", ["", "a", "ab", "abc"])
def test_a_secret_is_replaced_within_something_encoded(user: str) -> None:
    """A header of basic authentication holds name and password in base64: what is left of it tells nothing."""
    header = base64.b64encode(f"{user}:{SECRET}:rest".encode()).decode()
    left = SecretFilter([SECRET]).clean(header)

    assert HIDDEN in left
    assert len(left.replace(HIDDEN, "")) <= len(header) - len(SECRET)


def test_a_longer_secret_goes_before_one_it_contains() -> None:
    """Nothing of the longer one is left over."""
    assert SecretFilter(["hush", "hush-hush"]).clean("say hush-hush") == f"say {HIDDEN}"


def test_a_secret_can_be_registered_later() -> None:
    """What is read after the log began is hidden too."""
    secrets = SecretFilter()
    secrets.register("later-on")

    assert secrets.clean("later-on") == HIDDEN


def test_text_without_secrets_stays() -> None:
    """Without secrets, or with ones too short to be one, nothing is replaced."""
    assert SecretFilter(["", "abc"]).clean("abc def") == "abc def"


def test_an_address_in_an_open_field_is_masked() -> None:
    """Messages of the service may name people; the rest of the message stays."""
    event = {"event": "operation_failed", "message": "<ada@corp.example> is in use", "call": "CreateAlias"}

    assert hide_personal_data(event)["message"] == "<(address)> is in use"
    assert event["call"] == "CreateAlias"


def test_text_in_an_unknown_field_is_hidden_and_numbers_are_not() -> None:
    """A new field is closed until somebody decides otherwise."""
    event = {"event": "x", "display_name": "Ada", "people": ["Ada"], "count": 3, "took": {"plan": 0.1}, "dry": True}

    assert hide_personal_data(event) == {
        "event": "x",
        "display_name": HIDDEN,
        "people": HIDDEN,
        "count": 3,
        "took": {"plan": 0.1},
        "dry": True,
    }
