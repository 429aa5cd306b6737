"""When cycles may begin."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.daemon.windows import DAYS, Span, Weekly, Windows, parse_window

BERLIN = ZoneInfo("Europe/Berlin")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


def windows(*, allow: tuple[str, ...] = (), blackout: tuple[str, ...] = (), zone: ZoneInfo = BERLIN) -> Windows:
    return Windows(allow=tuple(map(parse_window, allow)), blackout=tuple(map(parse_window, blackout)), zone=zone)


@pytest.mark.parametrize(
    ("text", "days", "start", "end"),
    [
        ("mon-fri 06:00-20:00", {0, 1, 2, 3, 4}, time(6), time(20)),
        ("Sat,Sun", {5, 6}, time(0), time(0)),
        ("22:00-02:00", set(range(7)), time(22), time(2)),
        ("fri-mon 00:00-24:00", {4, 5, 6, 0}, time(0), time(0)),
        ("sun-sun 10:00 - 11:00", {6}, time(10), time(11)),
    ],
)
def test_a_weekly_window_is_read(text: str, days: set[int], start: time, end: time) -> None:
    """Days by name, as a list or a range that may pass Sunday; times as hours and minutes."""
    assert parse_window(text) == Weekly(frozenset(days), start, end)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2026-12-25", "2026-12-25T00:00", "2026-12-26T00:00"),
        ("2026-12-24 18:00 - 2026-12-27 06:00", "2026-12-24T18:00", "2026-12-27T06:00"),
        ("2026-12-24 - 2026-12-26", "2026-12-24T00:00", "2026-12-27T00:00"),
        ("2026-12-24 18:00 - 2026-12-24 24:00", "2026-12-24T18:00", "2026-12-25T00:00"),
    ],
)
def test_a_span_of_dates_is_read(text: str, start: str, end: str) -> None:
    """Without times it goes from the first midnight to the end of the last day."""
    assert parse_window(text) == Span(datetime.fromisoformat(start), datetime.fromisoformat(end))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is no window"),
        ("monday", "days are mon, tue"),
        ("mon 06:00", "is no window"),
        ("mon 06:00-25:00", "hour must be in 0..23"),
        ("2026-02-30", "is no window"),
        ("2026-12-25 10:00", "a time needs an end"),
        ("2026-12-25 - 2026-12-24", "it ends before it begins"),
        ("always", "days are mon, tue"),
    ],
)
def test_what_is_no_window_is_told(text: str, why: str) -> None:
    """The message has the text, the reason, and how a window is written."""
    with pytest.raises(ValueError, match="mon-fri 06:00-20:00") as caught:
        parse_window(text)

    assert why in str(caught.value)
    assert repr(text) in str(caught.value)


def test_without_windows_every_moment_is_open() -> None:
    """Whoever says nothing is never kept waiting."""
    now = utc("2026-03-29T01:30")

    assert windows().next_open(now) == now
    assert windows().longest_pause(now) == timedelta(0)


def test_a_window_over_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    """`fri 22:00-02:00` is open early on Saturday, and not early on Friday."""
    friday_night = windows(allow=("fri 22:00-02:00",))

    assert not friday_night.is_open(local("2026-11-27T01:00"))
    assert friday_night.is_open(local("2026-11-27T23:00"))
    assert friday_night.is_open(local("2026-11-28T01:59"))
    assert not friday_night.is_open(local("2026-11-28T02:00"))


def test_blackout_beats_allow() -> None:
    """What is in both is closed."""
    both = windows(allow=("mon-fri 06:00-20:00",), blackout=("wed",))

    assert both.next_open(local("2026-11-24T21:00")) == local("2026-11-26T06:00")


def test_after_the_last_span_there_is_no_next() -> None:
    """An allowed span that is over is told as None, not as a moment far away."""
    once = windows(allow=("2026-12-25",))

    assert once.next_open(local("2026-12-24T00:00")) == local("2026-12-25T00:00")
    assert once.next_open(local("2026-12-26T00:00")) is None


@pytest.mark.parametrize(("day", "opens"), [("2026-03-28", "05:00"), ("2026-03-29", "04:00"), ("2026-10-25", "05:00")])
def test_local_times_follow_the_clock(day: str, opens: str) -> None:
    """06:00 in Berlin is 05:00 UTC in winter and 04:00 in summer, on the days of the change too."""
    morning = windows(allow=("06:00-07:00",))

    assert morning.next_open(utc(f"{day}T00:30")) == utc(f"{day}T{opens}")


def test_the_longest_pause_is_a_weekend() -> None:
    """From Friday evening to Monday morning."""
    office = windows(allow=("mon-fri 06:00-20:00",))

    assert office.longest_pause(local("2026-11-24T12:00")) == timedelta(days=2, hours=10)


times = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30]))
weekly = st.builds(Weekly, st.frozensets(st.sampled_from(range(len(DAYS))), min_size=1), times, times)
lists = st.lists(weekly, max_size=2).map(tuple)


@given(lists, lists, st.integers(0, 60 * 24 * 14), st.floats(0, 1, exclude_max=True))
def test_the_next_open_moment_is_open_and_the_first(
    allow: tuple[Weekly, ...], blackout: tuple[Weekly, ...], minutes: int, share: float
) -> None:
    """Around the night when clocks go back: no moment before it is open, and it itself is."""
    some = Windows(allow=allow, blackout=blackout, zone=BERLIN)
    start = datetime(2026, 10, 18, tzinfo=UTC) + timedelta(minutes=minutes)

    found = some.next_open(start)

    end = found if found is not None else start + timedelta(days=9)
    assert end == start or not some.is_open(start + (end - start) * share)
    assert found is None or some.is_open(found)


def test_a_day_has_all_its_stretches() -> None:
    """A window that reaches into a day from the day before is among them."""
    night = Weekly(frozenset({4}), time(22), time(2))

    stretches = list(night.stretches(date(2026, 11, 28), BERLIN))

    assert (utc("2026-11-27T21:00"), utc("2026-11-28T01:00")) in stretches
