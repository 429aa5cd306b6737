"""What holds for every test: no network, no account, no luck, no hidden skip."""

import os
import sys
from collections.abc import Callable, Generator
from pathlib import Path

import hypothesis
import pytest
from hypothesis.configuration import set_hypothesis_home_dir
from hypothesis.database import DirectoryBasedExampleDatabase

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests" / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the golden files anew")


def pytest_configure() -> None:
    forget_the_caller()
    stay_on_this_machine()
    choose_examples()


def forget_the_caller() -> None:
    """Remove what the caller's shell could change: no test meets a real account or somebody's colours."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "SYNCD_")) and name not in ("SYNCD_EXAMPLES", "SYNCD_SCREENSHOTS"):
            del os.environ[name]
    for name in ("CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "FORCE_COLOR", "NO_COLOR"):
        os.environ.pop(name, None)
    os.environ |= {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1,localhost,::1",
        "no_proxy": "127.0.0.1,localhost,::1",
    }


def stay_on_this_machine() -> None:
    """Make a connection to another machine an error in the test that tries it."""
    here = ("127.", "::1", "localhost")

    def refuse_the_rest(event: str, args: tuple[object, ...]) -> None:
        if event != "socket.connect":
            return
        address = args[1]
        if isinstance(address, tuple) and not str(address[0]).startswith(here):
            message = f"a test tried to reach {address[0]}: tests stay on this machine"
            raise RuntimeError(message)

    sys.addaudithook(refuse_the_rest)


def choose_examples() -> None:
    """The same examples every time; SYNCD_EXAMPLES=10000 looks for new ones, that many for each property."""
    home = ROOT / ".cache" / "hypothesis"
    set_hypothesis_home_dir(home)
    hypothesis.settings.register_profile("steady", derandomize=True, max_examples=100, deadline=None, print_blob=True)
    wanted = os.environ.get("SYNCD_EXAMPLES")
    if wanted:
        hypothesis.settings.register_profile(
            "thorough",
            max_examples=int(wanted),
            deadline=None,
            print_blob=True,
            database=DirectoryBasedExampleDatabase(home / "examples"),
            suppress_health_check=[hypothesis.HealthCheck.too_slow],
        )
    hypothesis.settings.load_profile("thorough" if wanted else "steady")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    refuse_skips(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    refuse_skips(report)
    return report


def refuse_skips(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Where CI says that everything needed is there, a skipped test is a failed one."""
    if os.environ.get("CI") == "true" and report.outcome == "skipped" and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{reason}\nWith CI=true every test must run."


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a text with tests/golden/NAME, or write it there with --update-golden."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
        expected = path.read_bytes().decode() if path.exists() else ""
        assert text == expected, f"differs from tests/golden/{name}; if it should: pytest --update-golden"

    return compare
