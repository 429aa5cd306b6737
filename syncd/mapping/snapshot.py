"""The whole directory, mapped: every entry an entity or a rejection, every group with its members."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from syncd.collector import uncollected
from syncd.mapping.conflicts import Claims, rejection_of
from syncd.mapping.nesting import nest
from syncd.mapping.record import Mapped, Mapper
from syncd.mapping.references import Named, Resolver
from syncd.mapping.rules import EntityRules, Rules
from syncd.model.entry import Entry, Rejection, Snapshot
from syncd.model.limits import Limits
from syncd.model.names import STATED, Key, Kind, kind_of, make_key
from syncd.model.needs import MEMBER
from syncd.model.state import Contested, Desired, Wanted

_Entries = Mapping[Kind, tuple[Entry, ...]]


@dataclass(slots=True)
class _Draft:
    """The directory while it is mapped."""

    entities: dict[Key, Wanted] = field(default_factory=dict)
    rejections: dict[Key, Rejection] = field(default_factory=dict)
    claims: Claims = field(default_factory=Claims)
    #: Groups without address.
    transparent: set[Key] = field(default_factory=set)
    disabled: set[Key] = field(default_factory=set)
    contested: dict[Key, Contested] = field(default_factory=dict)
    unplaced: set[Key] = field(default_factory=set)

    def reject(self, rejection: Rejection) -> None:
        """Add *rejection*, which takes its entity out; one that is there already keeps its own."""
        key = rejection.key
        if key is not None:
            wanted = self.entities.pop(key, None)
            self.rejections.setdefault(key, rejection if wanted is None else carrying(rejection, wanted))
            self.disabled.discard(key)
            self.contested.pop(key, None)


@uncollected()
def map_snapshot(snapshot: Snapshot, rules: Rules, limits: Limits) -> Desired:
    """Return the directory as *rules* describe it, within *limits*."""
    entries = {kind: snapshot.of(kind) for kind in rules.entities}
    draft = _Draft()
    for kind, entity_rules in rules.entities.items():
        _map_entries(entries[kind], entity_rules, limits, draft, snapshot.present)
    _reject_contested(entries, draft)
    direct = _fill_groups(snapshot, entries, rules, draft)
    outside = {key: named for key, named in direct.items() if named.outside}
    return Desired(
        entities=draft.entities,
        rejections=(*_readable(snapshot, rules, limits), *draft.rejections.values()),
        absences=snapshot.absences,
        outside_members={key: named.outside for key, named in outside.items()},
        outsiders={key: named.outsiders for key, named in outside.items()},
        unplaced=frozenset(draft.unplaced),
        lists_members=rules.lists_members,
        contested=draft.contested,
        counts=_counts(snapshot),
        without_address=_without_address(entries, draft),
        read=frozenset(rules.entities).intersection(snapshot.read),
    )


def _map_entries(
    entries: Iterable[Entry], rules: EntityRules, limits: Limits, draft: _Draft, present: Mapping[Key, str]
) -> None:
    """Map each entry by itself."""
    map_entry, entities, claims = Mapper(rules, limits).map, draft.entities, draft.claims
    for entry in entries:
        mapped = map_entry(entry)
        wanted = mapped.wanted
        if wanted is not None:
            key = wanted.key
            entities[key] = wanted
            if not wanted.enabled:
                draft.disabled.add(key)
        else:
            key = make_key(entry.kind, entry.identity)
            if key in present:
                mapped = _of_ours(entry, key, mapped, map_entry(entry, present[key]))
                if mapped.wanted is not None:
                    entities[key] = mapped.wanted
        claims.take(key, mapped.name, mapped.addresses)
        if mapped.rejection is not None:
            names = (mapped.name, mapped.display_name)
            draft.reject(replace(mapped.rejection, names=names, addresses=mapped.addresses))
        elif mapped.wanted is None:
            draft.transparent.add(key)


def carrying(rejection: Rejection, wanted: Wanted) -> Rejection:
    """Return *rejection* with the names and addresses of *wanted*: it may mean whoever has them."""
    addresses = (wanted.primary, *wanted.aliases)
    return replace(rejection, names=(wanted.name, wanted.display_name), addresses=addresses)


def _readable(snapshot: Snapshot, rules: Rules, limits: Limits) -> Iterator[Rejection]:
    """Yield what the source rejected, with the names and addresses that can be read of it all the same."""
    mappers: dict[Kind, Mapper] = {}
    for rejection in snapshot.rejections:
        entry = rejection.entry
        if entry is None or entry.kind not in rules.entities:
            yield rejection
            continue
        mapper = mappers.get(entry.kind) or mappers.setdefault(entry.kind, Mapper(rules.entities[entry.kind], limits))
        mapped = mapper.map(entry)
        bare = replace(rejection, entry=None)
        if mapped.wanted is not None:
            yield carrying(bare, mapped.wanted)
        else:
            names = (*bare.names, mapped.name, mapped.display_name)
            yield replace(bare, names=names, addresses=(*bare.addresses, *mapped.addresses))


def _without_address(entries: _Entries, draft: _Draft) -> dict[Key, str]:
    """Return where the groups stand that have no address."""
    if not draft.transparent:
        return {}
    every = ((make_key(entry.kind, entry.identity), entry.origin) for part in entries.values() for entry in part)
    return {key: origin for key, origin in every if key in draft.transparent}


def _of_ours(entry: Entry, key: Key, mapped: Mapped, again: Mapped) -> Mapped:
    """Return what becomes of *entry* whose entity is ours: *again*, which knows that entity's primary address.

    A group whose address is blank isn't gone, and isn't merely passed through: it stays as it is.
    """
    if again.wanted is not None or mapped.rejection is not None:
        return again
    reason = "its address is blank, while its group is ours: it keeps its address, its members and its place"
    remedy = "give it its address again; a group that is to go is taken out of the directory"
    return Mapped(rejection=Rejection(key=key, origin=entry.origin, reason=reason, remedy=remedy))


def _reject_contested(entries: _Entries, draft: _Draft) -> None:
    contested = draft.claims.contested()
    if not contested:
        return
    origins = {make_key(entry.kind, entry.identity): entry.origin for part in entries.values() for entry in part}
    for key, conflicts in contested.items():
        wanted = draft.entities.get(key)
        draft.reject(rejection_of(key, conflicts, origins))
        if wanted is not None:
            over = frozenset((conflict.what, conflict.text) for conflict in conflicts)
            draft.contested[key] = Contested(wanted=wanted, over=over)


def _fill_groups(snapshot: Snapshot, entries: _Entries, rules: Rules, draft: _Draft) -> dict[Key, Named]:
    """Give each group its members; return what its member values name."""
    needs, groups = rules.needs, entries.get(Kind.GROUP)
    reference = needs[Kind.GROUP].reference(MEMBER) if groups else None
    if groups is None or reference is None:
        return {}
    unread = {rejection.key for rejection in snapshot.rejections if rejection.key is not None}
    resolver = Resolver(reference, needs, entries, disabled=frozenset(draft.disabled), unread=unread)
    direct = {make_key(entry.kind, entry.identity): resolver.resolve(entry) for entry in groups}
    if not resolver.finds_unread(Kind.GROUP) and any(kind_of(key) is Kind.GROUP for key in unread):
        _doubt_outsiders(direct)
    nested = nest(direct, mode=rules.nested, transparent=draft.transparent)
    origins = {make_key(entry.kind, entry.identity): entry.origin for entry in groups}
    draft.unplaced |= nested.unplaced
    for key, named in direct.items():
        fault = named.fault or nested.unknown.get(key, "")
        if fault and key not in draft.transparent:
            remedy = "correct that member; the group keeps its members until then"
            draft.reject(Rejection(key=key, origin=origins[key], reason=fault, remedy=remedy))
    for key, members in nested.members.items():
        group = draft.entities.get(key)
        if group is not None and members:
            draft.entities[key] = _with_members(group, members)
        contested = draft.contested.get(key)
        if contested is not None and members:
            draft.contested[key] = replace(contested, wanted=_with_members(contested.wanted, members))
    return direct


def _doubt_outsiders(direct: dict[Key, Named]) -> None:
    """Don't trust members that name nobody while a group row can't be read: they may name that group."""
    for named in direct.values():
        if named.outside and not named.fault:
            named.fault = f"{named.outside} of its members name nobody, and may name a group whose row can't be read"


def _with_members(group: Wanted, members: frozenset[Key]) -> Wanted:
    return replace(group, members=members)


def _counts(snapshot: Snapshot) -> dict[Kind, int]:
    """Return how many entries of each kind were read, those that can't be used included."""
    counts = {kind: len(snapshot.of(kind)) for kind in STATED}
    for key in {rejection.key for rejection in snapshot.rejections if rejection.key is not None}:
        counts[kind_of(key)] += 1
    return counts
