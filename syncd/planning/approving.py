"""What of a stored plan a person approves: all that it withholds, or a part, as far as it is still needed."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import get_close_matches

from syncd.errors import StalePlan, UsageError
from syncd.model.names import EntityId, Key, identity_of
from syncd.model.operation import Operation, Ref
from syncd.model.plan import Cause, Finding, Plan, words_of
from syncd.planning.judge import approvable

#: An older plan rests on what nobody knows any more.
OLDEST = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What of a plan is meant: what is about one of *only*, and not about one of *but*, and withheld by *guard* alone.

    Empty ones leave nothing out. Keys are as people write them: `user:4711` or `4711`.
    """

    only: tuple[str, ...] = ()
    but: tuple[str, ...] = ()
    guard: str = ""

    @property
    def is_all(self) -> bool:
        """Whether everything is meant."""
        return not (self.only or self.but or self.guard)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What an approval consists of (*words*), what is *left_out* and why, and what is *gone*, since it isn't needed."""

    words: frozenset[str]
    left_out: tuple[tuple[str, str], ...] = ()
    gone: tuple[str, ...] = ()


def choose(
    plan: Plan,
    latest: Plan | None,
    choice: Choice,
    *,
    source_guards: Collection[str],
    key_of: Mapping[EntityId, Key],
    now: datetime,
) -> Chosen:
    """Return what of *plan* an approval frees; *latest* is the last plan about everybody, of whatever cycle.

    Raises:
        StalePlan: the plan is too old, or nothing of it is needed any more.
        UsageError: *choice* names a key or a guard that nothing withheld is about, or half of what goes together.
    """
    if now - plan.created_at > OLDEST:
        raise StalePlan(
            f"plan {plan.digest[:8]} is of {plan.created_at:%Y-%m-%d %H:%M}, more than {OLDEST.days} days ago: "
            "what it rests on may not be so any more",
            hint="Plan again, look, and approve that plan: syncd plan",
        )
    everything = approvable(plan, source_guards)
    picked = _Picker(plan, choice, source_guards, key_of)
    words = everything if choice.is_all else picked.words()
    wanted = (
        words
        if latest is None or latest.created_at <= plan.created_at
        else _recurring(plan, words, latest, source_guards)
    )
    gone = tuple(plan.by_id[word].summary for word in sorted(words - wanted) if word in plan.by_id)
    if words and not wanted:
        raise StalePlan(
            f"nothing of plan {plan.digest[:8]} is needed any more: "
            f"the last cycle ({latest and latest.created_at:%Y-%m-%d %H:%M}) plans none of it",
            hint=f"Look at the last plan, and approve that: syncd approve {latest.digest[:8] if latest else ''}",
        )
    return Chosen(words=wanted, left_out=() if choice.is_all else tuple(picked.left_out), gone=gone)


def _recurring(plan: Plan, words: frozenset[str], latest: Plan, source_guards: Collection[str]) -> frozenset[str]:
    """Return those of *words* that *latest* plans too, as operations, as what is deferred, or as findings."""
    there = approvable(latest, source_guards) | latest.by_id.keys()
    deferred = {o.id for o in plan.operations if o.id in words and not there.isdisjoint(words_of(o))}
    return (words & there) | deferred


class _Picker:
    """Picks what a choice means, and tells of what it leaves out."""

    def __init__(
        self, plan: Plan, choice: Choice, source_guards: Collection[str], key_of: Mapping[EntityId, Key]
    ) -> None:
        self._plan = plan
        self._choice = choice
        self._key_of = key_of
        self._findings = [finding for finding in plan.findings if finding.tripped]
        self._of_source = [finding for finding in self._findings if finding.guard in source_guards]
        self.left_out: list[tuple[str, str]] = []
        self._refuse_unknown()

    def words(self) -> frozenset[str]:
        plan, words = self._plan, set[str]()
        withheld = [operation for operation in plan.operations if operation.id in plan.withheld]
        torn = {o.bundle for o in withheld if o.bundle.is_whole and not self._is_meant(self._about(o))}
        for operation in withheld:
            if why := self._why_not(operation, torn=operation.bundle in torn):
                self.left_out.append((operation.summary, why))
            else:
                words.add(operation.id)
        for later in plan.later:
            if not self._choice.guard or later.guard == self._choice.guard:
                words |= {word for word, row in later.rows.items() if self._is_meant({row})}
        for finding in self._of_source:
            if why := self._why_not_finding(finding):
                self.left_out.append((finding.text or finding.used, why))
            else:
                words |= finding.words
        return frozenset(words)

    def _why_not(self, operation: Operation, *, torn: bool) -> str:
        """Return why *operation* isn't meant; "" where it is."""
        if not self._is_meant(self._about(operation)):
            return "not chosen"
        if torn:
            if self._choice.only:
                others = sorted({key for o in self._of_bundle(operation) for key in self._about(o)} - self._named())
                together = f"goes together with what is about {', '.join(others)}: half of it can't be sent"
                raise UsageError(
                    f"{operation.summary} {together}",
                    hint="Name them with --only too, or none of them.",
                )
            return "it goes together with what is left out"
        return self._why_not_by_guard(operation)

    def _why_not_by_guard(self, operation: Operation) -> str:
        guard = self._choice.guard
        if not guard:
            return ""
        others = {f.guard for f in self._findings if operation.bundle in f.bundles} - {guard}
        if others:
            return f"the guard {', '.join(sorted(others))} withholds it too"
        why = self._plan.withheld[operation.id]
        if why.guard == guard:
            return ""
        return "it is freed with what it needs" if why.cause is Cause.NEED else f"not withheld by {guard}"

    def _why_not_finding(self, finding: Finding) -> str:
        if self._choice.guard and finding.guard != self._choice.guard:
            return f"not what {self._choice.guard} found"
        if all(self._is_meant({key}) for key in finding.people) and (finding.people or not self._choice.only):
            return ""
        return "it counts others too: to believe the source and leave somebody as they are, hold them (syncd hold KEY)"

    def _is_meant(self, about: Collection[str]) -> bool:
        names = {*about, *(identity_of(Key(key)) for key in about if ":" in key)}
        chosen = not self._choice.only or not names.isdisjoint(self._choice.only)
        return chosen and names.isdisjoint(self._choice.but)

    def _named(self) -> set[str]:
        return {*self._choice.only, *self._choice.but}

    def _about(self, operation: Operation) -> set[str]:
        """Return the keys that people may name *operation* by: of a membership the group's and the member's."""
        found = {operation.row, operation.subject}
        member = operation.effect.get("member")
        if isinstance(member, str):
            found.add(self._key_of.get(EntityId(member), member))
        if operation.call is not None:
            found |= {value.key for value in operation.call.parameters.values() if isinstance(value, Ref)}
        return found

    def _of_bundle(self, operation: Operation) -> Iterator[Operation]:
        yield from (each for each in self._plan.operations if each.bundle == operation.bundle)

    def _refuse_unknown(self) -> None:
        """Refuse keys and guards that nothing withheld is about: a mistyped one must not look like a yes.

        Raises:
            UsageError: one of them.
        """
        plan, guard = self._plan, self._choice.guard
        tripped = sorted({finding.guard for finding in self._findings})
        if guard and guard not in tripped:
            said = f"tripped in it: {', '.join(tripped)}" if tripped else "no guard tripped in it"
            raise UsageError(f"--guard names {guard!r}, which withholds nothing in plan {plan.digest[:8]}", hint=said)
        known = {key for o in plan.operations if o.id in plan.withheld for key in self._about(o)}
        known |= {row for later in plan.later for row in later.rows.values()}
        known |= {key for finding in self._of_source for key in finding.people}
        names = known | {identity_of(Key(key)) for key in known if ":" in key}
        for name in sorted(self._named() - names):
            near = get_close_matches(name, sorted(names), 1)
            hint = f"did you mean {near[0]}?" if near else "keys look like user:4711 or group:sales"
            raise UsageError(f"nothing that plan {plan.digest[:8]} withholds is about {name!r}", hint=hint)
