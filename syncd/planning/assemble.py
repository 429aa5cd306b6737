"""From a situation to a plan: asks the facets, applies the mode, links, cuts, orders."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from syncd.model.entry import Rejection
from syncd.model.names import STATED, Key, Kind, fold
from syncd.model.operation import Bundle, BundleKind, Operation
from syncd.model.page import Count, Rank, Role, Verb
from syncd.model.plan import (
    HALF_REMOVED,
    HALF_REMOVED_WAITS,
    HELD,
    REMOVAL_GOES_ON,
    Later,
    Note,
    Plan,
    Populations,
    removal_later,
)
from syncd.model.policy import Mode
from syncd.model.situation import Situation
from syncd.model.standing import Freeze, Frozen
from syncd.model.state import Entity, State
from syncd.planning import protection, rebinding
from syncd.planning.dependencies import StartingFacts, dependents, in_sending_order, link, rank
from syncd.planning.reach import reached
from syncd.planning.titles import titles
from syncd.planning.uncounted import uncounted_notes
from syncd.ports import Facet

#: Operations that a removal takes, roughly.
_REMOVAL_SIZE = 4


def assemble(situation: Situation, facets: Sequence[Facet], rejections: Sequence[Rejection] = ()) -> Plan:
    """Return the plan that brings the target to the desired state, not judged yet.

    *rejections* are those of the match, added to those of the source and the mapping. Claims that have
    to wait come first: whoever they block is frozen for the facets that follow.
    """
    situation, postponed = _first_leavers(situation)
    later = _LaterOnes()
    draw = _Draw(later, partial(_is_inside, situation.policy.mode), situation.policy.max_operations)
    notes: list[Note] = list(uncounted_notes(situation.standings.waiting.values()))
    for facet in facets:
        proposed = facet.propose(situation)
        if proposed.blocked:
            situation = _with_blocked(situation, proposed.blocked)
        notes += proposed.notes
        draw.take(proposed.operations)
    deferred = draw.deferred
    for verb in situation.pages.verbs:
        if postponed and verb.role is Role.ENDS:
            deferred[verb] += len(postponed)
            later.unplanned(verb, postponed)
    notes += draw.notes()
    inside, outside = _within_mode(situation, draw.operations)
    linked, waiting = link(inside, StartingFacts(situation))
    if deferred:  # what they wait for may simply not fit into this plan
        later.add(operation for operation in inside if operation.id in waiting)
        deferred.update(operation.verb for operation in inside if operation.id in waiting)
    else:
        notes += _waiting_notes(inside, waiting)
    kept = _cut(linked, situation.policy.max_operations, deferred)
    if len(kept) < len(linked):
        here = {operation.id for operation in kept}
        later.add(operation for operation in linked if operation.id not in here)
    return Plan(
        organization=situation.organization,
        organization_id=situation.observed.organization.id,
        created_at=situation.now,
        operations=in_sending_order(kept),
        outside=tuple(outside),
        deferred=_in_order(deferred),
        later=later.all(),
        pending=tuple(pending for _, pending in sorted(situation.standings.waiting.items())),
        rejections=(*situation.desired.rejections, *rejections),
        notes=tuple(
            sorted(
                [
                    *notes,
                    *_name_notes(situation),
                    *_outsider_notes(situation),
                    *_removal_notes(situation),
                    *_held_notes(situation),
                    *rebinding.notes(situation),
                    *_protection_notes(situation),
                ],
                key=lambda note: (note.code, note.subject, note.text),
            )
        ),
        populations=_populations(situation),
        names=titles(situation, (*kept, *outside)),
    )


class _LaterOnes:
    """What didn't fit into the plan and may have to be approved, each by the word that its approval consists of."""

    def __init__(self) -> None:
        self._rows: dict[tuple[Verb, bool], dict[str, str]] = {}

    def add(self, operations: Iterable[Operation]) -> None:
        """Remember those of *operations* that a guard may count, and the proposals."""
        for operation in operations:
            part_of_removal = operation.bundle.kind is BundleKind.REMOVAL and not operation.ends_entity
            if operation.proposal or (operation.counts_as is not Count.NOTHING and not part_of_removal):
                rows = self._rows.setdefault((operation.verb, operation.proposal), {})
                rows[operation.id] = operation.row

    def unplanned(self, verb: Verb, keys: Iterable[Key]) -> None:
        """Remember removals of which nothing is planned yet."""
        self._rows.setdefault((verb, False), {}).update({removal_later(verb, key): key for key in keys})

    def all(self) -> tuple[Later, ...]:
        """Return them verb by verb."""
        found = sorted(self._rows.items(), key=lambda item: (item[0][0].name, item[0][1]))
        return tuple(
            Later(verb=verb, rows=dict(sorted(rows.items())), proposal=proposal) for (verb, proposal), rows in found
        )


class _Draw:
    """Takes the first operations of each facet: a plan is never larger than what fits, however much there is to do.

    Bundles that facets share, or spread over their stream, are taken whole.
    """

    def __init__(self, later: _LaterOnes, is_inside: Callable[[Operation], bool], limit: int) -> None:
        self._later = later
        self.operations: list[Operation] = []
        self.deferred: Counter[Verb] = Counter()
        self._is_inside = is_inside
        self._limit = limit
        self._unseen = 0

    def take(self, stream: Iterable[Operation]) -> None:
        """Take the first of *stream* within the mode, and as many outside of it."""
        room = {True: self._limit, False: self._limit}
        for operation in stream:
            inside = self._is_inside(operation)
            if operation.bundle.is_whole and inside:
                self.operations.append(operation)
            elif room[inside]:
                room[inside] -= 1
                self.operations.append(operation)
            elif inside:
                self.deferred[operation.verb] += 1
                self._later.add((operation,))
            else:
                self._unseen += 1

    def notes(self) -> list[Note]:
        """Tell of what isn't even counted as outside the mode."""
        text = f"{self._unseen} more operations are outside the mode"
        return [Note(code="outside_not_shown", subject="", text=text)] if self._unseen else []


def _first_leavers(situation: Situation) -> tuple[Situation, Collection[Key]]:
    """Leave no more leavers than a plan has room for, and tell who must wait: a removal is never cut."""
    standings = situation.standings
    room = max(situation.policy.max_operations // _REMOVAL_SIZE, 1)
    if len(standings.leaving) <= room:
        return situation, ()
    frozen = Frozen(Freeze.LATER, "its removal comes in a later plan")
    bindings = situation.memory.bindings
    begun_first = sorted(standings.leaving, key=lambda key: (bindings[key].began_at is None, key))
    later = dict.fromkeys(begun_first[room:], frozen)
    now = {key: why for key, why in standings.leaving.items() if key not in later}
    standings = replace(standings, leaving=now, frozen={**standings.frozen, **later})
    return replace(situation, standings=standings), later.keys()


def without(plan: Plan, left_out: Iterable[str]) -> Plan:
    """Return *plan* without those operations, their whole bundles, and whatever needs them: deferred, counted."""
    bundles = {plan.by_id[identity].bundle for identity in left_out}
    gone = dependents(plan.operations, (o.id for o in plan.operations if o.bundle in bundles), whole=lambda _: True)
    deferred = Counter(plan.deferred)
    left = [operation for operation in plan.operations if operation.id in gone]
    deferred.update(operation.verb for operation in left)
    later = _LaterOnes()
    later.add(left)
    kept = tuple(operation for operation in plan.operations if operation.id not in gone)
    return replace(plan, operations=kept, deferred=_in_order(deferred), later=(*plan.later, *later.all()))


def _in_order(deferred: Counter[Verb]) -> dict[Verb, int]:
    return dict(sorted(deferred.items(), key=lambda item: item[0].name))


def _with_blocked(situation: Situation, blocked: Mapping[Key, str]) -> Situation:
    standings = situation.standings
    return replace(
        situation,
        standings=replace(
            standings,
            frozen={**standings.frozen, **{key: Frozen(Freeze.BLOCKED, why) for key, why in blocked.items()}},
            newcomers=standings.newcomers.difference(blocked),
        ),
    )


def _is_inside(mode: Mode, operation: Operation) -> bool:
    """Return whether *mode* allows it; what a removal took is put back in every mode that writes."""
    if operation.bundle.kind is BundleKind.ROLLBACK:
        return mode is not Mode.OBSERVE
    return operation.action in mode.allows


def _within_mode(situation: Situation, operations: Iterable[Operation]) -> tuple[list[Operation], list[Operation]]:
    """Split off what the mode leaves out, and what awaits something only that would give."""
    inside: list[Operation] = []
    outside: list[Operation] = []
    for operation in operations:
        (inside if _is_inside(situation.policy.mode, operation) else outside).append(operation)
    if not outside:
        return inside, outside
    given_inside = {fact for operation in inside for fact in operation.gives}
    pending = {fact for operation in outside for fact in operation.gives} - given_inside
    is_true = StartingFacts(situation)
    while pending:
        left_out = [o for o in inside if any(fact in pending and not is_true(fact) for fact in o.awaits)]
        inside = [o for o in inside if not any(fact in pending and not is_true(fact) for fact in o.awaits)]
        outside += left_out
        pending = {fact for operation in left_out for fact in operation.gives}
    return inside, outside


def _cut(operations: Sequence[Operation], limit: int, deferred: Counter[Verb]) -> tuple[Operation, ...]:
    """Keep about the first *limit* operations: whole bundles, each with the bundles it needs; count the rest by kind.

    What goes first is what protects, then entity by entity; a first bundle that is larger than *limit* goes alone.
    """
    if len(operations) <= limit:
        return tuple(operations)
    sizes = Counter(operation.bundle for operation in operations)
    needed = _needed_bundles(operations)
    chosen: set[Bundle] = set()
    total = 0
    for operation in sorted(operations, key=_protecting_first):
        if total >= limit:
            break
        more = _with_needed(operation.bundle, needed, chosen)
        size = sum(sizes[bundle] for bundle in more)
        if not chosen or total + size <= limit:
            chosen |= more
            total += size
    deferred.update(operation.verb for operation in operations if operation.bundle not in chosen)
    return tuple(operation for operation in operations if operation.bundle in chosen)


def _protecting_first(operation: Operation) -> tuple[bool, str, Rank, str]:
    rest = operation.bundle.kind not in (BundleKind.REMOVAL, BundleKind.ROLLBACK)
    return rest, operation.subject, rank(operation), operation.id


def _needed_bundles(operations: Sequence[Operation]) -> Mapping[Bundle, set[Bundle]]:
    bundle_of = {operation.id: operation.bundle for operation in operations}
    needed: dict[Bundle, set[Bundle]] = defaultdict(set)
    for operation in operations:
        needed[operation.bundle].update(bundle_of[need] for need in operation.needs)
    return needed


def _with_needed(bundle: Bundle, needed: Mapping[Bundle, set[Bundle]], chosen: Collection[Bundle]) -> set[Bundle]:
    """Return *bundle* and all that it needs, directly or not, without what is *chosen* already."""
    found = {bundle}.difference(chosen)
    queue = list(found)
    while queue:
        for other in needed[queue.pop()]:
            if other not in found and other not in chosen:
                found.add(other)
                queue.append(other)
    return found


def _waiting_notes(operations: Iterable[Operation], waiting: Mapping[str, str]) -> list[Note]:
    notes = []
    for operation in operations:
        if operation.id in waiting:
            text = f"{operation.summary}: waits, since {_in_words(waiting[operation.id])}"
            notes.append(Note(code="operation_waits", subject=operation.subject, text=text))
    return notes


def _in_words(fact: str) -> str:
    family, _, rest = fact.partition(":")
    words = {
        "exists": f"{rest} does not exist",
        "enabled": f"{rest} is not registered",
        "free": f"{rest} is in use",
    }
    return words.get(family, f"{rest} is not settled ({family})")


def _name_notes(situation: Situation) -> list[Note]:
    """Names are written once: a changed name is never an operation (design.md section 5)."""
    notes = []
    entities = situation.observed.entities
    for key, identity in situation.standings.entity_of.items():
        wanted = situation.desired.entities.get(key)
        entity = entities.get(identity)
        if wanted is None or entity is None or wanted.name == entity.name or not wanted.enabled:
            continue
        if key in situation.standings.doubted:
            continue  # maybe somebody else is called so
        if fold(wanted.name) != fold(entity.name):
            text = f"is called {entity.name!r} in WorkMail and {wanted.name!r} in the directory; WorkMail can't rename"
            notes.append(Note(code="name_differs", subject=key, text=text))
    return notes


def _removal_notes(situation: Situation) -> list[Note]:
    """Removals under way, those that go on and those that don't: nobody is half removed without being named."""
    causes = (Freeze.ROLLBACK, Freeze.UNDER_WAY)
    frozen, begun = situation.standings.frozen.items(), situation.memory.begun
    half = ((key, why) for key, why in frozen if why.cause in causes and key in begun)
    notes = [Note(code=HALF_REMOVED, subject=key, text=why.text) for key, why in half]
    waiting = ((key, why) for key, why in frozen if why.cause is Freeze.REBIND and key in begun)
    notes += [Note(code=HALF_REMOVED_WAITS, subject=key, text=f"its removal waits: {why.text}") for key, why in waiting]
    going_on = ((key, why) for key, why in situation.standings.leaving.items() if key in begun)
    return notes + [Note(code=REMOVAL_GOES_ON, subject=key, text=why) for key, why in going_on]


def _held_notes(situation: Situation) -> list[Note]:
    """Whom a person holds: nothing is done to them, and nobody should wonder why."""
    holds = situation.memory.holds.items()
    return [Note(code=HELD, subject=key, text=f"{hold}; syncd release {key} ends it") for key, hold in holds]


def _outsider_notes(situation: Situation) -> list[Note]:
    """Members that the source names but that are nobody here: counted, and the first of them listed."""
    notes = []
    for key, count in situation.desired.outside_members.items():
        if key in situation.desired.entities:
            first = situation.desired.outsiders.get(key, ())
            more = f" and {count - len(first)} more" if count > len(first) else ""
            members = "1 member" if count == 1 else f"{count} members"
            text = f"has {members} in the directory outside what is read: {', '.join(first)}{more}"
            notes.append(Note(code="members_outside", subject=key, text=text))
    return notes


def _protection_notes(situation: Situation) -> list[Note]:
    return protection.notes(situation.policy.protected, situation.observed, situation.desired)


def _populations(situation: Situation) -> Populations:
    desired = Counter(wanted.kind for wanted in situation.desired.entities.values())
    entities, owned = situation.observed.entities, situation.standings.entity_of
    kinds = Counter(
        entities[identity].kind
        for key, identity in owned.items()
        if entities[identity].state is State.ENABLED and key in situation.memory.bindings
    )
    return Populations(
        reached=reached(situation),
        wanted={kind: desired[kind] for kind in STATED},
        owned={kind: kinds[kind] for kind in Kind if kind in STATED or kinds[kind]},
        foreign=sum(_is_somebodys(entities[identity]) for identity in situation.standings.foreign),
        frozen=len(situation.standings.frozen),
    )


def _is_somebodys(entity: Entity) -> bool:
    """Return whether a stranger is of interest to people: neither a ghost nor one of the service's own."""
    return entity.state is not State.DELETED and not entity.untouchable
