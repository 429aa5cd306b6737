"""Boards with chosen content: what the status page shows, without a daemon.

A *story* is one organization with its past; `board_of` plays stories to a real board, through its own doors:

    board_of(in_sync("corp"), failing("lab", SourceUnreachable("ldaps://dc1.corp.example: no answer")))
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from syncd.errors import SourceUnreachable
from syncd.model.action import Action
from syncd.model.entry import Rejection
from syncd.model.half_removed import Next
from syncd.model.names import EntityId, user_key
from syncd.model.plan import Finding, Limit, Plan
from syncd.model.report import Report
from syncd.model.standing import Pending
from syncd.model.status import BoardOrganization, PastCycle
from syncd.status.board import Board
from tests import builders
from tests.builders import ORGANIZATION_ID, operation, plan
from tests.fakes.clock import FakeClock

EVERY = timedelta(minutes=15)
POPULATIONS = {
    "users_in_directory": 1204,
    "groups_in_directory": 38,
    "users_owned_enabled": 1198,
    "groups_owned_enabled": 38,
}
SCRIPT = "<script>alert('hello')</script>"
RIGHT_TO_LEFT = "evil\u202egnp.exe \u2066\u05d0\u05d1\u05d2\u2069"
LONG = "x" * 255
#: Names as nobody should have them; each would break a careless page in a way of its own.
HOSTILE = (
    SCRIPT,
    RIGHT_TO_LEFT,
    LONG,
    "'\" onfocus=alert(1) x='",
    "{{ 7 * 7 }}",
    "</style></pre>",
    "a&lt;b&amp;",
    "\x1b[2J\x00",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One organization: *cycles* that ended before (the oldest first), then *play* tells its observer the rest."""

    name: str
    mode: str = "full"
    cycles: tuple[PastCycle, ...] = ()
    plan: Plan | None = None
    play: Callable[[Board, FakeClock], None] = lambda board, clock: None
    next_in: timedelta | None = timedelta(minutes=11, seconds=20)


def board_of(*stories: Story, clock: FakeClock | None = None) -> Board:
    """Return a board on which *stories* happened, up to what *clock* shows now."""
    clock = clock or FakeClock()
    board = Board(clock)
    board.configure(facts(story.name, mode=story.mode) for story in stories)
    for story in stories:
        successes = [cycle.finished_at for cycle in story.cycles if cycle.is_success]
        board.seed(story.name, story.cycles, story.plan, successes[-1] if successes else None)
        story.play(board, clock)
        if story.next_in is not None:
            board.observer(story.name).scheduled(clock.now() + story.next_in)
    return board


def facts(name: str = "planetexpress", *, mode: str = "full") -> BoardOrganization:
    """What the configuration says of an organization."""
    return BoardOrganization(
        name=name, organization_id=ORGANIZATION_ID, mode=mode, schedule="every 15 min", interval=EVERY
    )


def past(
    *results: str, clock: FakeClock | None = None, took: Sequence[float] = (12, 9, 15, 11)
) -> tuple[PastCycle, ...]:
    """Cycles with these *results*, one each 15 minutes, the last of which ended 4 minutes ago; *took* is in seconds."""
    now = (clock or FakeClock()).now()
    cycles = []
    for index, result in enumerate(results):
        ended = now - timedelta(minutes=4) - EVERY * (len(results) - 1 - index)
        cycles.append(
            PastCycle(
                cycle_id=f"c{index}",
                started_at=ended - timedelta(seconds=took[index % len(took)]),
                finished_at=ended,
                result=result,
                error="ldaps://dc1.corp.example: no answer within 10 s" if result == "failed" else "",
                exit_code={"failed": 69, "partial": 4, "withheld": 3, "stopped": 130}.get(result, 0),
                applied=7 if result in ("applied", "partial") else 0,
                failed=2 if result == "partial" else 0,
                withheld=41 if result == "withheld" else 0,
            )
        )
    return tuple(cycles)


def a_long_past(clock: FakeClock | None = None) -> tuple[PastCycle, ...]:
    """A hundred cycles with a bit of everything, the last ones good."""
    results = ["in_sync"] * 100
    results[0] = results[31] = results[32] = results[64] = results[90] = "applied"
    results[12] = results[13] = results[14] = results[77] = "failed"
    results[40:46] = ["withheld"] * 6
    results[46] = "applied"
    results[58] = "partial"
    results[83] = "stopped"
    took = [
        12 + (index * 37) % 11 + (200 if index == 0 else 40 if results[index] == "applied" else 0)
        for index in range(100)
    ]
    return past(*results, clock=clock, took=took)


def calm_plan(**others: object) -> Plan:
    """A plan with nothing to do, a few pending removals and rejections."""
    given: dict[str, object] = {
        "created_at": FakeClock().now() - timedelta(minutes=4),
        "populations": POPULATIONS,
        "findings": (finding(), finding("alias_removals", 0, "alias removals")),
    }
    return plan(**(given | others))


def waiting_plan(names: Sequence[str] = ("amy", "bender", "fry")) -> Plan:
    """A plan in which the removals of 41 people are withheld by a guard, with pending removals and rejections."""
    removals = [
        operation(
            "deregister",
            f"user:{4000 + index}",
            action=Action.REMOVE,
            entity=f"id-{index}",
            summary=f"deregister {names[index % len(names)]}",
            reason="missing from 3 reads",
        )
        for index in range(41)
    ]
    adds = [operation("alias.add", f"user:{5000 + index}") for index in range(12)]
    why = (
        "guard removals: would deregister users: 41 of 1198 (3.4 %); the limit is at most 50 and 3 % (guards.removals)."
    )
    return plan(
        *removals,
        *adds,
        withheld={each.id: why for each in removals},
        names={f"user:{4000 + index}": names[index % len(names)] for index in range(41)},
        created_at=FakeClock().now() - timedelta(minutes=4),
        populations=POPULATIONS,
        findings=(
            finding("removals", 41, "user removals", tripped=True),
            finding("alias_removals", 2, "alias removals"),
            finding("membership_removals", 3, f"members of {names[0]!r}", population=40),
            finding("source_shrink", 44, "users lost by the source", population=1204),
        ),
        pending=tuple(pending(name, due_in=timedelta(hours=3 + index)) for index, name in enumerate(names)),
        rejections=rejections(*names),
    )


def finding(
    guard: str = "removals",
    counted: int = 1,
    what: str = "user removals",
    *,
    tripped: bool = False,
    population: int = 1198,
) -> Finding:
    """What a guard measured, with a limit of 50 and 3 percent."""
    share = counted * 100 / population
    return Finding(
        guard=guard,
        counted=counted,
        population=population,
        tripped=tripped,
        label=what,
        budget=f"{counted} of 50, {share:.1f} % of 3 %",
        limit=Limit(count=50, percent=3),
        about=what.partition("'")[2].rstrip("'"),
        text=f"would deregister users: {counted} of {population} ({share:.1f} %)" if tripped else "",
    )


def pending(name: str, *, due_in: timedelta | None = timedelta(hours=3)) -> Pending:
    """The removal of somebody that isn't due yet."""
    now = FakeClock().now()
    return Pending(
        key=user_key(f"p-{name}"),
        entity=EntityId(f"id-{name}"),
        name=name,
        why="missing",
        cycles=2,
        cycles_needed=3,
        since=now - timedelta(hours=21),
        due_at=None if due_in is None else now + due_in,
    )


def rejections(*names: str) -> tuple[Rejection, ...]:
    """An entry that can't be used for each of *names*."""
    return tuple(
        Rejection(
            key=user_key(f"r-{index}"),
            origin=f"cn={name},ou=people,dc=planetexpress,dc=example" if index % 2 else f"people.csv:{17 + index}",
            reason=f"the address {name}@planetexpress.example is wanted by two people",
            remedy=f"give {name} another address",
        )
        for index, name in enumerate(names)
    )


def in_sync(name: str = "planetexpress", **others: object) -> Story:
    """All is well, for a hundred cycles."""
    given: dict[str, object] = {"cycles": a_long_past(), "plan": calm_plan()}
    return Story(name=name, **(given | others))  # type: ignore[arg-type]  # the names are those of Story


def failing(name: str = "planetexpress", error: Exception | None = None, *, times: int = 3) -> Story:
    """The last cycles ended with *error*."""
    met = error or SourceUnreachable(
        "ldaps://dc1.corp.example: no answer within 10 s", hint="is the server up, and may this machine reach it?"
    )

    def play(board: Board, clock: FakeClock) -> None:
        observer = board.observer(name)
        observer.began(clock.now() - timedelta(seconds=10))
        observer.failed(met)

    before = past(*["in_sync"] * 96, *["failed"] * (times - 1))
    return Story(name=name, cycles=before, plan=calm_plan(), play=play)


def partly_failing(name: str = "planetexpress") -> Story:
    """Two operations of the last cycle failed."""
    return Story(name=name, cycles=past(*["in_sync"] * 40, "partial"), plan=calm_plan())


def half_removed(name: str = "planetexpress", names: Sequence[str] = ("amy", "bender", "fry")) -> Story:
    """The removals of *names* have begun and are not over."""

    def play(board: Board, clock: FakeClock) -> None:
        since = clock.now() - timedelta(minutes=20)
        why = "its removal is given up: the entry is rejected: two people want {}@planetexpress.example"
        half = [
            builders.half(
                f"user:h-{number}",
                each,
                since=since,
                next_is=tuple(Next)[number % len(Next)],
                why=why.format(each) if number % len(Next) else "",
            )
            for number, each in enumerate(names)
        ]
        report = Report(
            cycle_id="c61",
            organization=name,
            command="run",
            started_at=since,
            finished_at=clock.now() - timedelta(minutes=4),
            plan=calm_plan(),
            half_removed=tuple(half),
        )
        board.observer(name).finished(report)

    return Story(name=name, cycles=past(*["in_sync"] * 60), plan=calm_plan(), play=play)


def waiting(name: str = "planetexpress", names: Sequence[str] = ("amy", "bender", "fry")) -> Story:
    """A plan waits for approval."""
    return Story(name=name, cycles=past(*["in_sync"] * 60, "withheld"), plan=waiting_plan(names))


def stale(name: str = "planetexpress") -> Story:
    """The next cycle should have begun long ago."""
    return Story(name=name, cycles=past(*["in_sync"] * 20), plan=calm_plan(), next_in=timedelta(minutes=-47))


def running(name: str = "planetexpress") -> Story:
    """A cycle is under way, and nothing is wrong."""

    def play(board: Board, clock: FakeClock) -> None:
        observer = board.observer(name)
        observer.began(clock.now() - timedelta(seconds=95))
        observer.stage("read_details", 1200)
        observer.advanced(420)

    return Story(name=name, cycles=past(*["in_sync"] * 30), plan=calm_plan(), play=play)


def not_yet(name: str = "planetexpress") -> Story:
    """No cycle has ended yet."""
    return Story(name=name, mode="observe", next_in=timedelta(seconds=20))


def observing(name: str = "planetexpress") -> Story:
    """In sync as far as the mode goes; much lies outside it."""
    outside = tuple(operation("alias.add", f"user:{index}") for index in range(230))
    return Story(name=name, mode="observe", cycles=past(*["in_sync"] * 8), plan=calm_plan(outside=outside))


def crowd(count: int = 200) -> list[Story]:
    """Many organizations, a few of which have each kind of trouble."""
    kinds: dict[int, Callable[[str], Story]] = {
        3: failing,
        57: failing,
        20: waiting,
        81: waiting,
        120: stale,
        33: running,
        77: not_yet,
        140: partly_failing,
    }
    short = past(*["in_sync"] * 30)
    return [
        kinds[index](f"tenant-{index:03}") if index in kinds else in_sync(f"tenant-{index:03}", cycles=short)
        for index in range(count)
    ]


def report_of(made: Plan, clock: FakeClock, *, error: str = "", exit_code: int = 0) -> Report:
    """What a cycle of *made* reports that began a minute ago; nothing was sent."""
    return Report(
        cycle_id="c-report",
        organization=made.organization,
        command="run",
        started_at=clock.now() - timedelta(minutes=1),
        finished_at=clock.now(),
        plan=None if error else made,
        error=error,
        exit_code=exit_code,
    )
