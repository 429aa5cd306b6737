"""A queue, a thread, a few attempts: whatever a sink does, nobody waits for it."""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from pydantic import SecretStr

from syncd.clock import SystemClock
from syncd.errors import SourceUnreachable
from syncd.model.half_removed import Next
from syncd.notices.composing import Notice
from syncd.notices.posting import Undelivered
from syncd.notices.sending import MOST_WAITING, PAUSES_S, Notices
from syncd.notices.settings import AnyNotice, HeartbeatSettings, Occasion, SlackSettings
from syncd.notices.sinks import Sink
from syncd.ports import Clock
from tests.builders import half
from tests.fakes.clock import PATIENCE_S, FakeClock
from tests.fakes.receivers import receiver
from tests.unit.notices.cycles import PERSON, report


class FakeSink:
    """Remembers what it was given; raises what *trouble* says."""

    def __init__(self) -> None:
        self.got: list[Notice] = []
        self.tries = 0
        self.trouble: Callable[[int], Exception | None] = lambda _try: None

    def send(self, notice: Notice) -> None:
        self.tries += 1
        error = self.trouble(self.tries)
        if error is not None:
            raise error
        self.got.append(notice)


class Office:
    """Notices with fake sinks, by name."""

    def __init__(self, *settings: AnyNotice, clock: Clock | None = None, **options: object) -> None:
        self.clock = FakeClock()
        self.sinks: dict[str, FakeSink] = {}
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self.events: list[tuple[str, dict[str, object]]] = []
        self.notices = Notices(
            settings,
            clock=clock or self.clock,
            on_outcome=lambda name, outcome: self.outcomes.update([(name, outcome)]),
            event=lambda name, **fields: self.events.append((name, fields)),
            make=self._make,
            **options,  # type: ignore[arg-type]  # what the test gives
        )

    def _make(self, settings: AnyNotice, clock: Clock) -> Sink:
        return self.sinks.setdefault(settings.name, FakeSink())

    def sink(self, name: str = "chat") -> FakeSink:
        return self.sinks.setdefault(name, FakeSink())

    def hears(self, *kinds: str, organization: str = "planetexpress") -> None:
        observer = self.notices.observer(organization, "full")
        for kind in kinds:
            observer.began(self.clock.now())
            observer.finished(report(kind, at=self.clock.now(), organization=organization))
        self.notices.work()

    def told(self, name: str = "chat") -> list[Occasion]:
        return [notice.occasion for notice in self.sink(name).got]


def a_notice(name: str = "chat", **options: object) -> SlackSettings:
    facts: dict[str, object] = {"on": ("refusal", "failure", "recovery")}
    return SlackSettings.model_validate(
        {"name": name, "type": "slack", "url": "https://chat.planetexpress.example/x", **facts, **options}
    )


def test_each_occasion_is_told_once() -> None:
    """A history of cycles comes to a refusal, a failure and a recovery, however often each lasts."""
    office = Office(a_notice())
    office.hears("in_sync", "withheld", "withheld", "failed", "failed", "withheld", "applied", "in_sync")

    assert office.told() == [Occasion.REFUSAL, Occasion.FAILURE, Occasion.RECOVERY]
    assert office.outcomes == {("chat", "sent"): 3}


def test_a_sink_gets_what_it_asked_for() -> None:
    """By occasion and by organization."""
    office = Office(a_notice("a", on=["failure"]), a_notice("b", organizations=["momcorp"]))
    office.hears("failed")
    office.hears("failed", organization="momcorp")

    assert [one.organization for one in office.sink("a").got] == ["planetexpress", "momcorp"]
    assert [one.organization for one in office.sink("b").got] == ["momcorp"]


def test_an_error_without_a_report_is_a_failure() -> None:
    """What ends a cycle before there is a report is told, and not a second time after one."""
    office = Office(a_notice())
    observer = office.notices.observer("planetexpress")
    observer.began(office.clock.now())
    observer.failed(SourceUnreachable("down"))
    observer.began(office.clock.now())
    observer.finished(report("failed"))
    observer.failed(SourceUnreachable("down"))
    office.notices.work()

    assert office.told() == [Occasion.FAILURE]
    assert office.sink().got[0].lines[0] == "Exit code 69: the source, the service or the store did not answer."


def test_a_busy_sink_is_tried_again_and_given_up() -> None:
    """After a few minutes of attempts a notice counts as failed, and why is told without any secret."""
    office = Office(a_notice())
    office.sink().trouble = lambda _try: Undelivered("HTTP 503", again=True)
    office.hears("failed")
    begun = office.clock.monotonic()
    while not office.outcomes:
        office.clock.advance(seconds=office.notices.work())

    assert office.sink().tries == 1 + len(PAUSES_S)
    assert office.outcomes == {("chat", "failed"): 1}
    assert office.clock.monotonic() - begun < 300
    about = {"notice": "chat", "organization": "planetexpress", "reason": "HTTP 503", "attempts": 6}
    assert office.events == [("notice_failed", about)]


def test_a_sink_that_recovers_gets_its_notice_once() -> None:
    """What failed twice and was taken the third time is sent, with the same id each time."""
    office = Office(a_notice())
    office.sink().trouble = lambda attempt: Undelivered("busy", again=True) if attempt < 3 else None
    office.hears("failed")
    for _ in range(20):
        office.clock.advance(seconds=5)
        office.notices.work()

    assert office.told() == [Occasion.FAILURE]
    assert office.outcomes == {("chat", "sent"): 1}


def test_a_sink_may_ask_for_patience() -> None:
    """Retry-After moves the next attempt."""
    office = Office(a_notice())
    office.sink().trouble = lambda attempt: Undelivered("busy", again=True, after_s=50) if attempt == 1 else None
    office.hears("failed")
    office.clock.advance(seconds=45)
    office.notices.work()
    assert office.sink().tries == 1
    office.clock.advance(seconds=6)
    office.notices.work()

    assert office.sink().tries == 2


@pytest.mark.parametrize("error", [Undelivered("HTTP 404", again=False), RuntimeError(PERSON)])
def test_a_refusal_of_the_sink_is_final(error: Exception) -> None:
    """What makes no sense isn't tried again; of a defect only the kind of error is told."""
    office = Office(a_notice())
    office.sink().trouble = lambda _try: error
    office.hears("failed")

    assert office.sink().tries == 1
    assert office.outcomes == {("chat", "failed"): 1}
    assert PERSON not in str(office.events)


def test_a_dead_sink_delays_no_other() -> None:
    """Between the attempts at one, the others get theirs."""
    office = Office(a_notice("dead"), a_notice("well"))
    office.sink("dead").trouble = lambda _try: Undelivered("no answer in time", again=True)
    office.hears("failed", "in_sync", "failed")

    assert len(office.told("well")) == 3
    assert office.told("dead") == []


def test_the_queue_has_an_end() -> None:
    """More than it holds is dropped and counted, never kept."""
    office = Office(a_notice())
    for number in range(MOST_WAITING + 10):
        office.notices.observer(f"o{number}").finished(report("failed", organization=f"o{number}"))

    assert office.outcomes == {("chat", "dropped"): 10}
    office.notices.work()
    assert office.outcomes == {("chat", "dropped"): 10, ("chat", "sent"): MOST_WAITING}


def test_new_settings_keep_what_was_told() -> None:
    """After a reload nothing is told again; a sink that went drops what it was to get, a new one gets the rest."""
    office = Office(a_notice("old"))
    observer = office.notices.observer("planetexpress")
    observer.finished(report("failed"))
    office.notices.replace([a_notice("new")])
    office.notices.work()
    observer.finished(report("failed"))
    observer.finished(report("in_sync"))
    office.notices.work()

    assert office.outcomes == {("old", "dropped"): 1, ("new", "sent"): 1}
    assert office.told("new") == [Occasion.RECOVERY]


def test_a_restart_repeats_nothing() -> None:
    """Seeded with how the last cycle ended, the same again isn't told."""
    office = Office(a_notice())
    office.notices.seed("planetexpress", "failed")
    office.notices.seed("momcorp", "withheld", report("withheld").plan, office.clock.now())
    office.hears("failed", "in_sync")
    office.hears("withheld", organization="momcorp")

    assert office.told() == [Occasion.RECOVERY]


def test_the_summary_comes_once_a_day_at_its_time() -> None:
    """At a set local time, across summer time, with what was done since the one before."""
    office = Office(a_notice(on=["summary"], summary_at="07:00", timezone="Europe/Berlin"))
    office.clock.advance(days=25.5)  # 2026-03-27 20:00 UTC; clocks change on the 29th
    office.notices.replace([a_notice(on=["summary"], summary_at="07:00", timezone="Europe/Berlin")])
    hours = []
    for _ in range(24 * 4):
        office.hears("applied")
        before = len(office.sink().got)
        office.clock.advance(hours=1)
        office.notices.work()
        hours += [office.clock.now()] * (len(office.sink().got) - before)

    assert hours == [
        datetime(2026, 3, 28, 6, tzinfo=UTC),
        datetime(2026, 3, 29, 5, tzinfo=UTC),
        datetime(2026, 3, 30, 5, tzinfo=UTC),
        datetime(2026, 3, 31, 5, tzinfo=UTC),
    ]
    first, second, *_ = office.sink().got
    assert first.numbers["cycles"] == 10
    assert second.numbers["cycles"] == 23
    assert second.numbers["added"] == 46
    assert second.lines == ("Since 2026-03-28 06:00 UTC:", "planetexpress: 23 cycles, 46 added, 0 changed, 0 removed")


def test_the_summary_names_what_waits_and_what_fails() -> None:
    """Troubled organizations come first."""
    office = Office(a_notice(on=["summary"]))
    office.hears("applied", organization="amphibios")
    office.hears("withheld", organization="planetexpress")
    office.hears("failed", organization="zapp")
    office.clock.advance(days=1)
    office.notices.work()

    (notice,) = office.sink().got
    assert notice.title == "3 organizations, 3 added, 0 changed, 0 removed"
    assert notice.lines[1:] == (
        "zapp: 1 cycle, 0 added, 0 changed, 0 removed, its cycles fail now",
        "planetexpress: 1 cycle, 1 added, 0 changed, 0 removed, 3 wait for approval",
        "amphibios: 1 cycle, 2 added, 0 changed, 0 removed",
    )


def test_a_clock_that_is_set_back_stops_no_summary() -> None:
    """A jump of a month back makes the next summary due within a day of the new time."""
    office = Office(a_notice(on=["summary"]))
    office.hears("applied")
    office.clock.advance(days=-30)
    office.notices.work()
    office.clock.advance(days=1)
    office.notices.work()

    assert len(office.sink().got) == 1


def test_a_success_pings_the_dead_man_switch() -> None:
    """Only a success does, and only that of its organization."""
    with receiver() as found:
        switch = HeartbeatSettings(url=SecretStr(found.url), method="GET")
        office = Office(heartbeats={"planetexpress": switch})
        for kind in ("withheld", "partial", "failed"):
            office.hears(kind)
        office.hears("in_sync", organization="momcorp")
        assert found.got == []
        # Two successes before anybody looked at the queue say the same: one ping.
        office.hears("in_sync", "applied")

    assert [(one.method, one.path) for one in found.got] == [("GET", "/hook")]
    assert office.outcomes == {("heartbeat", "sent"): 1}


def test_a_failing_observer_ends_no_cycle() -> None:
    """A report that nobody can make sense of is an event, not an error in the cycle."""
    office = Office(a_notice())
    office.notices.observer("planetexpress").finished(None)  # type: ignore[arg-type]  # a defect elsewhere

    assert office.events == [("notice_not_made", {"error_type": "AttributeError"})]


def test_a_hanging_sink_delays_neither_cycles_nor_the_stop() -> None:
    """While a sink holds the thread, telling takes no time and stopping takes what it may."""
    office = Office(a_notice(), clock=SystemClock())
    held, free, freed = threading.Event(), threading.Event(), threading.Event()

    def hang(_try: int) -> None:
        held.set()
        free.wait()
        freed.set()

    office.sink().trouble = hang
    office.notices.start()
    observer = office.notices.observer("planetexpress")
    observer.finished(report("failed"))
    assert held.wait(PATIENCE_S)
    for _ in range(100):
        observer.finished(report("in_sync"))
        observer.finished(report("failed"))
    office.notices.stop(within_s=0.2)
    still_held = not freed.is_set()
    free.set()

    assert still_held
    assert office.outcomes["chat", "dropped"] == 200


def test_what_was_just_told_still_goes_out() -> None:
    """A daemon that stops gives fresh notices their one attempt."""
    office = Office(a_notice(), clock=SystemClock())
    office.notices.start()
    office.notices.observer("planetexpress").finished(report("failed"))
    office.notices.stop()

    assert office.told() == [Occasion.FAILURE]
    office.notices.observer("planetexpress").finished(report("in_sync"))
    assert office.outcomes["chat", "dropped"] == 1


def test_a_thread_wakes_for_a_new_notice() -> None:
    """Nothing to do is no reason to be late."""
    office = Office(a_notice(), clock=SystemClock())
    office.notices.start()
    sent = threading.Event()
    office.sink().trouble = lambda _try: sent.set()
    office.notices.observer("planetexpress").finished(report("failed"))

    assert sent.wait(PATIENCE_S)
    office.notices.stop()


def test_every_day_of_a_year_has_one_summary() -> None:
    """Also at an hour that summer time skips or repeats."""
    settings = a_notice(on=["summary"], summary_at="02:30", timezone="Europe/Berlin")
    office = Office(settings)
    office.notices.observer("planetexpress").finished(report("applied"))
    for _ in range(365 * 8):
        office.clock.advance(hours=3)
        office.notices.work()

    assert len(office.sink().got) == 365
    days = [one.at for one in office.sink().got]
    assert max(b - a for a, b in pairwise(days)) <= timedelta(hours=27)


def test_a_notice_names_the_half_removed() -> None:
    """How many to everybody; who, since when and what happens next only where people may be named."""
    office = Office(a_notice())
    stays = half("user:1003", "amy\u202e", next_is=Next.NOTHING, why="nothing is written in mode observe")
    office.notices.observer("planetexpress").finished(replace(report(), half_removed=(stays,)))
    office.notices.observer("planetexpress").finished(
        replace(report("partial"), half_removed=tuple(half(f"user:{number}", f"n{number}") for number in range(30)))
    )
    office.notices.work()
    one, many = office.sink().got

    assert one.title == "planetexpress: somebody is half removed"
    assert one.numbers["half_removed"] == 1
    assert "1 entity is half removed: its removal began" in one.text(personal_data=False)
    assert "amy" not in one.text(personal_data=False)
    assert r"- amy\u202e (user:1003): since 2026-03-01 08:00 UTC; it stays as it is: nothing is written" in one.text(
        personal_data=True
    )
    assert many.title == "planetexpress: not everything could be applied"
    assert "30 entities are half removed" in many.text(personal_data=False)
    assert "n0 (user:0): since 2026-03-01 08:00 UTC; the next cycle goes on with it" in many.text(personal_data=True)
    assert "and 10 more" in many.text(personal_data=True)
