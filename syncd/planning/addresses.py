"""How does every address come to whoever wants it, in one pass, and never held by two?

The rules it works with: an address has one holder at most; a primary can't be released, only demoted by
another one taking its place; what is demoted becomes an alias.

claim on an address that ...                     -> outcome
  nobody holds                                   -> taken
  is an own alias and should be primary          -> one promotion, the old primary takes its place
  somebody holds as alias                        -> released there, then taken
  is the primary of somebody who gets another    -> demoted there, released, then taken
  is the primary of somebody who doesn't         -> waits; so does whoever wants what the claimant keeps
  a fixed party holds                            -> waits, likewise
  a leaver holds                                 -> released there, the primary after parking, then taken
  closes a ring of primaries                     -> the first of the ring parks, the others follow as a chain

Claims start as granted and are refused one by one until nothing changes, so a ring is granted and a
chain that ends at a fixed party is not.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from syncd.model.names import fold
from syncd.planning.ownership import (
    Act,
    Extras,
    Obstacle,
    Party,
    Solution,
    Status,
    Step,
    StepCause,
    Wait,
    grouped,
    index,
    is_extra,
    is_parking,
    parking_address,
    settled,
)

_NOTHING: frozenset[str] = frozenset()


def solve(parties: Iterable[Party], *, default_domain: str, limit: int = 100, spared_domain: str = "") -> Solution:
    """Return the steps that give every party of *parties* what it wants, and the claims that wait.

    Parking addresses are on *default_domain*; nobody has more than *limit* aliases at any moment; aliases on
    *spared_domain* are never extra. The order of *parties* doesn't matter.
    """
    everyone = list(parties)
    unsettled = [party for party in everyone if _is_unsettled(party, spared_domain)]
    if not unsettled:
        return Solution()
    table = _Table(everyone, unsettled, default_domain, limit, spared_domain)
    table.refuse_what_cannot_be()
    table.give_back()
    steps = [step for mover in table.in_order() for step in table.steps(mover)]
    leaving = {mover.key for mover in table.movers.values() if mover.status is Status.LEAVING}
    waits = sorted(table.waits, key=lambda wait: (wait.party, not wait.primary, wait.address))
    blocked = frozenset(mover.key for mover in table.movers.values() if mover.blocked)
    return Solution(steps=tuple(grouped(steps, leaving)), waits=tuple(waits), blocked=blocked)


def _is_unsettled(party: Party, spared_domain: str) -> bool:
    match party.status:
        case Status.FIXED:
            return False
        case Status.JOINING:
            return True
        case Status.LEAVING:
            return bool(party.aliases) or not is_parking(party.primary)
        case Status.STAYING:
            return bool(party.returning) or not settled(
                party.primary,
                party.aliases,
                party.wanted_primary,
                party.wanted_aliases,
                party.extras,
                spared_domain,
            )


@dataclass(slots=True)
class _Mover:
    """A party that may move, with the claims that still stand.

    Addresses are folded, the values of mappings are as written. *goal* is the address that is to become
    primary, "" when the primary stays as it is.
    """

    party: Party
    key: str
    status: Status
    primary: str = ""
    held: dict[str, str] = field(default_factory=dict)
    goal: str = ""
    claims: dict[str, str] = field(default_factory=dict)
    parking: str = ""
    blocked: bool = False

    @property
    def wishes(self) -> Iterator[str]:
        """What it claims: a primary address, new or kept, and aliases."""
        if self.status is not Status.LEAVING:
            yield self.goal or self.primary
            yield from self.claims

    @property
    def takes(self) -> list[str]:
        """The aliases it claims and doesn't hold yet."""
        return [address for address in self.claims if address not in self.held and address != self.primary]

    @property
    def grows(self) -> bool:
        """Whether its promotion adds an alias: the old primary comes, and no own alias goes in exchange."""
        return bool(self.goal and self.primary and self.goal not in self.held)


def _mover(party: Party) -> _Mover:
    mover = _Mover(party, party.key, party.status)
    if party.status is not Status.JOINING:
        mover.primary = fold(party.primary)
        mover.held = {fold(address): address for address in sorted(party.aliases)}
        mover.held.pop(mover.primary, None)
    if party.status is Status.LEAVING:
        return mover
    goal = fold(party.wanted_primary)
    if party.extras is not Extras.UNMANAGED:
        mover.claims = {fold(address): address for address in party.wanted_aliases}
        mover.claims.pop(goal, None)
    mover.goal = goal if goal != mover.primary else ""
    return mover


class _Table:
    """Who holds and claims what, while claims are refused and steps are made."""

    def __init__(
        self, everyone: list[Party], unsettled: list[Party], domain: str, limit: int, spared_domain: str
    ) -> None:
        self.domain, self.limit, self.spared_domain = domain, limit, spared_domain
        self.waits: list[Wait] = []
        self.movers = {party.key: _mover(party) for party in unsettled}
        self._holder = index(everyone)
        for mover in list(self.movers.values()):
            for address in (mover.goal, *mover.claims):
                holder = self._holder.get(address)
                if holder is not None and holder.status is not Status.FIXED and holder.key not in self.movers:
                    self.movers[holder.key] = _mover(holder)
        self._drop_what_others_hold()
        self.claimant: dict[str, _Mover] = {}
        self._queue = deque(sorted(self.movers))
        self._queued = set(self._queue)
        self._hear_claims()

    def in_order(self) -> Iterator[_Mover]:
        """Yield the movers by key; the ones that break rings know by now where they park."""
        self._break_rings()
        for _, mover in sorted(self.movers.items()):
            yield mover

    def _drop_what_others_hold(self) -> None:
        """Believe one holder where two were read as such: what was read of one of them is out of date."""
        for mover in self.movers.values():
            for address in [a for a in mover.held if self._holder[a].key != mover.key]:
                del mover.held[address]

    def _hear_claims(self) -> None:
        """Find the claimant of each address; of several: its holder, who wants it as primary, the first."""
        contested: dict[str, set[str]] = {}
        for mover in self.movers.values():
            for address in mover.wishes:
                first = self.claimant.setdefault(address, mover)
                if first is not mover:
                    contested.setdefault(address, {first.key}).add(mover.key)
        for address, keys in contested.items():
            ranked = sorted(keys, key=lambda key: self._precedence(self.movers[key], address))
            self.claimant[address] = self.movers[ranked[0]]
        for address in sorted(contested):
            first = self.claimant[address]
            for key in sorted(contested[address] - {first.key}):
                self._refuse(self.movers[key], address, Obstacle.CONTESTED, first.key)

    def _precedence(self, mover: _Mover, address: str) -> tuple[bool, bool, bool, str]:
        holder = self._holder.get(address)
        return (
            not mover.party.reclaims,
            holder is None or holder.key != mover.key,
            address in mover.claims,
            mover.key,
        )

    # --- refusing ---------------------------------------------------------------------------------------

    def refuse_what_cannot_be(self) -> None:
        """Refuse claims until those that remain can all be met together."""
        while self._queue:
            key = self._queue.popleft()
            self._queued.discard(key)
            self._examine(self.movers[key])

    def _again(self, mover: _Mover | None) -> None:
        if mover is not None and mover.key not in self._queued:
            self._queue.append(mover.key)
            self._queued.add(mover.key)

    def _examine(self, mover: _Mover) -> None:
        if mover.status is Status.LEAVING:
            return
        if mover.goal and (found := self._obstacle(mover, mover.goal)):
            self._refuse(mover, mover.goal, *found)
        for address in mover.takes:
            if found := self._obstacle(mover, address):
                self._refuse(mover, address, *found)
        if len(mover.held) + len(mover.claims) + 1 > self.limit:
            self._fit(mover)

    def _obstacle(self, mover: _Mover, address: str) -> tuple[Obstacle, str] | None:
        """Return what keeps *mover* from getting *address*, and who."""
        holder = self._holder.get(address)
        if holder is None or holder.key == mover.key or holder.status is Status.LEAVING:
            return None
        if holder.status is not Status.STAYING:
            return Obstacle.HELD, holder.key
        other = self.movers[holder.key]
        return (Obstacle.KEPT, holder.key) if address == other.primary and not other.goal else None

    def _fit(self, mover: _Mover) -> None:
        """Refuse what exceeds the limit; the demoted primary needs room too, for a moment at least."""
        going = sum(self._cause(mover, address) is not None for address in mover.held)
        if mover.grows and len(mover.held) - going >= self.limit:
            self._refuse(mover, mover.goal, Obstacle.FULL, "")
        remaining = len(mover.held) - going
        if mover.goal and mover.primary:
            remaining += (self._cause(mover, mover.primary) is None) - (mover.goal in mover.held)
        for address in mover.takes[max(0, self.limit - remaining) :]:
            self._refuse(mover, address, Obstacle.FULL, "")

    def _refuse(self, mover: _Mover, address: str, obstacle: Obstacle, holder: str) -> None:
        primary = address == mover.goal
        if not primary and address not in mover.claims:
            return
        written = mover.party.wanted_primary if primary else mover.claims[address]
        self.waits.append(Wait(party=mover.key, address=written, primary=primary, obstacle=obstacle, holder=holder))
        self._withdraw(mover, address)
        if not primary:
            del mover.claims[address]
            return
        mover.goal = ""
        if mover.status is Status.JOINING:
            mover.blocked = True
            for alias in mover.claims:
                self._withdraw(mover, alias)
            mover.claims.clear()
        else:
            self._again(self.claimant.get(mover.primary))

    def _withdraw(self, mover: _Mover, address: str) -> None:
        """Take the claim back: its holder may keep the address, and so has less room for others."""
        if self.claimant.get(address) is mover:
            del self.claimant[address]
        holder = self._holder.get(address)
        if holder is not None:
            self._again(self.movers.get(holder.key))

    def give_back(self) -> None:
        """Let those who return claim what they had, as far as nobody holds or wants it."""
        wanted = {address for mover in self.movers.values() for address in map(fold, _wishes(mover.party))}
        for _, mover in sorted(self.movers.items()):
            if mover.status is Status.LEAVING or mover.blocked:
                continue
            for address in mover.party.returning:
                folded = fold(address)
                unclaimed = folded not in self._holder and folded not in wanted and not is_parking(address)
                if unclaimed and len(mover.claims) < self.limit:
                    mover.claims[folded] = address
                    wanted.add(folded)

    # --- giving up --------------------------------------------------------------------------------------

    def _cause(self, mover: _Mover, address: str) -> StepCause | None:
        """Return why *mover* is to release *address* once it is an alias, None when it keeps it."""
        if address == mover.parking:
            return None
        if mover.status is Status.LEAVING:
            return StepCause.LEAVING
        claimant = self.claimant.get(address)
        if claimant is mover:
            return None
        if claimant is not None:
            return StepCause.CLAIMED
        if not is_extra(address, mover.party.extras, self.spared_domain):
            return None
        return StepCause.PARKED if is_parking(address) else StepCause.EXTRA

    def _break_rings(self) -> None:
        """Let one of each ring of primaries park. Nobody wants two primaries, so rings share nobody."""
        seen: set[str] = set()
        for key in sorted(self.movers):
            path: dict[str, None] = {}
            mover: _Mover | None = self.movers[key]
            while mover is not None and mover.key not in seen:
                seen.add(mover.key)
                path[mover.key] = None
                mover = self._predecessor(mover)
            if mover is not None and mover.key in path:
                ring = list(path)
                first = self.movers[min(ring[ring.index(mover.key) :])]
                first.parking = self._parking(first)

    def _predecessor(self, mover: _Mover) -> _Mover | None:
        """Return whose primary must be demoted before *mover* can have its goal."""
        holder = self._holder.get(mover.goal) if mover.goal else None
        if holder is None or holder.key == mover.key or holder.status is not Status.STAYING:
            return None
        other = self.movers[holder.key]
        return other if other.primary == mover.goal else None

    def _parking(self, mover: _Mover) -> str:
        attempt = 0
        while True:
            address = parking_address(mover.party.parks_as, self.domain, attempt)
            holder = self._holder.get(fold(address))
            if holder is None or holder.key == mover.key:
                return fold(address)
            attempt += 1

    # --- steps ------------------------------------------------------------------------------------------

    def steps(self, mover: _Mover) -> Iterator[Step]:
        """Yield what *mover* does: releases, the move of its primary, what that sets free, takes."""
        if mover.status is Status.JOINING:
            yield from self._moves(mover, _NOTHING)
            yield from self._takes(mover, _NOTHING)
            return
        if mover.status is Status.LEAVING and mover.primary and not is_parking(mover.primary):
            mover.parking = self._parking(mover)
        releases = [self._release(mover, a, w) for a, w in sorted(mover.held.items()) if self._cause(mover, a)]
        moves = list(self._moves(mover, self._room(mover, releases)))
        for address, written in ((fold(move.demotes), move.demotes) for move in moves if move.demotes):
            if address == mover.parking or self._cause(mover, address):
                releases.append(self._release(mover, address, written, demoted=True))
        yield from releases
        yield from moves
        crowded = len(mover.held) + len(mover.claims) + 1 > self.limit
        yield from self._takes(mover, frozenset(fold(one.address) for one in releases) if crowded else _NOTHING)

    def _takes(self, mover: _Mover, room: frozenset[str]) -> Iterator[Step]:
        wanted = set(map(fold, mover.party.wanted_aliases)) if mover.party.returning else _NOTHING
        for address in mover.takes:
            yield Step(
                act=Act.TAKE,
                party=mover.key,
                address=mover.claims[address],
                cause=StepCause.RETURN if mover.party.returning and address not in wanted else StepCause.WISH,
                frees=room | self._held_elsewhere(mover, address),
            )

    def _moves(self, mover: _Mover, room: frozenset[str]) -> Iterator[Step]:
        current, wanted = mover.party.primary, mover.party.wanted_primary
        if mover.parking:
            address = mover.held.get(mover.parking, mover.parking)
            cause = StepCause.LEAVING if mover.status is Status.LEAVING else StepCause.CLAIMED
            claimant = self.claimant.get(mover.primary)
            yield Step(
                act=Act.PARK,
                party=mover.key,
                address=address,
                cause=cause,
                claimant=claimant.key if claimant else "",
                demotes=current,
                frees=room,
            )
            current, room = address, _NOTHING
        if mover.goal:
            joining = mover.status is Status.JOINING
            yield Step(
                act=Act.REGISTER if joining else Act.PROMOTE,
                party=mover.key,
                address=wanted,
                cause=StepCause.WISH,
                demotes="" if joining else current,
                frees=room | self._held_elsewhere(mover, mover.goal),
            )

    def _release(self, mover: _Mover, address: str, written: str, *, demoted: bool = False) -> Step:
        claimant = self.claimant.get(address)
        cause = self._cause(mover, address) or StepCause.PARKED
        other = claimant.key if claimant is not None and claimant is not mover else ""
        return Step(act=Act.RELEASE, party=mover.key, address=written, cause=cause, claimant=other, demoted=demoted)

    def _room(self, mover: _Mover, releases: list[Step]) -> frozenset[str]:
        """Return what must be released before an old primary can join the aliases (`limit`)."""
        excess = len(mover.held) + 1 - self.limit
        joins = mover.grows or (mover.parking and mover.parking not in mover.held)
        return frozenset(fold(step.address) for step in releases[:excess] if joins) if excess > 0 else _NOTHING

    def _held_elsewhere(self, mover: _Mover, address: str) -> frozenset[str]:
        holder = self._holder.get(address)
        return _NOTHING if holder is None or holder.key == mover.key else frozenset({address})


def _wishes(party: Party) -> tuple[str, ...]:
    aliases = () if party.extras is Extras.UNMANAGED else party.wanted_aliases
    return (party.wanted_primary, *aliases)
