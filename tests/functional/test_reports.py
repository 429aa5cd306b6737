"""Reports and notices, with the real command and a real cycle."""

import json
import stat
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import pytest

from syncd import wiring
from syncd.clock import SystemClock
from syncd.cycle import run_cycle
from syncd.errors import TargetUnreachable
from syncd.notices.sending import Notices
from syncd.notices.signing import verify
from syncd.parts import Options
from syncd.settings import load
from tests.fakes.receivers import nobody, receiver
from tests.functional.places import PEOPLE, Site, planetexpress

KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with planetexpress(tmp_path) as found:
        yield found


@pytest.fixture
def reporting(site: Site) -> Site:
    site.change("\norganizations:", "\nreports: {folder: reports, keep: 2}\norganizations:")
    return site


def test_a_sync_leaves_a_report(reporting: Site) -> None:
    """What was done lies in the folder as a page and as Markdown; a second sync, with nothing to do, adds nothing."""
    done = reporting.syncd("sync")
    folder = reporting.folder / "reports"
    names = sorted(path.name for path in folder.iterdir())

    assert done.code == 0, done.err
    assert [name.rpartition(".")[2] for name in names] == ["html", "md"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert "everything applied" in (folder / names[0]).read_text(encoding="utf-8")
    assert reporting.syncd("sync").code == 0
    assert sorted(path.name for path in folder.iterdir()) == names


def test_a_dry_run_leaves_none(reporting: Site) -> None:
    """Neither `plan` nor `sync --dry-run` writes there."""
    reporting.syncd("plan")
    reporting.syncd("sync", "--dry-run")

    assert not (reporting.folder / "reports").exists()


def test_a_report_that_can_not_be_written_ends_nothing(reporting: Site) -> None:
    """The work is done, the exit code says so, and stderr names the folder and the reason."""
    (reporting.folder / "reports").write_text("a file", encoding="utf-8")
    done = reporting.syncd("sync")

    assert done.code == 0
    assert "no report was written to" in done.err
    assert "File exists" in done.err


def test_a_failed_sync_leaves_a_report_too(reporting: Site) -> None:
    """A source that can't be read: the report says what was wrong."""
    (reporting.folder / PEOPLE).unlink()
    assert reporting.syncd("sync").code == 69
    (page,) = (reporting.folder / "reports").glob("*.html")

    assert "The cycle ended early" in page.read_text(encoding="utf-8")


def test_a_plan_as_a_page_says_who_asked(site: Site) -> None:
    """The page of `plan` names the command, its cycle and the whole digest, and so does Markdown."""
    digest = site.json("plan")["digest"]
    for format in ("html", "markdown"):  # noqa: A001 - the option's name
        text = site.syncd("plan", "--format", format).out
        assert digest in text
        assert "syncd plan, cycle " in text


@contextmanager
def notified(site: Site, url: str) -> Iterator[tuple[Notices, Counter[tuple[str, str]]]]:
    site.change(
        "\norganizations:",
        "\nnotices: [{name: ops, type: webhook, url: {env: URL}, secret: {env: KEY}, "
        "on: [refusal, failure, recovery]}]\norganizations:",
    )
    loaded = load(site.folder / site.config, {"URL": url, "KEY": KEY})
    outcomes: Counter[tuple[str, str]] = Counter()
    notices = wiring.notices(
        loaded,
        on_outcome=lambda name, outcome: outcomes.update([(name, outcome)]),
        event=lambda _name, **_fields: None,
    )
    notices.start()
    try:
        yield notices, outcomes
    finally:
        notices.stop()


def test_cycles_are_told(site: Site) -> None:
    """A real cycle that fails, then one that succeeds: two signed notices arrive, and nobody is named."""
    with receiver() as found, notified(site, found.url) as (notices, outcomes):
        loaded = load(site.folder / site.config, {"URL": found.url, "KEY": KEY})
        (organization,) = loaded.settings.organizations
        observer = notices.observer(organization.name, organization.mode.value)
        with wiring.open_store(loaded) as store:

            def cycle() -> None:
                told = observer
                observer.began(SystemClock().now())
                parts = wiring.build(loaded, organization, store=store, observer=told, stop=Event())
                try:
                    run_cycle(parts, Options(command="run"))
                except TargetUnreachable as error:
                    observer.failed(error)

            people = site.folder / PEOPLE
            content = people.read_bytes()
            people.unlink()
            with pytest.raises(Exception, match=PEOPLE):
                cycle()
            people.write_bytes(content)
            cycle()
    now = int(SystemClock().now().timestamp())
    documents = [json.loads(got.body) for got in found.got]

    assert outcomes == {("ops", "sent"): 2}
    assert [document["occasion"] for document in documents] == ["failure", "recovery"]
    assert documents[1]["numbers"]["applied"] > 0
    assert all(verify([KEY], got.body, got.headers["Syncd-Signature"], now) for got in found.got)
    assert "@" not in "".join(got.body.decode() for got in found.got)


def notifying(site: Site, url: str) -> None:
    """Let the configuration tell *url* of everything, and ping it after each success."""
    site.change(
        "\norganizations:",
        "\nnotices: [{name: ops, type: webhook, url: {env: URL}, secret: {env: KEY}, "
        "on: [refusal, failure, recovery]}]\norganizations:",
    )
    site.change("    mode: full", "    mode: full\n    heartbeat: {url: {env: PING}}")
    site.environment.update(URL=url, KEY=KEY, PING=url.replace("hook", "ping"))


def test_a_timer_tells_what_the_daemon_would(site: Site) -> None:
    """One-shot cycles: the first failure is told, the second is not; a success recovers and pings, a plan does not."""
    with receiver() as found:
        notifying(site, found.url)
        people = site.folder / PEOPLE
        content = people.read_bytes()
        people.unlink()
        codes = [site.syncd("sync").code, site.syncd("sync").code]
        failed = [got.path for got in found.got]
        people.write_bytes(content)
        codes += [site.syncd("sync").code, site.syncd("plan").code]
        paths = [got.path for got in found.got][len(failed) :]

    assert codes == [69, 69, 0, 0]
    assert failed == ["/hook"]
    assert sorted(paths) == ["/hook", "/ping"]


def test_a_dead_sink_fails_no_sync(site: Site) -> None:
    """Nobody listens: the work is done, the exit code says so, and stderr names the notice."""
    with nobody() as port:
        notifying(site, f"http://localhost:{port}/hook")
        done = site.syncd("sync")

    assert done.code == 0
    assert "notice failed: heartbeat" in done.err
    assert site.syncd("plan", "--detailed-exitcode").code == 0


def test_doctor_looks_at_the_sinks_and_sends_nothing(site: Site) -> None:
    """One that answers, one that nobody serves: each has its line, the second with what to do; nothing is sent."""
    with receiver() as found, nobody() as port:
        notifying(site, found.url)
        site.environment["PING"] = f"http://localhost:{port}/ping"
        done = site.syncd("doctor", "--area", "notices")

    lines = [" ".join(line.split()) for line in done.out.splitlines()]
    assert done.code == 69
    assert any(line.startswith("OK notice ops") for line in lines), done.out
    assert any(line.startswith("FAIL heartbeat of planetexpress") for line in lines), done.out
    assert found.got == []
