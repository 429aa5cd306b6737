"""What the page says in sentences."""

from dataclasses import replace
from datetime import timedelta

import pytest

from syncd.errors import (
    ConfigurationError,
    Locked,
    PermissionDenied,
    SourceIncomplete,
    SourceUnreachable,
    SyncdError,
)
from syncd.model.plan import Limit
from syncd.model.status import GuardStatus, OrganizationStatus
from syncd.status import words
from tests.builders import NOW
from tests.fakes import boards
from tests.fakes.boards import Story, board_of


def only(story: Story) -> OrganizationStatus:
    (one,) = board_of(story).snapshot().organizations
    return one


def typed(story: Story) -> list[str]:
    """The commands that the page offers, in order."""
    return [step.command for step in words.next_steps(only(story))]


@pytest.mark.parametrize(
    ("seconds", "says"),
    [
        (0, "0 s"),
        (0.14, "0.1 s"),
        (3, "3 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (95, "1 min 35 s"),
        (299, "4 min 59 s"),
        (330, "5 min"),
        (3600, "1 h"),
        (3600 + 1140, "1 h 19 min"),
        (36_000 + 1140, "10 h"),
        (86_400 + 7200, "1 d 2 h"),
        (864_000, "10 d"),
    ],
)
def test_a_length_is_said_as_people_say_it(seconds: float, says: str) -> None:
    """Two units at most, and only where the second one tells something."""
    assert words.span(timedelta(seconds=seconds)) == says


@pytest.mark.parametrize(
    ("seconds", "says"), [(-240, "4 min ago"), (240, "in 4 min"), (0, "just now"), (-1, "just now"), (1, "now")]
)
def test_a_moment_is_said_from_now(seconds: float, says: str) -> None:
    """Past, future, and the moment itself."""
    assert words.ago(NOW + timedelta(seconds=seconds), NOW) == says


@pytest.mark.parametrize(
    ("stories", "says"),
    [
        ([], "No organization is configured."),
        ([boards.in_sync()], "planetexpress is in sync."),
        ([boards.failing()], "planetexpress is failing."),
        ([boards.in_sync("a"), boards.in_sync("b")], "All 2 organizations are in sync."),
        ([boards.failing("a"), boards.failing("b")], "All 2 organizations are failing."),
        (
            [boards.in_sync("a"), boards.waiting("b"), boards.waiting("c"), boards.stale("d")],
            "Of 4 organizations, 1 is stale, 2 wait for approval and 1 is in sync.",
        ),
    ],
)
def test_one_sentence_over_everything(stories: list[Story], says: str) -> None:
    """The page begins with how it stands, the worst first."""
    assert words.verdict(board_of(*stories).snapshot()) == says


@pytest.mark.parametrize(
    ("error", "command"),
    [
        (SourceUnreachable("no answer"), "syncd doctor --organization planetexpress"),
        (SourceIncomplete("malformed"), "syncd plan --organization planetexpress"),
        (PermissionDenied("no right"), "syncd doctor --organization planetexpress"),
        (ConfigurationError("wrong"), "syncd check --organization planetexpress"),
        (Locked("held"), "syncd status --organization planetexpress"),
        (SyncdError("odd"), "syncd history --organization planetexpress"),
        (ValueError("a defect"), "syncd history --organization planetexpress"),
    ],
)
def test_each_failure_says_what_to_type_first(error: Exception, command: str) -> None:
    """What helps depends on what went wrong: the exit code decides."""
    assert typed(boards.failing(error=error))[0] == command


def test_a_plan_that_waits_says_how_to_approve_it() -> None:
    """First look, then approve: both ready to copy, with digest and organization."""
    digest = boards.waiting_plan().digest[:8]

    assert typed(boards.waiting()) == [
        "syncd plan --last --full --organization planetexpress",
        f"syncd approve {digest} --organization planetexpress",
    ]


def test_where_nothing_is_wrong_nothing_is_to_be_typed() -> None:
    """A calm organization and one that runs ask for nothing."""
    assert typed(boards.in_sync()) == typed(boards.running()) == []


def test_a_name_is_quoted_for_the_shell() -> None:
    """Whatever an organization is called, a command pasted into a shell names it and does nothing else."""
    assert typed(boards.failing("a; rm -rf $HOME"))[0] == "syncd doctor --organization 'a; rm -rf $HOME'"


@pytest.mark.parametrize(
    ("story", "says"),
    [
        (boards.failing(), "ldaps://dc1.corp.example: no answer within 10 s"),
        (boards.partly_failing(), "2 operations of the last cycle did not succeed, 7 did. The next cycle tries again."),
        (boards.stale(), "The next cycle should have begun 47 min ago, and has not."),
        (
            boards.waiting(),
            "More people or groups would lose their mailbox than the limit allows. 41 operations are withheld.",
        ),
        (boards.not_yet(), "No cycle has ended yet; the first begins in 20 s."),
        (boards.running(), "A cycle began 1 min 35 s ago: reading details from WorkMail, 420 of 1,200."),
        (boards.in_sync(), "WorkMail equals the directory."),
        (
            boards.in_sync(cycles=boards.past("applied"), plan=boards.calm_plan(rejections=boards.rejections("fry"))),
            "The last cycle made 7 changes; WorkMail equals the directory, but for 1 entry that can't be used.",
        ),
        (boards.observing(), "230 changes lie outside mode observe: shown in the plan, never made."),
    ],
)
def test_each_light_says_why(story: Story, says: str) -> None:
    """One sentence in which the reason stands, in words an administrator uses."""
    assert words.reason(only(story), personal=False) == says


def test_what_failed_is_said_after_a_restart_too() -> None:
    """A cycle that was told to stop comes last, but what failed before it is what needs a look."""
    one = only(boards.in_sync(cycles=boards.past("in_sync", "partial", "stopped")))

    assert words.label(one) == "Partly failing"
    assert words.reason(one, personal=False).startswith("2 operations of the last cycle did not succeed")


def test_a_cycle_that_hangs_says_where() -> None:
    """A cycle without progress names the stage in which it stands."""
    one = only(boards.running())
    late = replace(one, as_of=one.as_of + timedelta(minutes=12))

    assert words.reason(late, personal=False) == (
        "The cycle that runs has shown no progress for 12 min: reading details from WorkMail."
    )


def test_mode_observe_is_not_called_in_sync() -> None:
    """Where changes lie outside the mode, the label says what the light covers."""
    assert words.label(only(boards.observing())) == "In sync within mode observe"


BUDGET = "3 of 100, 7.5 % of 30 %"


@pytest.mark.parametrize(
    ("label", "about", "personal", "says"),
    [
        ("user removals", "", False, f"user removals {BUDGET}"),
        ("members of 'board'", "board", False, f"membership removals {BUDGET}"),
        ("members of 'board'", "board", True, f"members of 'board' {BUDGET}"),
        ("", "", False, "membership removals 3 of 40"),
    ],
)
def test_a_guard_names_no_group_to_strangers(label: str, about: str, personal: bool, says: str) -> None:
    """A name of the directory needs `http.personal_data`; what an earlier version stored is told in numbers."""
    guard = GuardStatus(
        guard="membership_removals", counted=3, population=40, tripped=False, label=label, budget=BUDGET, about=about
    )

    assert words.used(guard, personal=personal) == says


@pytest.mark.parametrize(
    ("counted", "population", "limit", "part"),
    [
        (25, 25_000, Limit(count=50, percent=5), 0.5),
        (5, 125, Limit(count=50, percent=5), 0.8),
        (1, 9, Limit(count=2), 0.5),
        (10, 1000, Limit(count=10, percent=5, both=True), 0.2),
        (90, 1000, Limit(count=50, percent=5), 1.0),
        (5, 9, Limit(), 0.0),
        (0, 0, Limit(count=0, percent=0), 0.0),
    ],
)
def test_a_budget_is_drawn_as_far_as_it_is_used(counted: int, population: int, limit: Limit, part: float) -> None:
    """The nearer of the two limits counts; rejections need both to trip."""
    found = GuardStatus(
        guard="removals", counted=counted, population=population, tripped=False, label="", budget="", limit=limit
    )

    assert words.filled(found) == pytest.approx(part)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("no key in uid=fry,ou=people,dc=corp,dc=example", "no key in uid=(hidden),ou=people,dc=corp,dc=example"),
        ("CN=Philip Fry,OU=crew", "CN=(hidden),OU=crew"),
        ("fry@planetexpress.example is held", "(address) is held"),
        ("a\x1b[2Jb\u202ec", "a\\x1b[2Jb\\u202ec"),
        ("journal mode=wal", "journal mode=wal"),
    ],
)
def test_an_error_names_nobody_to_strangers(text: str, shown: str) -> None:
    """Addresses and the names in DNs are taken out of an error's words; the rest is what helps."""
    assert words.open_words(text) == shown
