"""Whether the person behind a bound key is still the one who was there: compares looks, decides nothing else.

| bound under        | how the directory shows the key now                       | verdict                  |
|--------------------|-----------------------------------------------------------|--------------------------|
| this source's name | as when it was last seen                                  | the same                 |
| this source's name | two of login, display name, primary are another key's now | doubted: exchanged       |
| this source's name | something still fits                                      | the same                 |
| this source's name | nothing fits any more                                     | doubted: changed         |
| another name       | login, display name and primary are the same              | renamed: asked once      |
| another name       | anything else                                             | doubted: another source  |

What fits of a user: login, display name (as a set of words), local part of the primary address, first name, or an alias
that is the old primary. Of a group: name, local part, such an alias, or half of its members. A first name alone tells
nothing of somebody who was away, and is forgotten as soon as they are missing or disabled.
"""

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from syncd.model.detail import MEMBERS
from syncd.model.look import Look, look_in_service, look_of, words
from syncd.model.memory import Binding, Mark, Memory
from syncd.model.names import Key, Kind, fold, kind_of
from syncd.model.observed import Observed
from syncd.model.plan import Plan
from syncd.model.situation import Situation
from syncd.model.standing import Doubt
from syncd.model.state import Desired, Entity, State, Wanted

#: What is compared, and in which form: one of a login, a display name, a primary address.
Trait = tuple[str, object]
#: How much of login, display name and primary address makes somebody look like somebody else.
_ENOUGH = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubted:
    """A key that stood for *was* and stands for *now*, who looks like *other* if that is known.

    *alone* is False where more than one looks like that. *unlike*: none of login, display name and primary fits.
    """

    key: Key
    doubt: Doubt
    was: Look
    now: Look
    unlike: bool
    other: Key | None = None
    alone: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Identities:
    """Who is in doubt, and whose binding has only another source's name (key -> that name)."""

    doubted: Mapping[Key, Doubted] = field(default_factory=dict)
    renamed: Mapping[Key, str] = field(default_factory=dict)


def examine(desired: Desired, observed: Observed, memory: Memory, source: str) -> Identities:
    """Return whom of the bound keys that are in the directory nothing vouches for.

    Unchanged people cost one comparison of tuples. Whoever is lost, or disabled on both sides, isn't looked at: nothing
    is done about them without being asked.
    """
    suspects: list[Doubted] = []
    renamed: dict[Key, str] = {}
    everybody = desired.entities
    for key, binding in memory.bindings.items():
        wanted = everybody.get(key)
        if wanted is None:
            continue
        is_known_here, look = binding.source == source, binding.look
        now = look_of(wanted)
        if is_known_here and look == now:
            continue
        entity = observed.entities.get(binding.entity)
        if entity is None or entity.state is State.DELETED:
            continue
        if not wanted.enabled and entity.state is not State.ENABLED and is_known_here:
            continue
        was = seen_as(binding, entity)
        if not is_known_here and _is_same(was, now):
            renamed[key] = binding.source
            continue
        if not is_known_here:
            suspects.append(Doubted(key=key, doubt=Doubt.OTHER_SOURCE, was=was, now=now, unlike=_is_unlike(was, now)))
        elif not _fits(was, now, wanted, was_here=_was_here(memory, binding, entity)) and not (
            wanted.kind is Kind.GROUP and _has_stayed(wanted, entity, observed, memory)
        ):
            suspects.append(Doubted(key=key, doubt=Doubt.CHANGED, was=was, now=now, unlike=_is_unlike(was, now)))
        elif len(_changed(was, now)) >= _ENOUGH:
            suspects.append(Doubted(key=key, doubt=Doubt.EXCHANGED, was=was, now=now, unlike=_is_unlike(was, now)))
    found = _beside_others(suspects, observed, memory)
    return Identities(doubted={one.key: one for one in found}, renamed=renamed)


def seen_as(binding: Binding, entity: Entity) -> Look:
    """Return how *binding* was last seen; where nothing is remembered, the service's own names tell it."""
    return binding.look if binding.look is not None else look_in_service(entity, binding.addresses)


class Lookalikes:
    """Finds, of those in *looks*, who shares two of login, display name and primary address with somebody.

    Only what is *sought* is indexed, where that is given: everybody's look would be much.
    """

    def __init__(self, looks: Iterable[tuple[Key, Look]], sought: Container[Trait] | None = None) -> None:
        self._holders: dict[Trait, list[Key]] = defaultdict(list)
        for key, look in looks:
            for trait in _traits(look):
                if sought is None or trait in sought:
                    self._holders[trait].append(key)

    def of(self, key: Key, traits: Iterable[Trait]) -> list[Key]:
        """Return who has most of *traits*, at least two of them, other than *key* and of the same kind."""
        kind = kind_of(key)
        hits = Counter(other for trait in traits for other in self._holders.get(trait, ()))
        found = {
            other: count
            for other, count in hits.items()
            if count >= _ENOUGH and other != key and kind_of(other) is kind
        }
        return sorted(other for other, count in found.items() if count == max(found.values()))


def traits_of(wanted: Wanted) -> tuple[Trait, ...]:
    """Return by what somebody may look like somebody else."""
    return tuple(_traits(look_of(wanted)))


def fresh_looks(situation: Situation, plan: Plan, marks: Mapping[Key, Mark]) -> Mapping[Key, Look]:
    """Return the looks to be noted after a cycle: of whoever was neither doubted, frozen nor withheld in it.

    Of whoever is missing or disabled (*marks*) the first name is forgotten, since it vouches for nobody who comes back.
    """
    standings, everybody = situation.standings, situation.desired.entities
    withheld = {key for o in plan.operations if o.id in plan.withheld for key in (o.subject, o.row)}
    found: dict[Key, Look] = {}
    for key, binding in situation.memory.bindings.items():
        wanted = everybody.get(key)
        if wanted is None or not wanted.enabled:
            if key in marks and binding.look is not None and binding.look.first_name:
                found[key] = binding.look._replace(first_name="")
            continue
        look = look_of(wanted)
        if look == binding.look or binding.source != situation.source:
            continue
        if not (key in standings.frozen or key in standings.proposals or key in withheld or key in standings.leaving):
            found[key] = look
    return found


def _is_same(was: Look, now: Look) -> bool:
    return was[:3] == now[:3] or (
        fold(was.login) == fold(now.login)
        and words(was.display_name) == words(now.display_name)
        and (not now.primary or fold(was.primary) == fold(now.primary))
    )


def _fits(was: Look, now: Look, wanted: Wanted, *, was_here: bool) -> bool:
    """Return whether anything of *was* still tells that it is the same person or group."""
    return (
        fold(was.login) == fold(now.login)
        or _local(was.primary) == _local(now.primary) != ""
        or (bool(was.display_name) and words(was.display_name) == words(now.display_name))
        or (was_here and bool(was.first_name) and fold(was.first_name) == fold(now.first_name))
        or (bool(was.primary) and fold(was.primary) in map(fold, wanted.aliases))
    )


def _is_unlike(was: Look, now: Look) -> bool:
    """Return whether login, display name and local part are all somebody else's: then nothing speaks for the key."""
    same_name = bool(was.display_name) and words(was.display_name) == words(now.display_name)
    same_address = _local(was.primary) == _local(now.primary) != ""
    return not (fold(was.login) == fold(now.login) or same_name or same_address)


def _has_stayed(group: Wanted, entity: Entity, observed: Observed, memory: Memory) -> bool:
    """Return whether at least half of the members of *group* are who they were; of an empty one nobody can say it."""
    held = observed.details.of(MEMBERS).get(entity.id, frozenset())
    stays = {memory.bindings[member].entity for member in group.members if member in memory.bindings}
    return bool(held) and 2 * len(held & stays) >= len(held)


def _was_here(memory: Memory, binding: Binding, entity: Entity) -> bool:
    """Return whether there was no gap in which somebody else may have been given the key."""
    return entity.state is State.ENABLED and binding.removed_at is None and binding.key not in memory.marks


def _local(address: str) -> str:
    return fold(address.rpartition("@")[0])


def _traits(look: Look) -> Iterator[Trait]:
    """Yield what of *look* can be another one's, in the form in which it is compared."""
    if look.login:
        yield "login", fold(look.login)
    if look.display_name:
        yield "name", words(look.display_name)
    if look.primary:
        yield "primary", fold(look.primary)


def _changed(was: Look, now: Look) -> list[Trait]:
    before = frozenset(_traits(was))
    return [trait for trait in _traits(now) if trait not in before]


def _beside_others(suspects: Iterable[Doubted], observed: Observed, memory: Memory) -> Iterator[Doubted]:
    """Yield *suspects* with whom they look like; whoever was only suspected of an exchange, and looks like nobody, not.

    Everybody's look is gone through once, and only where somebody's login, display name and address changed by two.
    """
    wishes = [(one, _changed(one.was, one.now)) for one in suspects]
    sought = {trait for _, traits in wishes if len(traits) >= _ENOUGH for trait in traits}
    everybody = Lookalikes(_all_looks(observed, memory) if sought else (), sought)
    for one, traits in wishes:
        like = everybody.of(one.key, traits)
        if like:
            doubt = Doubt.OTHER_SOURCE if one.doubt is Doubt.OTHER_SOURCE else Doubt.EXCHANGED
            yield replace(one, doubt=doubt, other=like[0], alone=len(like) == 1)
        elif one.doubt is not Doubt.EXCHANGED:
            yield one


def _all_looks(observed: Observed, memory: Memory) -> Iterator[tuple[Key, Look]]:
    for key, binding in memory.bindings.items():
        entity = observed.entities.get(binding.entity)
        if binding.look is not None:
            yield key, binding.look
        elif entity is not None:
            yield key, look_in_service(entity, binding.addresses)
