"""Sends notices: a bounded queue, one thread, a few attempts each; nobody who tells something ever waits.

Each notice to each sink ends in one of three ways, told to *on_outcome*:

    sent      the sink took it
    failed    every attempt failed, or the sink refused it for good
    dropped   it was never tried: the queue was full, the sink was taken away, or the process stopped
"""

import heapq
import threading
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from syncd.model.names import Key
from syncd.model.plan import Plan
from syncd.model.report import SUCCESSES, Report
from syncd.notices.composing import Deeds, Notice, failure, recovery, refusal, summary, tallied
from syncd.notices.observer import NoticeObserver
from syncd.notices.occasions import Told
from syncd.notices.posting import Undelivered
from syncd.notices.settings import HEARTBEAT, AnyNotice, EmailSettings, HeartbeatSettings, NoticeSettings, Occasion
from syncd.notices.sinks import Heartbeat, Sink, make_sink
from syncd.ports import Clock

#: Deliveries that wait, in all: more than any honest hour makes.
MOST_WAITING = 256
#: Pauses between attempts, in seconds; after the last one a notice is given up.
PAUSES_S = (2.0, 10.0, 30.0, 60.0, 120.0)
#: The wall clock is looked at this often, since it may be set while the thread sleeps.
_LONGEST_SLEEP_S = 15.0
_A_DAY = timedelta(days=1)

#: Makes the sink of a notice's settings.
MakeSink = Callable[[AnyNotice, Clock], Sink]


@dataclass(order=True, slots=True)
class _Delivery:
    """One notice for one sink; *due* on the monotonic clock, *number* keeps the order of those due together."""

    due: float
    number: int
    sink: str = field(compare=False)
    notice: Notice = field(compare=False)
    attempts: int = field(default=0, compare=False)


@dataclass(slots=True)
class _Known:
    """One organization: what was told of it, and what its cycles have done since the process began."""

    told: Told = field(default_factory=Told)
    done: Counter[str] = field(default_factory=Counter)
    waiting: int = 0
    rejected: int = 0


@dataclass(slots=True)
class _Daily:
    """The summary of one sink: when the next is due, and what had been done at the last one."""

    since: datetime
    due: datetime
    done: dict[str, Counter[str]] = field(default_factory=dict)


class Notices:
    """Tells the sinks of *settings* what cycles come to, and pings the *heartbeats* of organizations.

    *event* is told what went wrong (`notice_failed`, `notice_dropped`, `notice_not_made`), never with a secret.
    """

    def __init__(
        self,
        settings: Sequence[AnyNotice],
        *,
        clock: Clock,
        on_outcome: Callable[[str, str], None],
        heartbeats: Mapping[str, HeartbeatSettings] | None = None,
        event: Callable[..., None] | None = None,
        make: MakeSink = make_sink,
    ) -> None:
        self._clock = clock
        self._on_outcome = on_outcome
        self._event = event or _nothing
        self._make = make
        self._lock = threading.Condition()
        self._waiting: list[_Delivery] = []
        self._number = 0
        self._stopping = False
        self._thread: threading.Thread | None = None
        self._known: dict[str, _Known] = {}
        self._settings: dict[str, NoticeSettings] = {}
        self._sinks: dict[str, Callable[[], Sink]] = {}
        self._made: dict[str, Sink] = {}
        self._daily: dict[str, _Daily] = {}
        self._heartbeats: frozenset[str] = frozenset()
        self.replace(settings, heartbeats)

    # --- what the daemon does with it -------------------------------------------------------------------

    def replace(self, settings: Sequence[AnyNotice], heartbeats: Mapping[str, HeartbeatSettings] | None = None) -> None:
        """Take over new settings; what was told stays told, what waits for a sink that is still there still waits."""
        now = self._clock.now()
        with self._lock:
            self._settings = {each.name: each for each in settings}
            self._sinks = {each.name: partial(self._make, each, self._clock) for each in settings}
            self._heartbeats = frozenset(heartbeats or ())
            for name, each in (heartbeats or {}).items():
                self._sinks[_ping(name)] = partial(Heartbeat, each)
            self._made = {}
            wanted = {each.name: each for each in settings if Occasion.SUMMARY in each.on}
            self._daily = {
                name: _Daily(
                    since=self._daily[name].since if name in self._daily else now,
                    due=_next(each, now),
                    done=self._daily[name].done if name in self._daily else self._totals(),
                )
                for name, each in wanted.items()
            }
            self._lock.notify_all()

    def seed(
        self,
        organization: str,
        last_summary: str,
        plan: Plan | None = None,
        at: datetime | None = None,
        half_removed: Collection[Key] = (),
    ) -> None:
        """Take over how the last cycle before a restart ended: *last_summary* of its report, its plan, and when.

        What it failed with or refused was told then, and who was *half_removed*; without *plan*, whatever is refused
        next counts as told.
        """
        with self._lock:
            self._of(organization).told.seed(last_summary, plan, at or self._clock.now(), half_removed)

    def observer(self, organization: str, mode: str = "") -> NoticeObserver:
        """Return what hears the cycles of *organization*; it neither fails nor waits."""
        return NoticeObserver(
            heard=partial(self._heard, organization, mode),
            crashed=partial(self._crashed, organization),
            event=self._event,
        )

    def start(self) -> None:
        """Begin to send."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="notices", daemon=True)
            self._thread.start()

    def stop(self, within_s: float = 2.0) -> None:
        """Give what was never tried one attempt, as far as *within_s* seconds allow; drop the rest.

        The thread may be held by a sink that hangs: it is a daemon thread, and is left behind then.
        """
        with self._lock:
            self._stopping = True
            self._lock.notify_all()
        if self._thread is not None:
            self._thread.join(within_s)
        with self._lock:
            left, self._waiting = self._waiting, []
        for delivery in left:
            self._ended(delivery, "failed" if delivery.attempts else "dropped", "the process stops")

    def work(self) -> float:
        """Do everything that is due now; return for how many seconds there is nothing to do."""
        while True:
            self._summarize()
            with self._lock:
                if not self._waiting:
                    return _LONGEST_SLEEP_S
                pause = self._waiting[0].due - self._clock.monotonic()
                if pause > 0:
                    return min(pause, _LONGEST_SLEEP_S)
                delivery = heapq.heappop(self._waiting)
            self._attempt(delivery)

    # --- what is heard ----------------------------------------------------------------------------------

    def _heard(self, organization: str, mode: str, report: Report) -> None:
        now = self._clock.now()
        with self._lock:
            known = self._of(organization)
            since = known.told.failing_since
            occasions = known.told.hear(report, now)
            known.done += tallied(report)
            if report.plan is not None:
                known.waiting, known.rejected = len(report.plan.withheld), len(report.plan.rejections)
        for occasion in occasions:
            match occasion:
                case Occasion.REFUSAL:
                    self._tell(refusal(report, now, mode=mode))
                case Occasion.FAILURE:
                    self._tell(failure(organization, report, now, mode=mode))
                case _:
                    self._tell(recovery(report, since, now))
        if report.summary in SUCCESSES and organization in self._heartbeats:
            self._put(_ping(organization), recovery(report, None, now), only_one=True)

    def _crashed(self, organization: str, error: Exception) -> None:
        now = self._clock.now()
        with self._lock:
            known = self._of(organization)
            occasions = known.told.hear_failure(error, now)
            known.done["cycles"] += 1
        for _ in occasions:
            self._tell(failure(organization, error, now))

    def _tell(self, notice: Notice) -> None:
        for settings in list(self._settings.values()):
            if settings.wants(notice.occasion, notice.organization):
                takes_page = isinstance(settings, EmailSettings) and settings.personal_data
                # A page holds a whole report, and a queue may be long.
                self._put(settings.name, notice if takes_page else replace(notice, page=None))

    def _put(self, sink: str, notice: Notice, *, only_one: bool = False) -> None:
        with self._lock:
            if only_one and any(delivery.sink == sink for delivery in self._waiting):
                return  # a ping that waits says the same
            self._number += 1
            delivery = _Delivery(self._clock.monotonic(), self._number, sink, notice)
            fits = len(self._waiting) < MOST_WAITING and not self._stopping
            if fits:
                heapq.heappush(self._waiting, delivery)
                self._lock.notify_all()
        if not fits:
            self._ended(delivery, "dropped", "too many wait already")

    # --- the thread -------------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            pause = self.work()
            with self._lock:
                if self._stopping:
                    return
                nothing_new = not self._waiting or self._waiting[0].due > self._clock.monotonic()
                if nothing_new:
                    self._lock.wait(pause)

    def _attempt(self, delivery: _Delivery) -> None:
        sink = self._sink(delivery.sink)
        if sink is None:
            self._ended(delivery, "dropped", "its sink is not configured any more")
            return
        try:
            sink.send(delivery.notice)
        except Undelivered as error:
            self._failed(delivery, error)
        except Exception as error:  # noqa: BLE001 - a defect of one sink must not end the others
            self._failed(delivery, Undelivered(f"unexpected {type(error).__name__}", again=False))
        else:
            self._ended(delivery, "sent")

    def _sink(self, name: str) -> Sink | None:
        with self._lock:
            if name not in self._made and name in self._sinks:
                self._made[name] = self._sinks[name]()
            return self._made.get(name)

    def _failed(self, delivery: _Delivery, error: Undelivered) -> None:
        delivery.attempts += 1
        if not error.again or delivery.attempts > len(PAUSES_S) or self._stopping:
            self._ended(delivery, "failed", error.reason)
            return
        with self._lock:
            pause = max(PAUSES_S[delivery.attempts - 1], error.after_s)
            delivery.due = self._clock.monotonic() + pause
            heapq.heappush(self._waiting, delivery)

    def _ended(self, delivery: _Delivery, outcome: str, reason: str = "") -> None:
        name = HEARTBEAT if delivery.sink.startswith(f"{HEARTBEAT}:") else delivery.sink
        self._on_outcome(name, outcome)
        about = {"notice": name, "organization": delivery.notice.organization, "reason": reason}
        if outcome == "failed":
            self._event("notice_failed", **about, attempts=delivery.attempts)
        elif outcome == "dropped":
            self._event("notice_dropped", **about, attempts=delivery.attempts)

    # --- the daily summary ------------------------------------------------------------------------------

    def _summarize(self) -> None:
        now = self._clock.now()
        due: list[tuple[str, Notice]] = []
        with self._lock:
            for name, daily in self._daily.items():
                settings = self._settings[name]
                if daily.due - now > _A_DAY + timedelta(hours=2):  # the clock was set back
                    daily.due = _next(settings, now)
                if now < daily.due:
                    continue
                deeds = [
                    self._deeds(organization, daily)
                    for organization in sorted(self._known)
                    if settings.is_about(organization)
                ]
                if deeds:
                    due.append((name, summary(deeds, daily.since, now)))
                daily.since, daily.due, daily.done = now, _next(settings, now), self._totals()
        for name, notice in due:
            self._put(name, notice)

    def _deeds(self, organization: str, daily: _Daily) -> Deeds:
        known = self._known[organization]
        before = daily.done.get(organization, Counter())
        return Deeds(
            organization=organization,
            counts={word: count - before[word] for word, count in known.done.items()},
            waiting=known.waiting,
            rejected=known.rejected,
            failing=known.told.failing_since is not None,
        )

    def _totals(self) -> dict[str, Counter[str]]:
        return {organization: Counter(known.done) for organization, known in self._known.items()}

    def _of(self, organization: str) -> _Known:
        return self._known.setdefault(organization, _Known())


def _next(settings: NoticeSettings, now: datetime) -> datetime:
    """Return when the summary is due next, after *now*."""
    local = now.astimezone(settings.summary_time.tzinfo)
    due = datetime.combine(local.date(), settings.summary_time)
    while due <= now:
        due = datetime.combine(due.date() + _A_DAY, settings.summary_time)
    return due


def _ping(organization: str) -> str:
    return f"{HEARTBEAT}:{organization}"


def _nothing(_name: str, **_fields: object) -> None:
    return
