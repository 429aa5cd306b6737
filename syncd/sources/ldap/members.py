"""Who belongs to a group: by names in the group, by `memberUid`, by `memberOf`, by Active Directory's primary group.

Whatever the way, a member comes out as the normal form of its entry's name. A value that names nobody stays as it is
written, and the mapping counts it as outside.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from syncd.model.names import Kind
from syncd.sources.ldap import names, values

_MEMBER_UID = "memberuid"
_MEMBER_OF = "memberof"
_PRIMARY_GROUP = "primarygroupid"
_UNIQUE_MEMBER = "uniquemember"
_SID = "objectsid"
#: Ways that stand elsewhere than as names in the group.
_SPECIAL = frozenset({_MEMBER_UID, _MEMBER_OF, _PRIMARY_GROUP})
_OF_USERS = {_MEMBER_UID: ("uid",), _MEMBER_OF: ("memberOf",), _PRIMARY_GROUP: ("primaryGroupID", "objectSid")}
_OF_GROUPS = {_MEMBER_OF: ("memberOf",), _PRIMARY_GROUP: ("objectSid",)}

Attributes = Mapping[str, Sequence[bytes]]


def attributes_of(kind: Kind, ways: Iterable[str]) -> frozenset[str]:
    """Return the attributes that entries of *kind* need so that groups can be read by *ways*."""
    found: set[str] = set()
    for way in ways:
        folded = names.canonical_type(way)
        if kind is Kind.USER:
            found.update(_OF_USERS.get(folded, ()))
        else:
            found.update(_OF_GROUPS.get(folded, (way,)))
    return frozenset(found)


def named_by(ways: Iterable[str]) -> frozenset[str]:
    """Return those of *ways* whose values are names of entries."""
    return frozenset(way for way in ways if names.canonical_type(way) not in _SPECIAL)


@dataclass(slots=True)
class Memberships:
    """What members say of themselves, gathered while entries are read; and the names that were met.

    *lists* holds, for each group by its name, its members in the order they were found.
    """

    lists: dict[str, list[str]] = field(default_factory=dict)
    _by_uid: dict[str, str] = field(default_factory=dict)
    _said_by_members: dict[str, list[str]] = field(default_factory=dict)
    _in_primary: dict[str, list[str]] = field(default_factory=dict)
    _uids: dict[str, list[str]] = field(default_factory=dict)
    _sids: dict[str, str] = field(default_factory=dict)
    _by_member_of: list[str] = field(default_factory=list)
    #: Values that are no names: nobody is asked for them.
    _nonsense: set[str] = field(default_factory=set)
    _normal: dict[bytes, str] = field(default_factory=dict)
    _shared: dict[str, str] = field(default_factory=dict)

    def add_member(self, kind: Kind, dn: str, attributes: Attributes) -> None:
        """Take in what the entry *dn*, a user or a group, says of its own memberships."""
        for raw in attributes.get("uid", ()) if kind is Kind.USER else ():
            self._by_uid.setdefault(raw.decode(errors="replace").lower(), dn)
        for raw in attributes.get(_MEMBER_OF, ()):
            self._said_by_members.setdefault(self._name(raw), []).append(dn)
        for raw in attributes.get(_PRIMARY_GROUP, ()):
            domain, _, _ = _sid_of(attributes).rpartition("-")
            if domain:
                self._in_primary.setdefault(f"{domain}-{raw.decode(errors='replace')}", []).append(dn)

    def add_group(self, dn: str, attributes: Attributes, ways: Collection[str]) -> None:
        """Take in the members that the group *dn* lists by those of *ways* that stand in it."""
        listed = self.lists.setdefault(dn, [])
        folded = {names.canonical_type(way) for way in ways}
        name = self._name
        for way in sorted(folded - _SPECIAL):
            raws = attributes.get(way, ())
            if way == _UNIQUE_MEMBER:
                raws = [names.without_uid(raw.decode(errors="backslashreplace")).encode() for raw in raws]
            listed += map(name, raws)
        if _MEMBER_UID in folded:
            self._uids[dn] = [raw.decode(errors="backslashreplace") for raw in attributes.get(_MEMBER_UID, ())]
        if _PRIMARY_GROUP in folded:
            self._sids[dn] = _sid_of(attributes)
        if _MEMBER_OF in folded:
            self._by_member_of.append(dn)

    def finish(self) -> None:
        """Add what members say of themselves."""
        for dn, uids in self._uids.items():
            self.lists[dn] += (self._by_uid.get(uid.lower(), uid) for uid in uids)
            self._nonsense.update(uid for uid in uids if uid.lower() not in self._by_uid)
        for dn, sid in self._sids.items():
            self.lists[dn] += self._in_primary.get(sid, ())
        for dn in self._by_member_of:
            self.lists[dn] += self._said_by_members.get(dn, ())

    def unknown(self, known: Collection[str], is_ours: Callable[[str], bool]) -> set[str]:
        """Return the names in member lists that are not *known* though they lie where *is_ours* says."""
        met = set().union(*self.lists.values()) if self.lists else set()
        return {name for name in met.difference(known) if name not in self._nonsense and is_ours(name)}

    def renamed(self, new_to_old: Mapping[str, str]) -> None:
        """Replace names that were given between two searches by those under which the entries were read."""
        if new_to_old:
            for dn, listed in self.lists.items():
                self.lists[dn] = [new_to_old.get(name, name) for name in listed]

    def of(self, dn: str) -> tuple[str, ...]:
        """Return the members of the group *dn*, each once."""
        return tuple(dict.fromkeys(self.lists.get(dn, ())))

    def _name(self, raw: bytes) -> str:
        """Return the normal form of the name *raw*, as one object however often it occurs."""
        found = self._normal.get(raw)
        if found is None:
            text = raw.decode(errors="backslashreplace")
            try:
                text = names.normalize(text)
            except names.BadName:
                self._nonsense.add(text)
            found = self._normal[raw] = self._shared.setdefault(text, text)
        return found


def _sid_of(attributes: Attributes) -> str:
    try:
        return values.sid(attributes[_SID][0])
    except (KeyError, IndexError, values.BadValue):
        return ""
