"""`syncd doctor` beside real disks that are full or read-only, and beside a daemon at work."""

import http.client
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.disks import fill, make_read_only, small_disk
from tests.fakes.slapd import free_port
from tests.functional.places import Site, planetexpress

SOON = 240.0


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 200 megabytes."""
    with small_disk(tmp_path / "disk", "200m") as found:
        yield found


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    folder = tmp_path / "site"
    folder.mkdir()
    with planetexpress(folder) as found:
        yield found


def on(disk: Path, site: Site) -> None:
    """Put the store there, and let it know a plan."""
    site.change("sqlite:///syncd.db", f"sqlite:///{disk}/syncd.db")
    assert site.syncd("plan").code == 0


def checks(site: Site, code: int) -> Mapping[str, Mapping[str, Any]]:
    ended = site.syncd("doctor", "--area", "store", "--format", "json")
    assert ended.code == code, ended.out
    return {check["topic"]: check for check in json.loads(ended.out)["checks"]}


def test_a_disk_that_fills_up(site: Site, disk: Path) -> None:
    """Below a GiB it is told; below 100 MiB it fails with 69; full, the store can still be looked at."""
    on(disk, site)
    assert checks(site, 0)["disk"]["health"] == "WARN"

    with (disk / "ballast").open("wb", buffering=0) as ballast:
        ballast.write(b"x" * 110 * 1024 * 1024)
    scarce = checks(site, 69)
    assert scarce["disk"]["health"] == "FAIL"
    assert "MiB free on the file system of" in scarce["disk"]["found"]

    fill(disk)
    full = checks(site, 69)
    assert full["disk"]["found"].startswith("0 bytes free")
    assert full["integrity"]["health"] == "OK"


def test_a_read_only_disk(site: Site, disk: Path) -> None:
    """69: neither the file nor its folder can be written, and each says so; what is in it is read all the same."""
    on(disk, site)
    make_read_only(disk)

    found = checks(site, 69)

    assert found["file"]["found"].endswith(": it can't be written")
    assert found["folder"]["found"] == f"{disk} can't be written"
    assert found["schema"]["health"] == "OK"


def test_a_read_only_disk_without_a_store(site: Site, disk: Path) -> None:
    """69: none can be made there."""
    site.change("sqlite:///syncd.db", f"sqlite:///{disk}/syncd.db")
    make_read_only(disk)

    found = checks(site, 69)

    assert found["file"]["found"].startswith("no store yet")
    assert found["folder"]["health"] == "FAIL"


@contextmanager
def running(site: Site) -> Iterator[int]:
    """Run the daemon; yield the port on which it answers."""
    port = free_port()
    site.change("store:", f"http: {{listen: 127.0.0.1:{port}}}\nstore:")
    with subprocess.Popen(
        [sys.executable, "-m", "syncd", "run"], cwd=site.folder, env=site.env(), stderr=subprocess.DEVNULL
    ) as process:
        try:
            give_up = time.monotonic() + SOON
            while not answers(port):
                assert process.poll() is None, "the daemon ended"
                assert time.monotonic() < give_up, "it never answered"
                threading.Event().wait(0.1)
            yield port
        finally:
            process.terminate()
            process.wait(SOON)


def answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SOON)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def test_beside_a_daemon_at_work(site: Site) -> None:
    """The address is held by a syncd that answers, the store is open and sound; the daemon goes on."""
    with running(site) as port:
        ended = site.syncd("doctor", "--format", "json")
        found = {(check["area"], check["topic"]): check["found"] for check in json.loads(ended.out)["checks"]}

        assert ended.code == 0, ended.out
        assert found["http", "listen"] == f"127.0.0.1:{port} is held by a running syncd, which answers"
        assert found["store", "integrity"] == "quick_check finds nothing wrong"
        assert answers(port)
