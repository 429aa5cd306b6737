"""Who holds which address, who wants which, and in which steps it changes hands: the solver's values.

The words: a *party* is anybody who may hold addresses. A *claim* is an address that a party wants.
Addresses are compared folded and kept as written.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from syncd.model.names import fold

_PARKED = re.compile(r"syncd-parked-[0-9a-f]{12}@.+", re.IGNORECASE)


class Status(StrEnum):
    """What may happen to a party's addresses in this cycle."""

    STAYING = "staying"  # enabled, and wanted so
    JOINING = "joining"  # not enabled yet: taking its primary address is the registration
    LEAVING = "leaving"  # gives up everything
    FIXED = "fixed"  # frozen or not ours: keeps what it holds, gets nothing


class Extras(StrEnum):
    """What becomes of the aliases that a party holds and doesn't want."""

    KEPT = "kept"
    REMOVED = "removed"
    #: Aliases are nobody's business: only primary addresses are claims, and what they need is released.
    UNMANAGED = "unmanaged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Somebody who holds or wants addresses; *primary* is "" while not enabled.

    *returning* are addresses that a party had earlier: it gets back those that nobody holds or wants.
    """

    key: str
    status: Status
    primary: str = ""
    aliases: Collection[str] = ()
    wanted_primary: str = ""
    wanted_aliases: tuple[str, ...] = ()
    extras: Extras = Extras.KEPT
    returning: tuple[str, ...] = ()
    #: Gets back what it had: before anybody else, since nobody was given it.
    reclaims: bool = False
    #: Its entity, by which its parking address is told from others': keys change hands, and who was parked once under a
    #: key may hold that address for as long as it is DISABLED, which no call shows.
    entity: str = ""

    @property
    def parks_as(self) -> str:
        """What its parking address is made of."""
        return self.entity or self.key


class Act(StrEnum):
    """What a step does."""

    TAKE = "take"  # a free address becomes an alias
    RELEASE = "release"  # an alias becomes free
    PROMOTE = "promote"  # an own alias or a free address becomes primary, the old primary an alias
    PARK = "park"  # the same, with the parking address
    REGISTER = "register"  # a free address becomes the primary of a party that wasn't enabled


class StepCause(StrEnum):
    """Why a step is taken."""

    WISH = "wish"  # the party itself wants the address
    RETURN = "return"  # the party had the address before it was removed
    CLAIMED = "claimed"  # somebody else wants the address that is given up
    EXTRA = "extra"  # the party doesn't want the address, and extras are removed
    PARKED = "parked"  # a parking address that has served
    LEAVING = "leaving"  # the party leaves


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One change of one address of one party.

    *demotes* is the primary address that becomes an alias by it, "" where there was none. *frees* must
    have been released before (folded); *demoted* says that the address is a primary until a step of the
    same party demotes it. *claimant* is who wants the address that is given up, "" if nobody does.
    *group* holds the sorted keys of all whom one connected move joins; () for a step that moves alone,
    and for those of leavers.
    """

    act: Act
    party: str
    address: str
    cause: StepCause
    claimant: str = ""
    demotes: str = ""
    frees: frozenset[str] = frozenset()
    demoted: bool = False
    group: tuple[str, ...] = ()


class Obstacle(StrEnum):
    """Why a claim waits."""

    HELD = "held"  # its holder is fixed
    KEPT = "kept"  # it is the primary of somebody who can't get another one, or wants no other
    FULL = "full"  # no room for another alias
    CONTESTED = "contested"  # somebody else wants it too, and comes first


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """A claim that nothing is done about in this cycle; *holder* is who is in the way ("" for FULL)."""

    party: str
    address: str
    primary: bool
    obstacle: Obstacle
    holder: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """The steps, party by party in the order of their keys; what comes before what stands in the steps.

    *blocked* are the joining parties whose primary address waits: they get nothing at all.
    """

    steps: tuple[Step, ...] = ()
    waits: tuple[Wait, ...] = ()
    blocked: frozenset[str] = frozenset()


def blocked_newcomers(solution: Solution) -> frozenset[str]:
    """Return the keys of those of whom nothing may be created: their primary address waits."""
    return solution.blocked


def parking_address(key: str, domain: str, attempt: int = 0) -> str:
    """Return where on *domain* the party of *key* parks; *attempt* counts the addresses already taken."""
    seed = f"{key}#{attempt}" if attempt else key
    return f"syncd-parked-{hashlib.sha256(seed.encode()).hexdigest()[:12]}@{domain}"


def is_parking(address: str) -> bool:
    """Return whether *address* is a parking address, on whatever domain: the default one may change."""
    return address[:1] in "sS" and _PARKED.fullmatch(address) is not None


def settled(
    primary: str,
    aliases: Collection[str],
    wanted_primary: str,
    wanted_aliases: tuple[str, ...],
    extras: Extras,
    spared_domain: str = "",
) -> bool:
    """Return whether an enabled party holds just what it wants, as far as it is up to itself.

    Aliases on *spared_domain* are never extra.
    """
    if primary != wanted_primary and fold(primary) != fold(wanted_primary):
        return False
    if not aliases:
        return not wanted_aliases or extras is Extras.UNMANAGED or set(map(fold, wanted_aliases)) == {fold(primary)}
    if len(aliases) == len(wanted_aliases) and frozenset(wanted_aliases) == aliases:
        return True
    held = set(map(fold, aliases))
    wanted = set() if extras is Extras.UNMANAGED else {fold(address) for address in wanted_aliases} - {fold(primary)}
    return wanted <= held and not any(is_extra(address, extras, spared_domain) for address in held - wanted)


def is_extra(address: str, extras: Extras, spared_domain: str) -> bool:
    """Return whether *address*, which its holder doesn't want and nobody else either, is to be released.

    A parking address is, whatever becomes of other extras.
    """
    if is_parking(address):
        return True
    return extras is Extras.REMOVED and not (spared_domain and address.endswith(f"@{spared_domain}"))


def index(parties: Sequence[Party]) -> dict[str, Party]:
    """Return the holder of each address; of two, who has it as primary: lists are read later."""
    holder: dict[str, Party] = {}
    for party in parties:
        if party.primary:
            other = holder.setdefault(fold(party.primary), party)
            if party.key < other.key:
                holder[fold(party.primary)] = party
    aliases: dict[str, Party] = {}
    for party in parties:
        for address in party.aliases:
            other = aliases.setdefault(fold(address), party)
            if party.key < other.key:
                aliases[fold(address)] = party
    return {**aliases, **holder}


def grouped(steps: Sequence[Step], leaving: Collection[str]) -> Iterator[Step]:
    """Yield the steps, those of one connected move among people who don't leave with its *group*."""
    staying = [n for n, step in enumerate(steps) if step.party not in leaving]
    frees = {fold(steps[n].address): n for n in staying if steps[n].act is Act.RELEASE}
    demotes = {(steps[n].party, fold(steps[n].demotes)): n for n in staying if steps[n].demotes}
    root = list(range(len(steps)))

    def find(n: int) -> int:
        while root[n] != n:
            root[n] = n = root[root[n]]
        return n

    for n in staying:
        step = steps[n]
        for address in step.frees:
            if address in frees:
                root[find(n)] = find(frees[address])
        if step.demoted:
            root[find(n)] = find(demotes[step.party, fold(step.address)])
    members: dict[int, set[str]] = defaultdict(set)
    for n in staying:
        members[find(n)].add(steps[n].party)
    for n, step in enumerate(steps):
        together = members.get(find(n), set())
        yield replace(step, group=tuple(sorted(together))) if len(together) > 1 else step
