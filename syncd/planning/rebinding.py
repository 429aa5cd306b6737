"""What is proposed about those whose identity is doubted: until a person says yes, all of them stay as they are.

| who is in doubt looks like                      | proposal                                                        |
|-------------------------------------------------|-----------------------------------------------------------------|
| somebody whose own key stands for nobody or for | every mailbox stays with its person: the keys change hands, all |
| somebody else now, while nothing speaks for the | that are linked by it together; the last in a chain, if it is   |
| key itself                                      | missing, takes over what nobody else does                       |
| anybody else                                    | the key keeps its mailbox, whoever it stands for now; what would|
|                                                 | follow is planned as if approved, and needs it                  |
| themselves, but for the source's name           | all under that name in one go; by itself under `adopt: exact`   |
| –, missing under a source's old name            | counted as missing from now on, once the others are rebound     |
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from syncd.model.look import Look, look_of
from syncd.model.memory import Binding, Memory
from syncd.model.names import STATED, Key, kind_of
from syncd.model.observed import Observed
from syncd.model.operation import Operation, hashed, single
from syncd.model.plan import DOUBTED, Note
from syncd.model.policy import Adopt, Policy
from syncd.model.situation import Situation
from syncd.model.standing import Doubt, Freeze, Frozen, Proposal, ProposalKind, Rebinding
from syncd.model.state import Desired, State
from syncd.planning.draft import Draft
from syncd.planning.identity import Doubted, Identities, Lookalikes, seen_as, traits_of

#: So many are named in a sentence, and shown before and after.
_SHOWN = 5
#: What freezes a key whose binding may be given to another one all the same.
_FREE = frozenset({Freeze.PENDING, Freeze.OTHER_SOURCE, Freeze.DOUBTED})
_DOUBTED = Frozen(Freeze.DOUBTED, "in doubt who this is")
_RENAMED = Frozen(Freeze.OTHER_SOURCE, "bound under another name of the source: it waits for being rebound")


@dataclass(slots=True)
class Rebinder:
    """Proposes what becomes of those in doubt, after everybody with a binding has been placed."""

    draft: Draft
    identities: Identities
    desired: Desired
    observed: Observed
    memory: Memory
    policy: Policy
    source: str
    #: Whether a key is in the pilot; everybody is where there is none.
    is_inside: Callable[[Key], bool]

    def place_doubted(self) -> None:
        """Propose about those whom `Bound` froze because of who they look like."""
        frozen = self.draft.frozen
        doubted = {
            key: one
            for key, one in self.identities.doubted.items()
            if key in frozen and frozen[key].cause is Freeze.DOUBTED
        }
        takes = self._takes(doubted)
        linked = {*takes, *takes.values()}
        for ring in _rings(takes):
            self._change_hands(ring, doubted)
        for key, one in sorted(doubted.items()):
            if key not in linked:
                self._keep(one)
        self._rename()

    # --- who takes whose -------------------------------------------------------------------------------

    def _takes(self, doubted: Mapping[Key, Doubted]) -> dict[Key, Key]:
        """Return, of those who have turned up under another key, under which one they were known: one to one."""
        wishes: dict[Key, list[Key]] = defaultdict(list)
        for key, one in doubted.items():
            if one.other is not None and one.alone and one.unlike and self._is_vacant(one.other, doubted):
                wishes[one.other].append(key)
        vacant = [(key, one.was) for key, one in doubted.items() if self._is_vacant(key, doubted)]
        known = Lookalikes(vacant)
        for key, wanted in self.desired.entities.items() if vacant else ():
            if wanted.enabled and key not in self.memory.bindings:
                like = known.of(key, traits_of(wanted))
                for other in like if len(like) == 1 else ():
                    wishes[other].append(key)
        return {keys[0]: other for other, keys in sorted(wishes.items()) if len(keys) == 1}

    def _is_vacant(self, key: Key, doubted: Mapping[Key, Doubted]) -> bool:
        """Return whether whoever *key* stood for isn't there under it any more."""
        if key in doubted:
            return doubted[key].unlike
        frozen, wanted = self.draft.frozen.get(key), self.desired.entities.get(key)
        if key not in self.draft.entity_of or (frozen is not None and frozen.cause not in _FREE):
            return False
        busy = key in self.memory.begun or key in self.memory.holds
        return (wanted is None or not wanted.enabled) and not busy

    # --- proposals -------------------------------------------------------------------------------------

    def _change_hands(self, ring: Mapping[Key, Key], doubted: Mapping[Key, Doubted]) -> None:
        """Propose that the keys of *ring* follow the people; everything of theirs stays as it is until then."""
        moves = dict(ring)
        ends = [old for old in ring.values() if old not in ring]
        taken = set(ring.values())
        starts = [key for key in ring if key not in taken and key in self.memory.bindings]
        if ends and starts and ends[0] not in self.desired.entities:
            moves[ends[0]] = starts[0]
        shown = {key: self._now(key) for key in sorted(moves) if key in ring}
        lines = [f"{key} is {look} now, known as {moves[key]}" for key, look in shown.items()]
        others = f"; and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
        told = f"{'; '.join(lines[:_SHOWN])}{others}"
        reason = (
            f"{told}. Approve if ids were corrected or moved: every mailbox then stays with its person. "
            "If the directory is wrong, mend it, and this goes away"
        )
        lost = [key for key in starts if key not in set(moves.values())]
        if lost:
            reason += f". What {', '.join(lost)} had belongs to no key then, and stays as it is"
        count = len(shown)
        self._add(
            Rebinding(
                doubt=next((doubted[key].doubt for key in sorted(moves) if key in doubted), Doubt.EXCHANGED),
                moves=moves,
                summary=f"let {count} {'key' if count == 1 else 'keys'} follow the people who now have them: "
                + ", ".join(f"{key} was {moves[key]}" for key in list(shown)[:_SHOWN])
                + (" ..." if count > _SHOWN else ""),
                reason=reason,
                effect=self._effect(moves),
            )
        )
        for key in {*moves, *moves.values()}:
            self._hold(key, f"in doubt who this is: {self._sentence(key, doubted)}")

    def _keep(self, one: Doubted) -> None:
        """Propose that the key of *one* keeps its mailbox; what would follow is planned as if that was approved."""
        key, draft = one.key, self.draft
        wanted = self.desired.entities[key]
        text = self._sentence(key, {key: one})
        reason = (
            f"{text} ({wanted.origin}). Approve only if it is the same {wanted.kind.value}: "
            f"{one.now.login} gets all that {one.was.login} has"
            + (self._burnt(key) if wanted.enabled else " (and is removed, being disabled)")
            + ". Else give whoever is new a key of their own in the directory"
        )
        self._add(
            Rebinding(
                doubt=one.doubt,
                moves={key: key},
                summary=f"take {one.now} for {one.was}, since both have the key {key}",
                reason=reason,
                effect=self._effect({key: key}),
                source=self._old_source(key),
            )
        )
        draft.doubted[key] = text
        if wanted.enabled:
            del draft.frozen[key]
            draft.proposals[key] = Proposal(
                kind=ProposalKind.REBIND, key=key, entity=draft.entity_of[key], reason=reason, previous=key
            )
        other = one.other
        if other is not None and other in draft.entity_of and other not in draft.frozen:
            self._hold(other, f"{key} looks like them now: who is who must be settled first")

    def _rename(self) -> None:
        by_name: dict[str, list[Key]] = defaultdict(list)
        for key, name in self.identities.renamed.items():
            if self.draft.frozen.get(key) is _RENAMED and self.is_inside(key):
                by_name[name].append(key)
        for name, keys in sorted(by_name.items()):
            self._add(
                Rebinding(
                    doubt=Doubt.RENAMED,
                    moves=dict(zip(keys, keys, strict=True)),
                    summary=f"rebind {_counted(keys)} from {name} to {self.source}",
                    reason="the source or its key column has another name; key, login, name and address of each of "
                    "them are the same as before",
                    effect={"source": self.source, "previous": name},
                    needs_approval=self.policy.adopt is not Adopt.EXACT,
                    source=name,
                )
            )

    def place_left(self) -> None:
        """Propose to count whoever is missing under both names, once most others are known under the new one."""
        here, left = 0, defaultdict(list)
        for key, binding in self.memory.bindings.items():
            frozen = self.draft.frozen.get(key)
            if key in self.desired.entities:
                here += key not in self.draft.doubted
            elif not self.is_inside(key):
                continue
            elif binding.source != self.source and frozen is not None and frozen.cause is Freeze.OTHER_SOURCE:
                left[binding.source].append(key)
        if not here > len(self.draft.doubted) + sum(map(len, left.values())):
            return
        for name, keys in sorted(left.items()):
            who = ", ".join(self._was(key).login for key in sorted(keys)[:_SHOWN])
            more = f" and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else ""
            self._add(
                Rebinding(
                    doubt=Doubt.LEFT,
                    moves={key: key for key in keys},
                    summary=f"count {who}{more} as missing, under {self.source}",
                    reason=f"bound under {name}, and missing from the directory under {self.source} too; approve if "
                    "they have left: they are removed when they have been missing for long enough",
                    effect={"source": self.source, "previous": name, "left": hashed(sorted(keys))},
                    source=name,
                )
            )

    # --- words and values ------------------------------------------------------------------------------

    def _add(self, rebinding: Rebinding) -> None:
        self.draft.rebindings.append(rebinding)

    def _hold(self, key: Key, text: str) -> None:
        draft = self.draft
        draft.leaving.pop(key, None)
        draft.waiting.pop(key, None)
        draft.dropped.discard(key)
        draft.freeze(key, Freeze.DOUBTED, text)
        draft.doubted[key] = text

    def _sentence(self, key: Key, doubted: Mapping[Key, Doubted]) -> str:
        one = doubted.get(key)
        if one is None:
            known = f"was {self._was(key)}" if key in self.memory.bindings else "is new"
            return f"{key} {known}, and somebody who looks like that has another key now"
        told = {
            Doubt.CHANGED: f"nothing of {key} is as it was",
            Doubt.EXCHANGED: f"{key} looks like {one.other} now",
            Doubt.OTHER_SOURCE: f"{key} was bound under {self._old_source(key)} and is read under {self.source}",
        }
        return f"{told[one.doubt]}: was {one.was}, is {one.now}"

    def _burnt(self, key: Key) -> str:
        binding = self.memory.bindings[key]
        entity = self.observed.entities[binding.entity]
        since, fuse = entity.disabled_at or binding.removed_at, self.observed.organization.fuse.get(entity.kind)
        if entity.state is State.ENABLED or fuse is None or since is None:
            return ""
        return f", deregistered since {since:%Y-%m-%d}; after {fuse.days} days the mailbox is an empty one"

    def _effect(self, moves: Mapping[Key, Key]) -> Mapping[str, object]:
        """A yes is to these people: were they others meanwhile, it would be asked again."""
        looks = [
            [key, old, *(self._now(key) if key in self.desired.entities else ("", ""))[:3]]
            for key, old in moves.items()
        ]
        return {"rebound": hashed(sorted(looks))}

    def _now(self, key: Key) -> Look:
        return look_of(self.desired.entities[key])

    def _was(self, key: Key) -> Look:
        binding = self.memory.bindings[key]
        return seen_as(binding, self.observed.entities[binding.entity])

    def _old_source(self, key: Key) -> str:
        source = self.memory.bindings[key].source
        return "" if source == self.source else source


def _rings(takes: Mapping[Key, Key]) -> Iterator[dict[Key, Key]]:
    """Yield *takes* in parts that share no key, each a ring or a chain."""
    takers = {old: key for key, old in takes.items()}
    left = dict(takes)
    while left:
        start = key = min(left)
        while (before := takers.get(key)) is not None and before != start:
            key = before
        ring: dict[Key, Key] = {}
        while key in left:
            ring[key] = left.pop(key)
            key = ring[key]
        yield ring


def _counted(keys: Iterable[Key]) -> str:
    kinds = [kind_of(key) for key in keys]
    counts = {kind: kinds.count(kind) for kind in STATED}
    return " and ".join(f"{n:,} {kind.value}{'' if n == 1 else 's'}" for kind, n in counts.items() if n)


def held(identities: Identities) -> Mapping[Key, Frozen]:
    """Return who stays as they are as long as it is in doubt who they are, and why."""
    return {**dict.fromkeys(identities.doubted, _DOUBTED), **dict.fromkeys(identities.renamed, _RENAMED)}


def bundle_of(rebinding: Rebinding) -> str:
    """Return the text of the bundle of *rebinding*'s operation, which no other one has."""
    return str(single("rebinding", rebinding.key))


def shown(situation: Situation, one: Rebinding) -> tuple[Mapping[str, object], Mapping[str, object]]:
    """Return how the first of its keys, or its source, look before and after."""
    if one.doubt in (Doubt.RENAMED, Doubt.LEFT):
        return {"source": one.source}, {"source": situation.source}
    before: dict[str, object] = {}
    after: dict[str, object] = {}
    for key in sorted(one.moves)[:_SHOWN]:
        binding, wanted = situation.memory.bindings.get(key), situation.desired.entities.get(key)
        entity = None if binding is None else situation.observed.entities.get(binding.entity)
        if binding is not None and entity is not None:
            before[key] = str(seen_as(binding, entity))
        after[key] = f"{look_of(wanted)}" if wanted is not None else f"what {one.moves[key]} had"
    return before, after


def rebound(situation: Situation, operation: Operation) -> tuple[tuple[Binding, ...], frozenset[Key]]:
    """Return the bindings that *operation* comes to, and the keys whose binding another one has then, or nobody."""
    for one in situation.standings.rebindings:
        if bundle_of(one) == str(operation.bundle):
            return tuple(_rebound(situation, one)), one.given_up
    return (), frozenset()


def _rebound(situation: Situation, one: Rebinding) -> Iterator[Binding]:
    for key, old in one.moves.items():
        binding, wanted = situation.memory.bindings[old], situation.desired.entities.get(key)
        entity = situation.observed.entities[binding.entity]
        look = seen_as(binding, entity) if wanted is None else look_of(wanted)
        look = look if look.primary else look._replace(primary=seen_as(binding, entity).primary)
        since = binding.since if key == old else situation.now
        yield replace(binding, key=key, source=situation.source, since=since, look=look)


def notes(situation: Situation) -> Iterator[Note]:
    """Name everybody who is in doubt: nothing is done about them before a person says who they are."""
    for key, text in situation.standings.doubted.items():
        yield Note(code=DOUBTED, subject=key, text=f"{text}; nothing is done before that is approved or mended")
