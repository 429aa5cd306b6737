"""Who is in a group that contains groups?

    keep     groups stay members; one without address gives its members to the groups it is in
    flatten  everyone within, however deep
    direct   people only; groups within are left out

A circle can't be kept: the target refuses one (`workmail.md` B33). Of the groups on a circle, one is kept as a member
of another only if its key sorts after the other's; where it isn't, its people become members themselves. So everyone
on the circle gets the same mail as before, and what is kept doesn't depend on the order in the source.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from syncd.mapping.references import Named
from syncd.model.names import Key


@dataclass(frozen=True, slots=True, kw_only=True)
class Nested:
    """The members of each mapped group, and the groups whose members can't be told, each with the reason."""

    members: Mapping[Key, frozenset[Key]]
    unknown: Mapping[Key, str]
    #: Groups into whose members a value flows that names nobody.
    unplaced: frozenset[Key] = frozenset()


def nest(direct: Mapping[Key, Named], *, mode: str, transparent: Collection[Key]) -> Nested:
    """Return the members of all groups of *direct*; *transparent* are those without address."""
    nested = {key: group.groups for key, group in direct.items() if group.groups}
    members = {key: group.people for key, group in direct.items() if key not in transparent}
    if mode == "direct" or not nested:
        return Nested(members=members, unknown={}, unplaced=frozenset(key for key in direct if direct[key].outside))
    view = _View(direct, frozenset(transparent))
    unknown: dict[Key, str] = {}
    circles = {} if mode == "flatten" else _circles({key: tuple(view.edges(key)) for key in members})
    for key in nested:
        if key not in members:
            continue
        through = None if mode == "flatten" else view.transparent
        lost = sorted(view.unread(key, through))
        if lost:
            unknown[key] = f"the members of {lost[0]}, a group within it, are not known"
        elif mode == "flatten":
            members[key] = view.people(key, None)
        else:
            members[key] = _kept(key, view, circles)
    within = None if mode == "flatten" else view.transparent
    unplaced = frozenset(key for key in members if any(direct[one].outside for one in view.reached(key, within)))
    return Nested(members=members, unknown=unknown, unplaced=unplaced)


def _kept(key: Key, view: "_View", circles: Mapping[Key, int]) -> frozenset[Key]:
    people = set(view.people(key, view.transparent))
    for inner in view.edges(key):
        if inner == key:
            continue
        if circles[inner] == circles[key] and inner < key:
            people |= view.people(inner, None)
        else:
            people.add(inner)
    return frozenset(people)


class _View:
    """The groups as a graph. *through* limits a walk to groups in it; None walks through all."""

    def __init__(self, direct: Mapping[Key, Named], transparent: frozenset[Key]) -> None:
        self._direct = direct
        self.transparent = transparent

    def _walk(self, key: Key, through: Collection[Key] | None) -> Iterator[tuple[Key, Key]]:
        """Yield each step from group to member group, starting at *key*, every group left once."""
        waiting, seen = [key], {key}
        while waiting:
            outer = waiting.pop()
            for inner in self._direct[outer].groups:
                yield outer, inner
                if inner in seen or inner not in self._direct or (through is not None and inner not in through):
                    continue
                seen.add(inner)
                waiting.append(inner)

    def edges(self, key: Key) -> list[Key]:
        """Return the groups with address that are members of *key*, directly or through groups without one."""
        found = (inner for _, inner in self._walk(key, self.transparent) if inner not in self.transparent)
        return sorted({inner for inner in found if inner in self._direct})

    def people(self, key: Key, through: Collection[Key] | None) -> frozenset[Key]:
        """Return the people of *key* and of the groups that a walk reaches."""
        return frozenset().union(*(self._direct[group].people for group in self.reached(key, through)))

    def reached(self, key: Key, through: Collection[Key] | None) -> set[Key]:
        """Return *key* and the groups whose people are its people."""
        found = {key}
        for _, inner in self._walk(key, through):
            if inner in self._direct and (through is None or inner in through):
                found.add(inner)
        return found

    def unread(self, key: Key, through: Collection[Key] | None) -> set[Key]:
        """Return the groups that a walk meets and whose members, which are needed, are not known."""
        return {
            inner
            for _, inner in self._walk(key, through)
            if inner not in self._direct or (self._direct[inner].fault and (through is None or inner in through))
        }


def _circles(edges: Mapping[Key, Iterable[Key]]) -> dict[Key, int]:
    """Return a number for each group, the same for groups that contain each other (Tarjan, without recursion)."""
    order: dict[Key, int] = {}
    low: dict[Key, int] = {}
    number: dict[Key, int] = {}
    stack: list[Key] = []
    for root in edges:
        if root in order:
            continue
        order[root] = low[root] = len(order)
        stack.append(root)
        work = [(root, iter(edges[root]))]
        while work:
            key, inner = work[-1]
            step = next((one for one in inner if one not in number), None)
            if step is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[key])
                if low[key] == order[key]:
                    _close(key, stack, number)
            elif step in order:
                low[key] = min(low[key], order[step])
            else:
                order[step] = low[step] = len(order)
                stack.append(step)
                work.append((step, iter(edges.get(step, ()))))
    return number


def _close(root: Key, stack: list[Key], number: dict[Key, int]) -> None:
    """Give everyone above *root* on the stack, and *root*, a number of their own."""
    own = len(number)
    while True:
        key = stack.pop()
        number[key] = own
        if key == root:
            return
