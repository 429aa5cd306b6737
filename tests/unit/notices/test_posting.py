"""One request: where it may go, whom it believes, and that it ends."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncd.notices.destinations import Forbidden, parse_destination, resolve
from syncd.notices.posting import Undelivered, post
from tests.fakes.authority import Authority
from tests.fakes.receivers import Receiver, nobody, receiver, silence

SECRET = "s3cr3t-path"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def plain() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


def refused(url: str, **options: object) -> Undelivered:
    with pytest.raises(Undelivered) as caught:
        post(url, b"{}", **options)  # type: ignore[arg-type]  # what the case gives
    error = caught.value
    shown = "".join(map(str, (error, error.__cause__, repr(error))))
    assert SECRET not in shown
    assert error.__suppress_context__ or error.__context__ is None
    return error


def test_a_request_arrives_as_it_was_sent(authority: Authority) -> None:
    """Over TLS, checked against the authorities of the configuration: method, path, headers and body."""
    with receiver(authority.issue("localhost")) as found:
        post(f"{found.url}/{SECRET}?a=b", b'{"x": 1}', {"Syncd-Id": "7"}, ca_file=authority.ca_file)

    (got,) = found.got
    assert (got.method, got.path, got.body) == ("POST", f"/hook/{SECRET}?a=b", b'{"x": 1}')
    assert got.headers["Syncd-Id"] == "7"
    assert got.headers["Host"] == found.url.removeprefix("https://").removesuffix("/hook")


@pytest.mark.parametrize(
    ("names", "options", "reason"),
    [
        (("localhost",), {"signed_by_itself": True}, "its certificate isn't accepted"),
        (("elsewhere.example",), {}, "its certificate isn't accepted: Hostname mismatch"),
        (("localhost",), {"days": -1}, "its certificate isn't accepted: certificate has expired"),
    ],
)
def test_a_wrong_certificate_gets_nothing(
    names: tuple[str, ...], options: dict[str, object], reason: str, authority: Authority
) -> None:
    """Self-signed, another's or expired: not a byte of the notice leaves, and trying again makes no sense."""
    with receiver(authority.issue(*names, **options)) as found:  # type: ignore[arg-type]  # what the case gives
        error = refused(f"{found.url}/{SECRET}", ca_file=authority.ca_file)

    assert error.reason.startswith(reason)
    assert not error.again
    assert found.got == []


@pytest.mark.parametrize(
    ("status", "again"),
    [(301, False), (307, False), (400, False), (404, False), (410, False), (408, True), (429, True), (503, True)],
)
def test_a_status_says_whether_to_try_again(status: int, again: bool, plain: Receiver) -> None:
    """What is busy is asked again, what refuses isn't, and a redirect is never followed."""
    plain.statuses, plain.headers = [status], {"Location": plain.url}

    error = refused(f"{plain.url}/{SECRET}")
    assert error.again is again
    assert error.reason.startswith(f"HTTP {status}")
    assert ("write the new URL" in error.reason) is (300 <= status < 400)
    assert len(plain.got) == 1


def test_a_certificate_is_for_the_name_that_was_configured(authority: Authority) -> None:
    """The same server under a name that its certificate doesn't have gets nothing."""
    with receiver(authority.issue("localhost")) as found:
        error = refused(found.url.replace("localhost", "127.0.0.1"), ca_file=authority.ca_file)

    assert error.reason.startswith("its certificate isn't accepted: IP address mismatch")
    assert found.got == []


def test_a_receiver_may_ask_for_a_pause(plain: Receiver) -> None:
    """Retry-After is honoured, within reason."""
    plain.statuses, plain.headers = [429], {"Retry-After": "40"}
    assert refused(plain.url).after_s == 40
    plain.headers = {"Retry-After": "999999"}
    assert refused(plain.url).after_s == 300


def test_nobody_there_is_told() -> None:
    """A refused connection is worth another attempt."""
    with nobody() as port:
        error = refused(f"http://127.0.0.1:{port}/{SECRET}")

    assert (error.reason, error.again) == ("connection refused", True)


@pytest.mark.parametrize("manner", ["hang", "drip"])
def test_an_attempt_ends_in_time(manner: str, plain: Receiver) -> None:
    """Who says nothing, and who says a byte now and then, is cut off."""
    plain.manner = manner  # type: ignore[assignment]  # one of its manners

    assert refused(f"{plain.url}/{SECRET}", attempt_s=0.3).again


def test_a_handshake_that_never_ends_is_cut_off(authority: Authority) -> None:
    """A server that takes the connection and never speaks TLS holds nobody longer than an attempt."""
    with silence() as port:
        assert refused(f"https://localhost:{port}/{SECRET}", ca_file=authority.ca_file, attempt_s=0.3).again


def test_an_attempt_leaves_nothing_behind(plain: Receiver) -> None:
    """Neither timers nor descriptors grow with the number of requests."""

    def held() -> int:
        for thread in threading.enumerate():
            if isinstance(thread, threading.Timer) or "process_request" in thread.name:
                thread.join(240)
        assert not any(isinstance(thread, threading.Timer) for thread in threading.enumerate())
        return len(list(Path("/proc/self/fd").iterdir()))

    post(plain.url)
    before = held()
    for _ in range(20):
        post(plain.url)

    assert held() == before


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://hooks.example/x", "http would show the notice to the network"),
        ("http://10.0.0.1/x", "http would show the notice to the network"),
        ("ftp://hooks.example/x", "begins with https:// or http://"),
        ("hooks.example/x", "begins with https:// or http://"),
        ("https:///x", "names a host"),
        ("https://hooks.example:99999/x", "must be a URL"),
        ("https://user:pw@hooks.example/x", "must hold neither user@ nor #fragment"),
        ("https://hooks.example/x#y", "must hold neither user@ nor #fragment"),
        ("https://hooks.example/x\r\nHost: evil", "must be a URL in ASCII"),
        ("https://ho\u043eks.example/", "must be a URL in ASCII"),
        ("https://169.254.169.254/latest/meta-data", "is a link-local, metadata or reserved address"),
        ("https://[fe80::1]/", "is a link-local, metadata or reserved address"),
        ("https://[::ffff:169.254.169.254]/", "is a link-local, metadata or reserved address"),
        ("https://[64:ff9b::a9fe:a9fe]/", "is a link-local, metadata or reserved address"),
        ("https://[fd00:ec2::254]/", "is a link-local, metadata or reserved address"),
        ("https://100.100.100.200/", "is a link-local, metadata or reserved address"),
        ("https://0.0.0.0/", "is a link-local, metadata or reserved address"),
        ("https://224.0.0.1/", "is a link-local, metadata or reserved address"),
    ],
)
def test_where_nothing_may_go(url: str, reason: str) -> None:
    """Clear text beyond this machine, and addresses that no receiver has, are refused without repeating the URL."""
    with pytest.raises(ValueError, match=reason) as caught:
        parse_destination(url)

    assert "meta-data" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://hooks.example/", ["192.0.2.1", "169.254.169.254"]),
        ("https://hooks.example/", ["fe80::1%eth0"]),
        ("http://localhost/", ["192.0.2.1"]),
    ],
)
def test_a_name_that_leads_astray_is_refused(url: str, found: list[str]) -> None:
    """The addresses of a name are held to the same rules, all of them."""
    with pytest.raises(Forbidden):
        resolve(parse_destination(url), lambda _host, _port: found)


def test_private_networks_are_allowed() -> None:
    """Most receivers stand in one."""
    target = parse_destination("https://hooks.corp.example/")

    addresses = ["10.1.2.3", "fd12::1", "::ffff:10.1.2.3"]
    assert resolve(target, lambda _host, _port: addresses) == addresses
