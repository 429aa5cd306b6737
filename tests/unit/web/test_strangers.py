"""Whatever comes in, an answer goes out: requests as nobody would write them."""

import string
from pathlib import Path

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from tests.fakes.apps import AskedApp, web_file

FEW = settings(max_examples=60)
PATHS = some.one_of(
    some.sampled_from(["/", "/-/sync", "/metrics", "/livez", "/readyz", "/organizations/", "/icon/"]),
    some.text(alphabet=string.printable + "\u00e9\u202e\U0001f4a9%", max_size=40).map(lambda text: f"/{text}"),
)
METHODS = some.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "get", "X"])
VALUES = some.text(alphabet=string.ascii_letters + string.digits + " :/=.,;-\"'[]%\t", max_size=60).map(str.strip)
HEADERS = some.dictionaries(
    some.sampled_from(
        ["host", "origin", "sec-fetch-site", "authorization", "accept", "content-type", "cookie", "x-forwarded-host"]
    ),
    VALUES,
    max_size=4,
)


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> AskedApp:
    folder: Path = tmp_path_factory.mktemp("web")
    return AskedApp(actions=True, web_config=web_file(folder))


@FEW
@given(method=METHODS, path=PATHS, headers=HEADERS, body=some.binary(max_size=200))
def test_no_request_is_an_error_of_ours(
    asked: AskedApp, method: str, path: str, headers: dict[str, str], body: bytes
) -> None:
    """No method, path, header or body makes an exception, and a stranger never starts a cycle or sees a page."""
    try:
        answer = asked.ask(method, path, headers, body)
    except (httpx.InvalidURL, httpx.UnsupportedProtocol):
        return

    assert answer.status_code < 500 or answer.status_code == 503
    assert "planetexpress" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert asked.asked == []


@FEW
@given(name=some.text(max_size=80))
def test_no_name_is_an_error_of_ours(name: str) -> None:
    """Whatever name a cycle is asked for, it is one of ours or 404, and what comes back is plain text."""
    asked = AskedApp(actions=True)

    answer = asked.post(data={"organization": name})

    assert answer.status_code == (202 if name == "planetexpress" else 404)
    assert answer.headers["content-type"].startswith("text/plain")
