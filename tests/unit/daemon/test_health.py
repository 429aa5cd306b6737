"""What the probes and the watchdog are told."""

from syncd.daemon.health import LifeSigns
from syncd.daemon.progress import Progress
from syncd.daemon.statusline import status_line
from tests.fakes.clock import FakeClock


def healthy() -> tuple[LifeSigns, FakeClock]:
    clock = FakeClock()
    health = LifeSigns(clock)
    health.started()
    health.store_answered(good=True)
    return health, clock


def test_a_daemon_at_work_is_alive_and_ready() -> None:
    """Everything says yes, and nothing keeps the watchdog from its food."""
    health, _ = healthy()

    assert all(health.live().values())
    assert all(health.ready().values())
    assert health.trouble == ""


def test_before_the_start_is_over_it_is_alive_but_not_ready() -> None:
    """A start that takes long is not a reason to restart."""
    health = LifeSigns(FakeClock())

    assert all(health.live().values())
    assert not any(health.start().values())


def test_a_store_that_hangs_is_not_ready_but_alive() -> None:
    """An answer that is too old is none; a restart would not mend it."""
    health, clock = healthy()
    for _ in range(10):
        clock.advance(seconds=10)
        health.loop_ticked(())
        health.scheduler_fired()

    assert health.ready() == {"configuration": True, "store": False, "not stopping": True}
    assert health.trouble == ""


def test_a_store_that_fails_is_not_ready() -> None:
    """Until it answers again."""
    health, _ = healthy()

    health.store_answered(good=False)
    failing = health.ready()["store"]
    health.store_answered(good=True)

    assert (failing, health.ready()["store"]) == (False, True)


def test_whoever_stops_is_not_ready() -> None:
    """Nobody new is sent there, but it is not killed either."""
    health, _ = healthy()

    health.stopping()

    assert health.ready()["not stopping"] is False
    assert all(health.live().values())


def test_a_silent_main_loop_is_dead() -> None:
    """So is a silent scheduler."""
    health, clock = healthy()
    clock.advance(seconds=60)

    assert health.live() == {"main loop": False, "scheduler": False, "no cycle wedged": True}
    assert health.trouble == "main loop, scheduler"


def test_a_wedged_cycle_starves_the_watchdog_and_is_named() -> None:
    """Until it moves again."""
    health, _ = healthy()

    health.loop_ticked(["planetexpress"])
    wedged = health.trouble
    health.loop_ticked(())

    assert wedged == "no cycle wedged, planetexpress"
    assert health.trouble == ""


def test_progress_is_whatever_is_told() -> None:
    """A call that ends, a stage that begins: the idle time starts anew."""
    clock = FakeClock()
    progress = Progress(clock)
    progress.began(clock.now())
    clock.advance(seconds=30)
    idle = progress.idle_s
    progress.called("ListUsers", "ok", 0.1)
    clock.advance(seconds=5)

    assert (idle, progress.idle_s, progress.running_s) == (30, 5, 35)


def test_nobody_is_idle_between_cycles() -> None:
    """Waiting for the next one is no lack of progress."""
    clock = FakeClock()
    progress = Progress(clock)
    progress.began(clock.now())
    progress.ended(None)
    clock.advance(hours=10)

    assert (progress.idle_s, progress.running_s, progress.failures) == (0, None, 1)


def test_the_status_line_has_numbers_and_times_only() -> None:
    """How many organizations are how, when the last success was, and what comes next."""
    clock = FakeClock()
    fresh, failing, working = (Progress(clock) for _ in range(3))
    failing.ended(None)
    working.began(clock.now())
    fresh.scheduled(clock.now())

    line = status_line([fresh, failing, working])

    assert line == "3 organizations: 1 not yet run, 1 failing, 1 at work; next 08:00:00Z"
    assert status_line([]) == "0 organizations"
    assert status_line([fresh], trouble="scheduler").startswith("wedged: scheduler; 1 organization: 1 not yet run")
