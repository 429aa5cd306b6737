"""What the status page says of an organization, in sentences: what is wrong, and what to type."""

import re
import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from syncd.guards import GUARDS
from syncd.model.half_removed import HalfRemoved
from syncd.model.plan import Populations
from syncd.model.policy import Mode
from syncd.model.report import RESULTS
from syncd.model.status import (
    STOPPED,
    GuardStatus,
    Light,
    OrganizationStatus,
    Overview,
    PlanStatus,
    Trouble,
    WithheldOperation,
)
from syncd.rendering import half_removed
from syncd.rendering.masking import without_addresses
from syncd.rendering.safe import safe
from syncd.rendering.view import counted, in_kinds

BY_HAND = half_removed.BY_HAND
LABELS = {
    Light.FAILING: "Failing",
    Light.STALE: "Stale",
    Light.HALF_REMOVED: "Half removed",
    Light.WAITING: "Waits for approval",
    Light.NOT_YET: "Not yet run",
    Light.RUNNING: "Running",
    Light.IN_SYNC: "In sync",
}
RESULT_WORDS = {
    "in_sync": "in sync",
    "applied": "with changes",
    "planned": "planned only",
    "withheld": "partly withheld",
    "partial": "partly failed",
    "failed": "failed",
    STOPPED: "told to stop",
}
STAGES = {
    "read_lists": "reading the lists of WorkMail",
    "read_details": "reading details from WorkMail",
    "read_source": "reading the directory",
    "plan": "planning",
    "apply": "making changes",
}
_GUARD_MEANINGS = {guard.name: guard.means for guard in GUARDS}
#: What a failure of this exit code (`errors.py`) is looked into with: the command, and what it shows.
_BY_EXIT_CODE = {
    65: ("syncd plan", "reads the directory now, and lists everything that is wrong with it"),
    69: ("syncd doctor", "asks the directory, AWS and the store, and says who doesn't answer"),
    75: ("syncd status", "shows where it stands; the other instance is named above"),
    77: ("syncd doctor", "shows which identity is used, and which right it lacks"),
    78: ("syncd check", "names each mistake with its line"),
}
assert set(RESULTS) < set(RESULT_WORDS)  # noqa: S101 - each result has its words

#: `uid=fry` in a DN; what says where a tree is (dc, ou) is of the configuration.
_RDN = re.compile(
    r"\b(cn|uid|sn|mail|givenname|displayname|samaccountname|userprincipalname|employeenumber)=[^,+;'\"\n]*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Something to type, and what it does."""

    command: str
    effect: str


def ago(when: datetime, now: datetime) -> str:
    """Return how far *when* is from *now*: `3 min ago`, `in 2 h`, `just now`."""
    distance = when - now
    if abs(distance) < timedelta(seconds=2):
        return "just now" if distance <= timedelta(0) else "now"
    return f"in {span(distance)}" if distance > timedelta(0) else f"{span(-distance)} ago"


def span(length: timedelta) -> str:
    """Return *length* as people say it, two units at most."""
    seconds = length.total_seconds()
    if seconds < 10:  # noqa: PLR2004 - below, tenths of a second tell something
        return f"{seconds:.1f} s".replace(".0 s", " s")
    for size, unit, smaller, word in (
        (86_400, "d", 3600, "h"),
        (3600, "h", 60, "min"),
        (60, "min", 1, "s"),
    ):
        if seconds >= size:
            whole, rest = divmod(int(seconds), size)
            least = rest // smaller
            brief = not least or whole >= 10 or (unit == "min" and whole >= 5)  # noqa: PLR2004 - two digits say enough
            return f"{whole} {unit}" if brief else f"{whole} {unit} {least} {word}"
    return f"{int(seconds)} s"


def verdict(overview: Overview, missing: Sequence[str] = ()) -> str:
    """Return the one sentence over everything."""
    alone = f"syncd itself is not well: {', '.join(missing)}. " if missing else ""
    total = len(overview.organizations)
    if not total:
        return f"{alone}No organization is configured."
    if total == 1:
        return f"{alone}{safe(overview.organizations[0].name)} {_ALONE[overview.organizations[0].light]}."
    lights = Counter(one.light for one in overview.organizations)
    if len(lights) == 1:
        (light,) = lights
        return f"{alone}All {total:,} organizations {_AMONG[light][1]}."
    parts = [f"{lights[light]:,} {words[lights[light] > 1]}" for light, words in _AMONG.items() if lights[light]]
    return f"{alone}Of {total:,} organizations, {', '.join(parts[:-1])} and {parts[-1]}."


_ALONE = {
    Light.FAILING: "is failing",
    Light.STALE: "is stale: its cycles don't come to an end",
    Light.HALF_REMOVED: "has somebody who is half removed",
    Light.WAITING: "waits for your approval",
    Light.NOT_YET: "has not run yet",
    Light.RUNNING: "is being synchronized, and nothing is wrong",
    Light.IN_SYNC: "is in sync",
}
#: Of one, and of several.
_AMONG = {
    Light.FAILING: ("is failing", "are failing"),
    Light.STALE: ("is stale", "are stale"),
    Light.HALF_REMOVED: ("has somebody half removed", "have somebody half removed"),
    Light.WAITING: ("waits for approval", "wait for approval"),
    Light.NOT_YET: ("has not run yet", "have not run yet"),
    Light.RUNNING: ("is running", "are running"),
    Light.IN_SYNC: ("is in sync", "are in sync"),
}


def label(one: OrganizationStatus) -> str:
    """Return the name of its light; in a mode that leaves something out, what the light covers."""
    if one.fails_partly:
        return "Partly failing"
    if one.light is Light.IN_SYNC and one.plan is not None and one.plan.counts.get("outside"):
        return f"In sync within mode {one.facts.mode}"
    return LABELS[one.light]


def reason(one: OrganizationStatus, *, personal: bool) -> str:
    """Return why it has its light, in a sentence."""
    match one.light:
        case Light.FAILING:
            return _failing(one, personal=personal)
        case Light.STALE:
            return _stale(one)
        case Light.HALF_REMOVED:
            return in_numbers(one)
        case Light.WAITING:
            assert one.plan is not None  # noqa: S101 - that is why it waits
            return waiting(one.plan)
        case Light.NOT_YET:
            return "No cycle has ended yet" + (
                f"; the first begins {ago(one.next_at, one.as_of)}." if one.next_at else "."
            )
        case Light.RUNNING:
            return under_way(one)
        case Light.IN_SYNC:
            return _in_sync(one)


def _failing(one: OrganizationStatus, *, personal: bool) -> str:
    if one.fails_partly:
        last = next(cycle for cycle in reversed(one.cycles) if cycle.is_failure)
        did = f"{counted(last.failed, 'operation')} of the last cycle did not succeed"
        return f"{did}, {last.applied:,} did. The next cycle tries again."
    if one.trouble is None:
        return "The last cycle failed."
    return shown_words(one.trouble, personal=personal)


def how_long(one: OrganizationStatus) -> str:
    """Return how often and since when it fails; "" where it doesn't."""
    if not one.failures:
        return ""
    often = "The last cycle" if one.failures == 1 else f"The last {one.failures:,} cycles"
    since = one.last_success
    good = f"the last success was {ago(since, one.as_of)}" if since else "none has succeeded yet"
    return f"{often} failed; {good}."


def _stale(one: OrganizationStatus) -> str:
    if one.running is not None and one.stalled_for is not None:
        stage = STAGES.get(one.running.stage, "at its beginning")
        return f"The cycle that runs has shown no progress for {span(one.stalled_for)}: {stage}."
    late = span(one.overdue_by) if one.overdue_by is not None else "some time"
    return f"The next cycle should have begun {late} ago, and has not."


def populations(plan: PlanStatus) -> Iterator[tuple[str, str]]:
    """Yield how many there are in the directory, and how many of WorkMail are ours, as far as it is known."""
    sizes = Populations.of_numbers(plan.populations)
    for title, known in (("In the directory", sizes.wanted), ("Ours in WorkMail", sizes.owned)):
        if known:
            yield title, in_kinds(known)


def waiting(plan: PlanStatus) -> str:
    """Return what a plan waits for."""
    tripped = [guard for guard in plan.guards if guard.tripped]
    meanings = list(dict.fromkeys(guard_meaning(guard) for guard in tripped))
    count = plan.counts.get("withheld", 0)
    held = (
        f"{counted(count, 'operation')} {'is' if count == 1 else 'are'} withheld" if count else "Removals are held back"
    )
    if plan.paused:
        meanings.insert(0, f"It is {safe(plan.paused)}. Nothing is sent.")
        held = held if count else "The plan waits"
    if not meanings:
        return f"{held} until somebody says yes."
    return " ".join([*meanings, f"{held}."])


def in_short(operation: WithheldOperation) -> str:
    """Return why an operation is withheld, without what the guard's own line says already."""
    return safe(f"guard {operation.guard}" if operation.guard else operation.why)


def guard_meaning(guard: GuardStatus) -> str:
    """Return what it means that a guard tripped."""
    # A plan of another version may name a guard that this one doesn't have.
    return _GUARD_MEANINGS.get(guard.guard, f"The guard {guard.guard} has tripped.")


def under_way(one: OrganizationStatus) -> str:
    """Return what the cycle that runs is at."""
    running = one.running
    if running is None:
        return ""
    stage = STAGES.get(running.stage, running.stage or "beginning")
    of = f", {running.done:,} of {running.total:,}" if running.total else ""
    return f"A cycle began {ago(running.since, one.as_of)}: {stage}{of}."


def _in_sync(one: OrganizationStatus) -> str:
    plan = one.plan
    outside = 0 if plan is None else plan.counts.get("outside", 0)
    if outside:
        return f"{counted(outside, 'change')} lie outside mode {one.facts.mode}: shown in the plan, never made."
    made = f"The last cycle made {counted(one.last.applied, 'change')}; " if one.last and one.last.applied else ""
    rejected = 0 if plan is None else plan.counts.get("rejected", 0)
    but = f", but for {counted(rejected, 'entry', 'entries')} that can't be used" if rejected else ""
    return f"{made}WorkMail equals the directory{but}."


def next_steps(one: OrganizationStatus) -> Iterator[Command]:
    """Yield what to type, the most useful first; nothing where nothing is wrong."""
    match one.light:
        case Light.FAILING:
            yield from _after_failure(one)
        case Light.STALE:
            yield Command(command="journalctl -u syncd -e", effect="shows the last lines of the log")
            yield command(one, "syncd doctor", "asks the directory, AWS and the store, and says who doesn't answer")
        case Light.HALF_REMOVED:
            if one.plan is not None and one.plan.waits:
                yield from approval(one)
        case Light.WAITING:
            yield from approval(one)
        case Light.NOT_YET:
            yield command(one, "syncd plan", "shows what the first cycle would do; changes nothing")
        case Light.RUNNING | Light.IN_SYNC:
            return


def _after_failure(one: OrganizationStatus) -> Iterator[Command]:
    if one.fails_partly:
        yield command(one, "syncd history", "shows the last cycles and how their operations ended")
        yield command(one, "syncd plan", "shows what is left to do; changes nothing")
        return
    code = 1 if one.trouble is None else one.trouble.exit_code
    what, effect = _BY_EXIT_CODE.get(code, ("syncd history", "shows the last cycles with their errors"))
    yield command(one, what, effect)
    if what != "syncd plan":
        yield command(one, "syncd plan", "tries it once more by hand; changes nothing")


def approval(one: OrganizationStatus) -> Iterator[Command]:
    """Yield how to look at the plan that waits, and how to free it."""
    if one.plan is None:
        return
    yield command(one, "syncd plan --last --full", "shows the plan; look before you approve")
    if one.plan.paused:
        yield command(one, "syncd resume", "ends the pause; the next cycle sends what nothing withholds")
    if not (one.plan.trips or one.plan.counts.get("withheld")):
        return
    digest = one.plan.short_digest
    yield command(one, f"syncd approve {digest}", "frees what is withheld; the next cycle does it")


def in_numbers(one: OrganizationStatus) -> str:
    """Return how many are half removed."""
    return half_removed.in_numbers(one.half_removed_count)


def called(one: HalfRemoved) -> str:
    """Return who is half removed, by name."""
    return half_removed.called(one)


def what_next(one: HalfRemoved, *, personal: bool) -> str:
    """Return what happens next to one who is half removed."""
    return half_removed.what_next(one, personal=personal)


def ends_by_hand(one: OrganizationStatus) -> Iterator[Command]:
    """Yield how somebody looks into removals that are not over, and ends them now."""
    yield command(one, "syncd status", "names them, and says what happens next")
    if one.facts.mode != Mode.OBSERVE:
        yield command(one, "syncd sync", "goes on now: finishes them, or gives back what they took")


def more_steps(one: OrganizationStatus) -> Iterator[Command]:
    """Yield what is always good to have at hand."""
    yield command(one, "syncd status", "where it stands, from the store")
    yield command(one, "syncd plan", "what a cycle would do now; changes nothing")
    yield command(one, "syncd sync", "one cycle now")
    yield command(one, "syncd history", "the last cycles")
    yield command(one, "syncd doctor", "whether everything it needs answers")


def command(one: OrganizationStatus, text: str, effect: str) -> Command:
    """Return *text* for one organization, ready to paste into a shell."""
    return Command(command=f"{text} --organization {shlex.quote(safe(one.name))}", effect=effect)


def used(guard: GuardStatus, *, personal: bool) -> str:
    """Return how much of its limits a guard has used; of a group, its name only where that may be shown."""
    return safe(guard.used_by_name if personal else guard.used)


def filled(guard: GuardStatus) -> float:
    """Return the part of its limits that a guard has used, from 0 to 1."""
    if guard.tripped:
        return 1.0
    limit, share = guard.limit, guard.counted * 100 / guard.population if guard.population else 0.0
    parts = [guard.counted / limit.count if limit.count else 0.0] if limit.count is not None else []
    parts += [share / limit.percent if limit.percent else 0.0] if limit.percent is not None else []
    return min(1.0, (min if limit.both else max)(parts, default=0.0))


def shown_words(trouble: Trouble, *, personal: bool) -> str:
    """Return the error's words; without personal data, with what names somebody taken out of them."""
    return safe(trouble.words) if personal else open_words(trouble.words)


def shown_hint(trouble: Trouble, *, personal: bool) -> str:
    """Return what the error itself says is to be done."""
    return safe(trouble.hint) if personal else open_words(trouble.hint)


def open_words(text: str) -> str:
    """Return *text* without addresses, as in the log, and without the names in DNs."""
    return safe(_RDN.sub(lambda found: f"{found[1]}=(hidden)", without_addresses(text)))
