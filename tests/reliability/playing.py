"""Plays a story: lets its events happen, runs its cycles, checks every invariant after each, and writes the trace."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from syncd.model.names import fold
from syncd.model.operation import Operation
from syncd.model.plan import Plan
from syncd.parts import Options
from syncd.planning.dependencies import dependents
from tests.reliability import happenings, others  # noqa: F401 - they enter their events
from tests.reliability.books import Books, Seen, rows_in_the_file
from tests.reliability.directory import CANARY
from tests.reliability.events import Event, happen
from tests.reliability.invariants import INVARIANTS
from tests.reliability.ports import Sent
from tests.reliability.stories import Story
from tests.reliability.world import Cycled, Shelf, SimWorld, options

FIXPOINT = "the fixpoint within 2 cycles of the last fault"
STORED_SECRET = "no secret in the store"
ONCE = "nobody is made twice, nobody is lost"
#: What is checked when a story is over, besides the invariants of each cycle.
AT_THE_END = (FIXPOINT, STORED_SECRET, ONCE)
#: How often the operator says yes at the end, before that counts as not settling.
_YES = 4


@dataclass(frozen=True, slots=True)
class Violation:
    """An invariant that didn't hold, and in which line of the story."""

    invariant: str
    text: str
    line: int


@dataclass
class Played:
    """What came of one story."""

    story: Story
    lines: list[str] = field(default_factory=list)
    checks: Counter[str] = field(default_factory=Counter)
    violations: list[Violation] = field(default_factory=list)
    cells: Counter[tuple[str, str]] = field(default_factory=Counter)
    cycles: int = 0
    faults: int = 0
    operations: int = 0

    @property
    def unexpected(self) -> list[Violation]:
        """The violations of what is expected to hold."""
        off = {one.says for one in INVARIANTS if one.off}
        return [one for one in self.violations if one.invariant not in off]

    @property
    def trace(self) -> str:
        return "\n".join(self.lines) + "\n"


def play(story: Story, shelf: Shelf, *, until_violation: str = "") -> Played:
    """Play *story*; stop at once where the invariant called *until_violation* doesn't hold."""
    player = Player(story, shelf)
    try:
        player.play(until_violation)
    finally:
        player.world.close()
    return player.played


class Player:
    """Plays one story, event by event."""

    def __init__(self, story: Story, shelf: Shelf) -> None:
        self.played = Played(story)
        setting = story.setting
        self.world = SimWorld(
            shelf=shelf,
            policy=setting.policy,
            switches=setting.switches,
            verify_within=setting.verify_within,
            tell=self.tell,
        )
        self.books = Books()
        self._calm = False
        self._number = 0

    def tell(self, line: str) -> None:
        self.played.lines.append(line)

    def play(self, until_violation: str) -> None:
        self.tell(f"Seed {self.played.story.seed}: {self.played.story.setting}")
        for one in self.played.story.events:
            self.happen(one)
            if until_violation and any(v.invariant == until_violation for v in self.played.violations):
                return
        self.settle()
        self._check_store()
        self.played.cells = self.world.script.cells

    def happen(self, one: Event) -> None:
        """Let *one* happen; a cycle comes the usual time after the last."""
        if one.name == "cycle":
            self.world.clock.advance(hours=self.played.story.setting.every_hours)
            self._cycle(options("sync", refresh="refresh" in one.args), one)
            return
        said = happen(self.world, one)
        if said:
            self._calm = False
            self._number += 1
            self.tell(f"{self._number:3}. {said}")

    # --- a cycle, watched

    def _cycle(self, how: Options, one: Event) -> Seen:
        world = self.world
        self._number += 1
        strikes = f", struck by {'; '.join(map(str, one.strikes))}" if one.strikes else ""
        self.tell(f"{self._number:3}. a cycle at {world.clock.now():%a %Y-%m-%d %H:%M}{strikes}")
        seen = Seen(
            world=world,
            policy=world.policy,
            at=world.clock.now(),
            began=world.clock.monotonic(),
            before=world.documents(),
            bound=world.bindings(),
            idle=self._calm and not one.strikes,
        )
        world.log.clear()
        world.ear.heard.clear()
        world.mapped.clear()
        seen.ended = world.cycle(how, one.strikes)
        self.played.faults += world.script.fired
        self.played.cycles += 1
        self._look_after(seen)
        self.books.note_read(seen)
        self._check(seen)
        self.books.note_end(seen)
        self._say_how_it_ended(seen.ended)
        self._calm = self._left_nothing(seen, refreshed=how.refresh)
        return seen

    def _look_after(self, seen: Seen) -> None:
        world = self.world
        seen.after, seen.bound_after = world.documents(), world.bindings()
        seen.log = tuple(world.log)
        seen.sent = tuple(one for one in seen.log if isinstance(one, Sent))
        seen.intents = tuple(one for one in seen.log if isinstance(one, Operation))
        seen.desired = world.mapped[-1] if world.mapped else None
        seen.rows = rows_in_the_file(world, seen.desired)
        seen.heard = tuple(world.ear.heard)
        self.played.operations += len(seen.intents)
        if seen.ended.report is not None:
            seen.plan = seen.ended.report.plan
        elif seen.intents:
            seen.plan = world.last_plan()

    def _check(self, seen: Seen) -> None:
        for invariant in INVARIANTS:
            for found in invariant.holds(seen, self.books):
                self.played.checks[invariant.says] += 1
                if found is not None:
                    self._violated(invariant.says, found)

    def _violated(self, invariant: str, text: str) -> None:
        self.played.violations.append(Violation(invariant, text, self._number))
        self.tell(f"     VIOLATED: {invariant}: {text}")

    def _say_how_it_ended(self, ended: Cycled) -> None:
        if ended.died:
            self.tell("     the process died")
        elif ended.report is None:
            self.tell(f"     ended with exit code {ended.exit_code}: {ended.failed}")
        else:
            report = ended.report
            assert report.plan is not None
            results = Counter(str(one.result) for one in report.outcomes)
            counted = ", ".join(f"{count} {name}" for name, count in sorted(results.items())) or "nothing to do"
            withheld = f", {len(report.plan.withheld)} withheld" if report.plan.withheld else ""
            self.tell(f"     exit code {ended.exit_code}: {counted}{withheld} (plan {report.plan.digest[:8]})")
            for why in sorted({str(one) for one in report.plan.withheld.values()}):
                self.tell(f"       withheld: {why[:150]}")

    def _left_nothing(self, seen: Seen, *, refreshed: bool) -> bool:
        """Return whether the next cycle, if nothing happens before it, has nothing to do.

        That can be known only where everything was read, nobody waits for time to pass, and the service doesn't lag.
        """
        plan = seen.ended.report.plan if seen.ended.report is not None else None
        all_read = refreshed or not self.world.verify_within
        quiet = plan is not None and not plan.operations and not plan.pending
        return quiet and all_read and not self.world.switches.settle

    # --- the end

    def settle(self) -> None:
        """Everything is right again; two cycles, and as many after each yes: then nothing is left to do."""
        world = self.world
        world.directory.wrong = ""
        world.directory.nameless = False
        self._calm = False
        self.tell("     from here on nothing fails, and the operator says yes")
        plan = None
        for _ in range(_YES):
            world.clock.advance(hours=2)
            # A yes to who somebody is takes a cycle by itself; what follows from it, two more.
            for _ in range(3 if plan is not None and any(one.kind == "rebind" for one in plan.operations) else 2):
                world.clock.advance(seconds=60)
                self._cycle(options("sync", refresh=True), Event("cycle"))
            plan = self._plan()
            if plan is None or not plan.withheld or not world.yes(plan.digest):
                break
            self.tell(f"     the operator approves {plan.digest[:8]}")
        self.played.checks[FIXPOINT] += 1
        left = list(_left(world, plan)) if plan is not None else ["no plan could be made"]
        if left:
            self._violated(FIXPOINT, f"still to do: {'; '.join(left[:5])}")
        self._check_once(plan)

    def _plan(self) -> Plan | None:
        self.world.clock.advance(seconds=60)
        ended = self.world.cycle(options("plan", dry_run=True, refresh=True))
        return ended.report.plan if ended.report is not None else None

    def _check_once(self, plan: Plan | None) -> None:
        """No two keys have one entity, and nobody whom syncd made for a row that stands there is left alone."""
        self.played.checks[ONCE] += 1
        world, bindings = self.world, self.world.bindings()
        shared = [e for e, count in Counter(one.entity for one in bindings.values()).items() if count > 1]
        if shared:
            self._violated(ONCE, f"two keys have the entities {shared}")
        ours = {one.entity for one in bindings.values()}
        wanted = {fold(person.login) for person in world.directory.rows() if person.status == "active"}
        wanted -= {fold(name) for name in world.made_by_hand}
        # Somebody has changed it since, so that nobody can tell whose it is: the row is rejected, and says so.
        told = " ".join(one.reason for one in plan.rejections) if plan is not None else ""
        wanted -= {name for name in wanted if f"the name '{name}' is held" in told}
        lost = [
            one["name"]
            for identity, one in world.documents().items()
            if identity not in ours and not one.get("enabled") and fold(one["name"]) in wanted
        ]
        # An older store doesn't know of them; outside of a pilot, and in a mode that adds nothing, they wait.
        waits = world.restored or world.policy.only or not world.policy.mode.allows
        if lost and not waits:
            self._violated(ONCE, f"made, and lost: {', '.join(lost)}")

    def _check_store(self) -> None:
        self.played.checks[STORED_SECRET] += 1
        for path in sorted(self.world.shelf.place.iterdir()):
            if path.suffix != ".csv" and CANARY.encode() in path.read_bytes():
                self._violated(STORED_SECRET, path.name)


def _left(world: SimWorld, plan: Plan) -> Iterator[str]:
    """Yield what *plan* would still send, though nothing is wrong any more.

    An address that somebody DISABLED keeps to itself no call shows (`workmail.md` B13): whoever wants it gets an error
    until that entity is deleted, and no plan can know.
    """
    hidden = {
        fold(address): identity
        for identity, one in world.documents().items()
        if one["state"] != "ENABLED"
        for address in ([one["email"]] if one.get("email") else []) + list(one.get("aliases", ()))
    }
    wanting = [
        one.id
        for one in plan.operations
        if one.call is not None
        for address in (one.call.parameters.get("Email"), one.call.parameters.get("Alias"))
        if isinstance(address, str)
        and one.kind != "alias.remove"
        and hidden.get(fold(address), one.entity) != one.entity
    ]
    excused = dependents(plan.operations, wanting)
    for one in plan.sendable:
        if one.id not in excused:
            yield one.summary
