"""Each way to fail: a sentence on stderr, its exit code, and nothing done."""

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncd.emulator import Emulator
from syncd.emulator.documents import read_document
from syncd.emulator.seed import plant
from syncd.emulator.server import EmulatorServer
from tests.functional.conftest import CREDENTIALS, DEMO, Place, a_place


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A place in which one plan was made; what can't be understood leaves it as it is."""
    with a_place(tmp_path_factory.mktemp("planned")) as found:
        assert found.syncd("plan").returncode == 0
        yield found


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["plann"], "No such command 'plann'"),
        (["plan", "--nope"], "No such option: --nope"),
        (["plan", "--format", "xml"], "'xml' is not one of"),
        (["apply"], "Missing argument 'DIGEST'"),
        (["apply", "abc"], "names no plan"),
        (["apply", "0123abcd"], "no stored plan"),
        (["approve", "0123abcd", "--expires", "soon"], "expected a duration"),
        (["plan", "--organization", "planetexpres"], "did you mean planetexpress?"),
        (["plan", "--last", "--organization", "nope"], "no organization called 'nope'"),
        (["explain", "user:nobody"], "nothing is known of user:nobody"),
        (["emulator", "--listen", "nowhere"], "is no address to listen on"),
        (["plan", "--out", "/nowhere/plan.txt"], "can't be written"),
    ],
)
def test_usage_errors_end_with_64(arguments: list[str], said: str, planned: Place) -> None:
    """What can't be understood ends with 64, not with 2, which means "the plan has operations"."""
    result = planned.syncd(*arguments)

    assert result.returncode == 64, result.stderr
    assert said in result.stderr
    assert "Traceback" not in result.stderr


def test_configuration_errors_end_with_78(place: Place) -> None:
    """All problems of the file at once, each with line and column."""
    place.change("mode: full", "mode: ful")
    place.change("aliases:", "alises:")

    result = place.syncd("plan")

    assert result.returncode == 78
    assert "syncd.yaml has 2 problems; nothing was done" in result.stderr
    assert "did you mean full?" in result.stderr
    assert "mapping.users.alises: unknown key; did you mean aliases?" in result.stderr


def test_a_template_that_can_not_be_read_is_told_with_its_place(place: Place) -> None:
    """A broken template is a problem of the file, found by `check`, without any entry."""
    place.change("primary_email: mail\n        aliases", 'primary_email: "{{ mail"\n        aliases')

    result = place.syncd("check")

    assert result.returncode == 78
    assert "organizations[0].mapping.users.primary_email: " in result.stderr
    assert "syncd.yaml:" in result.stderr


def test_no_configuration_ends_with_78(tmp_path: Path, place: Place) -> None:
    """It is said where was looked and how to make one."""
    place.config.unlink()

    result = place.syncd("plan")

    assert result.returncode == 78
    assert "syncd init" in result.stderr


def test_a_broken_source_ends_with_65(place: Place) -> None:
    """A file that was cut off stops the cycle; the history remembers it."""
    people = place.folder / "people.csv"
    people.write_text(people.read_text(encoding="utf-8").rstrip("\n"), encoding="utf-8")

    result = place.syncd("sync")

    assert result.returncode == 65
    assert "people.csv" in result.stderr
    assert place.json("history")["cycles"][0]["exit_code"] == 65


def test_an_absent_source_ends_with_69(place: Place) -> None:
    """A file that is not there is named."""
    (place.folder / "people.csv").unlink()

    result = place.syncd("plan")

    assert result.returncode == 69
    assert "people.csv" in result.stderr


def test_an_unreachable_service_ends_with_69(place: Place) -> None:
    """Nobody listens: the error names what to look at."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    place.change(place.server.endpoint_url, f"http://127.0.0.1:{port}")

    result = place.syncd("plan")

    assert result.returncode == 69
    assert "endpoint_url" in result.stderr


def test_wrong_credentials_end_with_77(place: Place) -> None:
    """A signature that the service refuses is told as that."""
    emulator = Emulator()
    plant(emulator, read_document(DEMO / "workmail.json"), "the seed")
    with EmulatorServer(emulator, credentials={"AKIDEXAMPLE": "another secret"}) as server:
        place.change(place.server.endpoint_url, server.endpoint_url)

        result = place.syncd("plan")

    assert result.returncode == 77
    assert "credentials" in result.stderr


def test_another_organization_ends_with_78(place: Place) -> None:
    """An organization that the service doesn't know is a configuration error."""
    place.change("m-0123456789abcdef0123456789abcdef", "m-" + "0" * 32)

    result = place.syncd("plan")

    assert result.returncode == 78
    assert "organization" in result.stderr


def test_a_held_organization_ends_with_75(place: Place) -> None:
    """A second instance is told who holds it; `plan` and `status` need no lock."""
    place.syncd("sync")
    # fcntl.flock as any other process would hold it.
    lock = place.folder / "syncd.db.m-0123456789abcdef0123456789abcdef.lock"
    with subprocess.Popen(
        ["flock", str(lock), "sh", "-c", "echo held; cat"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"

        refused, plan, status = place.syncd("sync"), place.syncd("plan"), place.syncd("status")
        holder.communicate("")

    assert refused.returncode == 75
    assert "is held by" in refused.stderr
    assert (plan.returncode, status.returncode) == (0, 0)


def test_a_store_that_can_not_be_written_ends_with_69(place: Place) -> None:
    """A store in a folder that is not there is told with its path."""
    place.change("sqlite:///syncd.db", "sqlite:////nowhere/syncd.db")

    result = place.syncd("plan")

    assert result.returncode == 69
    assert "/nowhere" in result.stderr


def test_a_traceback_shows_only_when_asked_for(place: Place) -> None:
    """An error is a sentence; with --debug it says where it happened."""
    (place.folder / "people.csv").unlink()

    assert "Traceback" not in place.syncd("plan").stderr
    assert "Traceback" in place.syncd("--debug", "plan").stderr


def test_no_secret_shows_anywhere(place: Place) -> None:
    """Neither output nor logs nor the store hold the credentials or a generated password."""
    place.syncd("sync")
    place.day("day2")
    results = [
        place.syncd("plan"),
        place.syncd("plan", "--format", "json"),
        place.syncd("sync", "--format", "html"),
        place.syncd("history", "--format", "json"),
    ]
    shown = "".join(result.stdout + result.stderr for result in results)
    stored = b"".join(path.read_bytes() for path in place.folder.glob("syncd.db*"))

    assert CREDENTIALS["AWS_SECRET_ACCESS_KEY"] not in shown
    assert CREDENTIALS["AWS_SECRET_ACCESS_KEY"].encode() not in stored
    assert "awsapps" in shown
