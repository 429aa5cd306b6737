"""Active Directory's habits, as no free server has them: ranges of values, and pages no larger than it likes."""

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.fakes.scripted_ldap import PAGED, Search

SUFFIX = "dc=corp,dc=example"
PEOPLE, GROUPS = f"ou=people,{SUFFIX}", f"ou=groups,{SUFFIX}"
ROOT_DSE = {
    "supportedControl": [PAGED.encode()],
    "supportedCapabilities": [b"1.2.840.113556.1.4.800"],
    "defaultNamingContext": [SUFFIX.encode()],
}
_BASE = 0


@dataclass
class WindowsDirectory:
    """People by name, groups with the names of their members; for `Script`.

    At most *window* values of `member` come at once (MaxValRange), at most *max_page* entries (MaxPageSize): who asks
    for more in pages gets smaller ones, who asks for no pages gets sizeLimitExceeded. *pieces* counts what was asked of
    each group by itself.
    """

    people: Sequence[str]
    groups: Mapping[str, Sequence[str]]
    window: int = 1500
    max_page: int = 1000
    pieces: Counter[str] = field(default_factory=Counter)
    searches: int = 0

    def __call__(self, search: Search) -> bytes:
        self.searches += 1
        if search.scope == _BASE:
            return self._one(search)
        found = self.people if search.base == PEOPLE else tuple(self.groups)
        begin = int(search.cookie or b"0")
        end = begin + min(search.page_size or self.max_page, self.max_page)
        shown = b"".join(self._entry(search, dn) for dn in found[begin:end])
        if search.page_size:
            return shown + search.end(cookie=b"%d" % end if end < len(found) else b"")
        return shown + search.end(4 if end < len(found) else 0)

    def _one(self, search: Search) -> bytes:
        if search.base in self.groups:
            self.pieces[search.base] += 1
            return self._entry(search, search.base) + search.end()
        is_there = search.base in (PEOPLE, GROUPS, SUFFIX)
        return search.entry(search.base) + search.end() if is_there else search.end(32)

    def _entry(self, search: Search, dn: str) -> bytes:
        name = dn.partition(",")[0].partition("=")[2].encode()
        known = {
            "objectGUID": [uuid.uuid5(uuid.NAMESPACE_X500, dn).bytes_le],
            "sAMAccountName": [name],
            "cn": [name],
            "userAccountControl": [b"512"],
            "uSNChanged": [b"7"],
        }
        shown = {asked: known[asked] for asked in search.attributes if asked in known}
        if dn in self.groups:
            shown |= self._members(search, self.groups[dn])
        return search.entry(dn, **shown)

    def _members(self, search: Search, members: Sequence[str]) -> dict[str, list[bytes]]:
        wanted = next((name for name in search.attributes if name.lower().startswith("member")), "")
        if not wanted or not members:
            return {}
        first = int(wanted.partition("range=")[2].partition("-")[0] or 0)
        part = [dn.encode() for dn in members[first : first + self.window]]
        is_last = first + len(part) >= len(members)
        if first == 0 and is_last:
            return {"member": part}
        return {"member": [], f"member;range={first}-{'*' if is_last else first + len(part) - 1}": part}
