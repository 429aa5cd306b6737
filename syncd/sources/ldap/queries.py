"""What is asked of the server: the configured searches, with what is usual there, and the attributes they need."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from syncd.model.names import Kind
from syncd.model.needs import MEMBER, Needs, Reference
from syncd.sources.ldap import disabled, filters, members, names, values
from syncd.sources.ldap.entries import MEMBERS, PROXY_ALIASES, PROXY_PRIMARY, VIRTUAL, is_by_name
from syncd.sources.ldap.flavors import Flavor
from syncd.sources.ldap.settings import GroupQuery, LdapSettings, Query


@dataclass(frozen=True, slots=True, kw_only=True)
class EntrySearch:
    """One search for entries of *kind*; *within* is its base in normal form; *ways* are those of group members."""

    kind: Kind
    base: str
    within: str
    scope: names.Scope
    filter: str
    attributes: tuple[str, ...]
    ways: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Queries:
    """Everything that is asked, in order. *disabled_by* and *ways* are what is used after all."""

    flavor: Flavor
    searches: tuple[EntrySearch, ...]
    disabled_by: tuple[str, ...]
    ways: frozenset[str]

    def of(self, kind: Kind) -> tuple[EntrySearch, ...]:
        return tuple(search for search in self.searches if search.kind is kind)

    def covers(self, dn: str) -> bool:
        """Return whether an entry called *dn* (normal form) lies within a search."""
        return any(names.is_within(dn, s.within, s.scope) for s in self.searches)


def make_queries(settings: LdapSettings, flavor: Flavor, needs: Mapping[Kind, Needs]) -> Queries:
    """Return what is asked of a server of *flavor* for what the mapping *needs*."""
    disabled_by = settings.disabled if settings.disabled is not None else flavor.disabled
    asked = [
        (kind, query, _ways(query, flavor, needs[kind]))
        for kind, queries in settings.queries.items()
        for query in queries
        if kind in needs
    ]
    all_ways = frozenset[str]().union(*(ways for _, _, ways in asked))
    searches = []
    for kind, query, ways in asked:
        attributes = _asked(needs[kind]) | members.attributes_of(kind, ways or all_ways)
        if kind is Kind.USER:
            attributes |= disabled.attributes_for(disabled_by)
        searches.append(
            EntrySearch(
                kind=kind,
                base=query.base,
                within=names.normalize(query.base),
                scope=query.scope,
                filter=query.filter or flavor.filters[kind],
                attributes=_sorted(attributes),
                ways=ways,
            )
        )
    return Queries(
        flavor=flavor,
        searches=tuple(searches),
        disabled_by=tuple(disabled_by),
        ways=all_ways,
    )


def listed_by_name(needs: Needs) -> Reference | None:
    """Return the reference to members, if these are known by name: only then are they read in several ways.

    Else the values stay as they are, as those of any reference (`memberUid` by `uid`).
    """
    member = needs.reference(MEMBER)
    return member if member is not None and is_by_name(member) else None


def _ways(query: Query, flavor: Flavor, needs: Needs) -> tuple[str, ...]:
    """Return how members are read: as the query says, and by the attribute that the mapping looks at."""
    member = listed_by_name(needs)
    if member is None or not isinstance(query, GroupQuery):
        return ()
    looked_at = member.attribute
    ways = query.members or flavor.members
    known = {names.canonical_type(way) for way in (*ways, MEMBERS)}
    return ways if names.canonical_type(looked_at) in known else (*ways, looked_at)


def _asked(needs: Needs) -> frozenset[str]:
    """Return the attributes to fetch for what the mapping uses."""
    asked = needs.all - VIRTUAL
    return asked | ({"proxyAddresses"} if needs.attributes & {PROXY_PRIMARY, PROXY_ALIASES} else set())


def _sorted(attributes: Iterable[str]) -> tuple[str, ...]:
    """Return each attribute once, whatever its spelling."""
    once = {names.canonical_type(name): name for name in sorted(attributes)}
    return tuple(once[folded] for folded in sorted(once))


def filter_for(key: str, *identities: str) -> str:
    """Return the filter that finds the entries whose attribute *key* is one of *identities*."""
    return filters.any_of(filters.equals(key, _as_stored(key, identity)) for identity in identities)


def _as_stored(key: str, identity: str) -> str | bytes:
    """Return *identity* as the server has it: a GUID is bytes."""
    if key.lower() != "objectguid":
        return identity
    try:
        return values.guid_bytes(identity)
    except values.BadValue:
        return identity
