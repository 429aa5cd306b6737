from collections.abc import Callable

import pytest

from syncd.errors import SourceIncomplete
from tests.fakes.scripted_ldap import Script, Search, session_with

GROUP = "cn=everybody,ou=groups,dc=corp,dc=example"


def members(count: int) -> list[bytes]:
    return [f"cn=u{number:06d},ou=people,dc=corp,dc=example".encode() for number in range(count)]


class ActiveDirectory:
    """Hands out at most *window* values of `member` at a time, as Windows does; *before* is told of each search."""

    def __init__(
        self, values: list[bytes], window: int, before: Callable[["ActiveDirectory"], None] = lambda _: None
    ) -> None:
        self.values = values
        self.window = window
        self.version = 1
        self.searches = 0
        self._before = before

    def __call__(self, search: Search) -> bytes:
        self.searches += 1
        if self.searches > 1:
            self._before(self)
        wanted = next((name for name in search.attributes if name.lower().startswith("member")), "member")
        first = int(wanted.partition("range=")[2].partition("-")[0] or 0)
        part = self.values[first : first + self.window]
        more = first + len(part) < len(self.values)
        attributes = {"uSNChanged": [str(self.version).encode()]} if "uSNChanged" in search.attributes else {}
        if first == 0 and not more:
            attributes["member"] = part
        else:
            attributes["member"] = []
            attributes[f"member;range={first}-{first + len(part) - 1 if more else '*'}"] = part
        cookie = b"" if search.page_size else None
        return search.entry(GROUP, cn=[b"everybody"], **attributes) + search.end(cookie=cookie)


def read(directory: Callable[[Search], bytes]) -> dict[str, list[bytes]]:
    with session_with(Script(directory)) as session:
        found = session.search("ou=groups", scope="sub", filter="(objectClass=group)", attributes=["cn", "member"])
        (entry,) = list(found)
        return entry.attributes


@pytest.mark.parametrize("count", [0, 1, 1499, 1500, 1501, 3000, 3001, 50_000])
def test_every_member_is_read(count: int) -> None:
    """A group of any size is whole, with Windows' own window, under the name without the range."""
    directory = ActiveDirectory(members(count), 1500)

    found = read(directory)

    assert found == {"cn": [b"everybody"], "member": members(count)}
    assert directory.searches == max(1, -(-count // 1500))


@pytest.mark.parametrize("window", [1, 2, 7, 10, 11, 1000])
def test_any_window_will_do(window: int) -> None:
    """However many values the server sends at a time, all of them are read."""
    assert read(ActiveDirectory(members(10), window))["member"] == members(10)


def test_the_window_may_change() -> None:
    """A server that sends more or fewer values with each piece is followed."""

    def shrink(directory: ActiveDirectory) -> None:
        directory.window = directory.window * 3 % 11 + 1

    assert read(ActiveDirectory(members(100), 7, shrink))["member"] == members(100)


def test_a_group_that_changes_meanwhile_is_read_again() -> None:
    """A member who leaves between two pieces shifts the rest: the group is read again from its start."""

    def change(directory: ActiveDirectory) -> None:
        if directory.searches == 3:
            directory.values = directory.values[1:]
            directory.version += 1

    assert read(ActiveDirectory(members(30), 10, change))["member"] == members(30)[1:]


def test_values_that_come_twice_are_a_change() -> None:
    """A member who joins in front while the server keeps no count of changes: the doubled value tells."""

    def change(directory: ActiveDirectory) -> None:
        if directory.searches == 2:
            directory.values = [b"cn=new", *directory.values]

    assert read(ActiveDirectory(members(30), 10, change))["member"] == [b"cn=new", *members(30)]


def fails(directory: Callable[[Search], bytes]) -> str:
    with pytest.raises(SourceIncomplete) as caught:
        read(directory)
    assert "an attribute is not whole: " in str(caught.value)
    return str(caught.value)


def test_a_group_that_never_stands_still_is_incomplete() -> None:
    """A group that changes with every piece can't be read; that is said, and nothing is guessed."""

    def change(directory: ActiveDirectory) -> None:
        directory.version += 1

    assert f"{GROUP}: member changed 3 times while it was read" in fails(ActiveDirectory(members(50), 10, change))


def answers(first: str, *following: bytes | tuple[str, list[bytes]]) -> Callable[[Search], bytes]:
    """A directory that sends ten values as *first*, and then what follows: an attribute, or a whole answer."""
    rest = iter(following)

    def answer(search: Search) -> bytes:
        if search.page_size:
            return search.entry(GROUP, **{first: members(10)}) + search.end(cookie=b"")
        following = next(rest)
        if isinstance(following, tuple):
            return search.entry(GROUP, **{following[0]: following[1]}) + search.end()
        return search.end(int(following))

    return answer


@pytest.mark.parametrize(
    ("directory", "said"),
    [
        (answers("member;range=0-9", ("cn", [b"x"])), "member ended at value 10, and the server didn't say that this"),
        (answers("member;range=0-9", ("member", [])), "member ended at value 10"),
        (answers("member;range=0-9", ("member;range=11-*", [b"x"])), "from value 10 on, the server sent it from 11"),
        (answers("member;range=0-9", ("member;range=0-9", [b"x"])), "from value 10 on, the server sent it from 0"),
        (answers("member;range=0-9", ("member;range=10-19", [b"x"]), ("member;range=20-*", [])), "where the server"),
        (answers("member;range=0-9", b"32"), "was moved or removed while it was read"),
        (answers("member;range=0-9", b"50"), "result 50 (insufficientAccessRights), 0 entries"),
        (answers("member;range=0-9", b"0"), "result 0 (success), 0 entries"),
        (answers("member;range=5-9"), "from value 5 on, not from its start"),
        (answers("member;range=0-8"), "10 values of member came where the server announced 9"),
        (answers("member;range=9-0"), "ends before it begins"),
        (answers("member;range=x"), "names no range"),
    ],
    ids=range(12),
)
def test_an_end_that_is_not_reached_is_incomplete(directory: Callable[[Search], bytes], said: str) -> None:
    """Whatever a server answers instead of the next piece: an error, never a group with fewer members."""
    assert said in fails(directory)


def test_an_empty_last_piece_is_an_end() -> None:
    """A server that notices only afterwards that there is no more says so with an empty last piece."""
    assert read(answers("member;range=0-9", ("member;range=10-*", [])))["member"] == members(10)


def test_case_and_other_options_are_kept() -> None:
    """The option is known in any case, and others beside it stay in the name."""
    found = read(answers("userCertificate;binary;Range=0-9", ("userCertificate;binary;RANGE=10-*", [b"last"])))

    assert found == {"userCertificate;binary": [*members(10), b"last"]}


def test_pieces_over_several_pages() -> None:
    """Groups in pieces on several pages, among groups that came whole, are all read."""

    def answer(search: Search) -> bytes:
        if not search.page_size:
            return search.entry(search.base, **{"member;range=10-*": [search.base.encode()]}) + search.end()
        page = int(search.cookie or b"0")
        ranged = search.entry(f"cn=large-{page}", **{"member": [], "member;range=0-9": members(10)})
        small = search.entry(f"cn=small-{page}", member=[b"one"])
        return ranged + small + search.end(cookie=str(page + 1).encode() if page < 3 else b"")

    with session_with(Script(answer)) as session:
        found = session.search("ou=groups", scope="sub", filter="(objectClass=group)", attributes=["member"])
        sizes = {entry.dn: len(entry.attributes["member"]) for entry in found}

    assert sizes == {f"cn={name}-{page}": size for page in range(4) for name, size in (("large", 11), ("small", 1))}
