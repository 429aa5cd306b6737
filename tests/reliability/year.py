"""A healthy organization for a simulated year: how often does syncd ask its administrator something, and why?

Four cycles each working day, with people who join, leave, marry and come back, reorganizations, and once in the year
each a domain that is renamed, a subsidiary that is sold, a column that is renamed and a new mapping. A *question* is
a day on which something is withheld for a reason that wasn't there the day before; the administrator looks, and says
yes where the model knows that it is right. It was *caused by a fault* if a seeded fault of the export was in force,
*asked by an event* if one of the large events was, else it was *needless*.
"""

import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from syncd.model.plan import Cause, Plan, Withheld
from syncd.model.policy import Adopt, Mode, Policy
from tests.reliability.directory import FAMILY, GIVEN, Person, Team
from tests.reliability.figures import little_collected
from tests.reliability.settings import MAPPINGS
from tests.reliability.world import Shelf, SimWorld, options

OLD, NEW = "planetexpress.example", "momcorp.example"
#: What happens to whom in a working day, as a share of all, or as a number a year.
JOIN = LEAVE = 0.10 / 260
MARRY = 0.01 / 260
MOVE = 0.15 / 260
RETURN = 0.01 / 260
FAULTS_A_YEAR = 6
#: How long an event or fault may still be the reason of a question, in days.
LINGERS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Something withheld that wasn't before: of which kind, and why the model thinks that it was asked."""

    day: date
    what: str
    operations: int
    tag: str


@dataclass
class Year:
    """One year of one organization."""

    people: int
    seed: int
    world: SimWorld
    dice: random.Random = field(init=False)
    questions: list[Question] = field(default_factory=list)
    cycles: int = 0
    applied: int = 0
    failed: int = 0
    #: What the model did, and until when it may be asked about.
    lately: list[tuple[date, str]] = field(default_factory=list)
    happened: Counter[str] = field(default_factory=Counter)
    _open: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        directory = self.world.directory
        for slot in range(self.people):
            directory.people[slot] = self._someone(slot)
        directory.souls = self.people
        for number in range(max(self.people // 40, 3)):
            members = [
                directory.people[slot].employee_id for slot in range(number, self.people, self.people // 40 or 1)
            ]
            directory.teams[number] = Team(group_id=f"g{number}", name=f"team{number}", members=tuple(members))
        self.world.call("RegisterMailDomain", DomainName=NEW)

    def _someone(self, soul: int) -> Person:
        given, family = GIVEN[soul * 7 % len(GIVEN)], f"{FAMILY[soul % len(FAMILY)]}{soul}"
        return Person(
            soul=soul,
            employee_id=str(10_000 + soul),
            badge=str(90_000 + soul),
            login=f"{given}.{family}".lower(),
            given=given,
            family=family,
            mail=f"{given}.{family}@{OLD}".lower(),
            team=f"team{soul % 40}",
            phone=f"+1 555 {soul:06}",
        )

    # --- a day

    def live(self, days: int = 365) -> None:
        """Live so many days from a Monday on."""
        first = self.world.clock.now().date()
        events = _large_events(days)
        faults = set(self.dice.sample(range(10, days), FAULTS_A_YEAR * days // 365))
        self._cycle(first)
        for number in range(1, days):
            today = first + timedelta(days=number)
            self._until(today)
            if number in events:
                self._tell(today, events[number], getattr(self, f"_{events[number]}")() or "")
            if today.weekday() < 5:
                self._churn()
                if number in faults:
                    self._break(today)
                for hour in (9, 12, 15, 18):
                    self._until(today, hour)
                    self._cycle(today)
                    self.world.directory.wrong = ""
                self._answer(today)

    def _until(self, day: date, hour: int = 7) -> None:
        now = self.world.clock.now()
        then = datetime(day.year, day.month, day.day, hour, tzinfo=now.tzinfo)
        self.world.clock.advance(seconds=max((then - now).total_seconds(), 0))

    def _tell(self, today: date, what: str, more: str) -> None:
        self.happened[what] += 1
        self.lately.append((today + timedelta(days=LINGERS), f"{what.replace('_', ' ')}{more}"))

    def _rows(self) -> list[int]:
        directory = self.world.directory
        return [slot for slot in sorted(directory.people) if slot not in directory.absent]

    def _some(self, share: float) -> list[int]:
        """Return so many of those who are there, as chance has it."""
        return [slot for slot in self._rows() if self.dice.random() < share]

    def _churn(self) -> None:
        directory = self.world.directory
        for slot in self._some(MARRY):
            person = directory.people[slot]
            family = f"{self.dice.choice(FAMILY)}{slot}x"
            login = f"{person.given}.{family}".lower()
            domain = person.mail.partition("@")[2]
            directory.change(
                slot, family=family, mail=f"{login}@{domain}", login=self.dice.choice([login, person.login])
            )
            self.happened["marriages"] += 1
        for slot in self._some(MOVE):
            directory.change(slot, team=f"team{self.dice.randrange(40)}")
            self.happened["moves"] += 1
        for slot in self._some(LEAVE):
            if self.dice.random() < 0.5:
                directory.absent.add(slot)
            else:
                directory.change(slot, status="left")
            self.happened["leavers"] += 1
        gone = sorted(directory.absent)
        for slot in gone or ():
            if self.dice.random() < RETURN * 10:
                directory.absent.discard(slot)
                key = directory.people[slot].employee_id
                directory.change(slot, status="active", employee_id=self.dice.choice([key, f"{key}7"]))
                self.happened["re-hires"] += 1
        for _ in self._some(JOIN):
            slot = directory.souls
            directory.people[slot] = self._someone(slot)
            directory.souls += 1
            self.happened["joiners"] += 1

    # --- what happens once

    def _reorganization(self) -> None:
        """A fifth of all change their team, and groups with it."""
        directory = self.world.directory
        for slot in self._some(0.2):
            directory.change(slot, team=f"unit{self.dice.randrange(20)}")
        number = self.dice.randrange(len(directory.teams))
        team = directory.teams[number]
        directory.teams[number] = replace(team, members=team.members[len(team.members) // 4 :])

    def _domain_is_renamed(self) -> None:
        for slot, person in list(self.world.directory.people.items()):
            self.world.directory.change(slot, mail=person.mail.replace(OLD, NEW))

    def _subsidiary_is_sold(self) -> None:
        self.world.directory.absent.update(self._some(0.06))

    def _column_is_renamed(self) -> None:
        """The ids come in another column, with the same values; the configuration follows."""
        for slot, person in list(self.world.directory.people.items()):
            self.world.directory.change(slot, badge=person.employee_id)
        self.world.mapping = MAPPINGS["by badge"]

    def _mapping_is_new(self) -> None:
        key = self.world.mapping.key
        self.world.mapping = replace(MAPPINGS["family name first"], key=key)

    def _break(self, today: date) -> None:
        """The export is wrong for one cycle."""
        how = self.dice.choice(["cut at a row", "with a blank status column", "empty", "with a blank team column"])
        self.world.directory.wrong = how
        self._tell(today, "fault", f": the export is {how}")

    # --- what syncd does, and asks

    def _cycle(self, today: date) -> None:
        ended = self.world.cycle(options())
        self.cycles += 1
        if ended.report is None or ended.report.plan is None:
            self.failed += 1
            return
        self.applied += len(ended.report.outcomes)
        self._listen(today, ended.report.plan)

    def _listen(self, today: date, plan: Plan) -> None:
        asked = _asked(plan)
        self.lately = [(until, what) for until, what in self.lately if until >= today]
        reasons = [what for _, what in self.lately]
        faults = [what for what in reasons if what.startswith("fault")]
        tag = f"caused by a {faults[-1]}" if faults else f"asked by: {reasons[-1]}" if reasons else "needless"
        for what in sorted(asked.keys() - self._open):
            self.questions.append(Question(day=today, what=what, operations=asked[what], tag=tag))
        self._open = frozenset(asked)

    def _answer(self, today: date) -> None:
        """In the evening the administrator says yes to what is right (the export is, by then), and has it done."""
        plan = self.world.last_plan()
        if plan is not None and self._open and self.world.yes(plan.digest):
            self.happened["answers"] += 1
            self.world.clock.advance(seconds=300)
            self._cycle(today)

    def report(self) -> str:
        """Return what the year came to."""
        tags = Counter(one.tag.partition(":")[0] for one in self.questions)
        months = 12
        lines = [f"{'day':<12}{'operations':>10}  {'what was asked':<34}why"]
        lines += [f"{one.day!s:<12}{one.operations:>10}  {one.what:<34}{one.tag}" for one in self.questions]
        lines.append("")
        lines.append(
            f"{self.people:,} people, {self.cycles:,} cycles, {self.failed} without a plan, {self.applied:,} operations"
        )
        lines.append(", ".join(f"{count} {name.replace('_', ' ')}" for name, count in sorted(self.happened.items())))
        lines.append(", ".join(f"{count} questions {name}" for name, count in sorted(tags.items())) or "no question")
        lines.append(f"needless questions a month: {tags['needless'] / months:.2f} (aim: fewer than 1)")
        return "\n".join(lines)


def _asked(plan: Plan) -> Mapping[str, int]:
    """Return what is asked for, with how many operations that comes to: one question for each guard or proposal."""
    asked: Counter[str] = Counter()
    for identity, why in plan.withheld.items():
        name = _named(why, plan.by_id[identity].kind)
        if name:
            asked[name] += 1
    for finding in plan.findings:
        if finding.tripped:
            asked[f"guard {finding.guard}"] += 0
    return asked


def _named(why: Withheld, kind: str) -> str:
    if why.cause in (Cause.GUARD, Cause.ROW):
        return f"guard {why.guard}"
    return "" if why.cause is Cause.NEED else f"approval of {kind}"


def _large_events(days: int) -> dict[int, str]:
    names = ("reorganization", "domain_is_renamed", "subsidiary_is_sold", "column_is_renamed", "mapping_is_new")
    return {days * (number + 1) // (len(names) + 1): name for number, name in enumerate(names)}


def a_year(shelf: Shelf, *, people: int, seed: int, days: int = 365) -> Iterator[str]:
    """Live a year, and yield the lines of its report."""
    policy = Policy(mode=Mode.FULL, adopt=Adopt.ASK)
    world = SimWorld(shelf=shelf, policy=policy, verify_within=timedelta(days=7))
    world.emulator.switches = replace(world.emulator.switches, users_limit=None)
    year = Year(people=people, seed=seed, world=world)
    with little_collected():
        year.live(days)
    world.close()
    yield from year.report().splitlines()
