from collections.abc import Iterator

import pytest

from syncd.errors import SourceIncomplete, SourceUnreachable
from syncd.sources.ldap.decoder import RawEntry
from syncd.sources.ldap.failures import BaseNotFound, NotVisible, SearchFailed
from tests.fakes import ber
from tests.fakes.scripted_ldap import PAGED, Answer, Script, Search, session_with

BASE = "ou=people,dc=corp,dc=example"


def names(script: Script, *, size_limit: int = 0, timeouts: dict[str, str] | None = None) -> list[str]:
    with session_with(script, timeouts=timeouts or {"connect": "2s", "receive": "2s"}) as session:
        found = session.search(BASE, scope="sub", filter="(uid=*)", attributes=["uid"], size_limit=size_limit)
        return [entry.dn for entry in found]


def fails(script: Script, timeouts: dict[str, str] | None = None) -> SearchFailed:
    with pytest.raises(SourceIncomplete) as caught:
        names(script, timeouts=timeouts)
    assert isinstance(caught.value, SearchFailed)
    assert f"searching {BASE!r} (sub) for (uid=*) on ldap://127.0.0.1:" in str(caught.value)
    return caught.value


def pages(*sizes: int) -> Script:
    """A directory whose pages have *sizes* entries."""

    def answer(search: Search) -> bytes:
        number = int(search.cookie or b"0")
        entries = b"".join(search.entry(f"uid={number}-{place}") for place in range(sizes[number]))
        return entries + search.end(cookie=str(number + 1).encode() if number + 1 < len(sizes) else b"")

    return Script(answer)


def test_every_page_is_read() -> None:
    """Pages of any size, empty ones among them, are read until the cookie is empty."""
    script = pages(3, 0, 1, 2)

    assert names(script) == ["uid=0-0", "uid=0-1", "uid=0-2", "uid=2-0", "uid=3-0", "uid=3-1"]
    assert [search.page_size for search in script.asked] == [1000] * 4


def test_a_server_without_pages_is_asked_for_all() -> None:
    """A server that lists its controls, and not this one, gets a search without it."""
    script = Script(lambda search: search.entry("uid=a") + search.end(), root_dse={"supportedControl": [b"1.2.3"]})

    assert names(script) == ["uid=a"]
    assert script.asked[0].page_size == 0


def test_a_server_that_hides_its_controls_may_answer_at_once() -> None:
    """A server that says nothing of itself is asked for pages, and may ignore that."""
    script = Script(lambda search: search.entry("uid=a") + search.end(), root_dse={})

    assert names(script) == ["uid=a"]
    assert script.asked[0].page_size == 1000


def test_a_page_without_a_word_on_more_is_incomplete() -> None:
    """A server that knows pages and ends one without its cookie has not said that this was all."""
    error = fails(Script(lambda search: search.entry("uid=a") + search.end()))

    assert "a page ended without a word on whether more follow; 1 entry came on 1 page" in str(error)


def test_a_later_page_without_a_word_on_more_is_incomplete() -> None:
    """The same on a later page, whatever the server said of itself."""

    def answer(search: Search) -> bytes:
        return search.entry("uid=a") + search.end(cookie=None if search.cookie else b"more")

    error = fails(Script(answer, root_dse={}))

    assert "2 entries came on 2 pages" in str(error)


@pytest.mark.parametrize("cookie", [b"the same", None])
def test_paging_in_circles_is_noticed(cookie: bytes | None) -> None:
    """A server that always says that more follows, and sends what it sent before, is not asked for ever."""
    count = iter(range(10_000))

    def answer(search: Search) -> bytes:
        number = next(count) % 3
        more = cookie or str(number).encode()
        return search.entry(f"uid={number}-a") + search.entry(f"uid={number}-b") + search.end(cookie=more)

    error = fails(Script(answer))

    assert "the same page came twice" in str(error)
    assert "page_size: 0" in error.hint
    # Three pages, the first of them again, and one asked for ahead.
    assert next(count) <= 5


def test_empty_pages_without_end_are_noticed() -> None:
    """A server that sends empty pages for ever is given up."""
    error = fails(Script(lambda search: search.end(cookie=b"more")))

    assert "pages without any entry came in a row" in str(error)


def test_a_constant_cookie_is_no_circle() -> None:
    """389 Directory Server hands out the same cookie with every page: only what comes tells."""
    count = iter(range(3))

    def answer(search: Search) -> bytes:
        number = next(count)
        return search.entry(f"uid={number}") + search.end(cookie=b"0" if number < 2 else b"")

    assert names(Script(answer)) == ["uid=0", "uid=1", "uid=2"]


def every_code() -> Iterator[tuple[int, str, str]]:
    yield from [
        (3, "timeLimitExceeded", "time limit"),
        (4, "sizeLimitExceeded", "size limit"),
        (10, "referral", "follows no referral"),
        (11, "adminLimitExceeded", "lower page_size"),
        (12, "unavailableCriticalExtension", "page_size: 0"),
        (50, "insufficientAccessRights", "right to read"),
        (51, "busy", "next cycle"),
        (52, "unavailable", "next cycle"),
        (53, "unwillingToPerform", "the message tells why"),
        (80, "other", "server's log"),
        (123, "unknown", ""),
    ]


@pytest.mark.parametrize(("code", "name", "hint"), list(every_code()))
@pytest.mark.parametrize("page", [0, 1])
def test_every_other_result_is_incomplete(page: int, code: int, name: str, hint: str) -> None:
    """Whatever came before: a result other than success is an error that names code, base, filter and what to do."""

    def answer(search: Search) -> bytes:
        entries = search.entry("uid=a") + search.entry("uid=b")
        last = search.cookie == b"1" or page == 0
        return entries + (search.end(code, "as asked", cookie=b"") if last else search.end(cookie=b"1"))

    error = fails(Script(answer))

    assert error.code == code
    assert f'ended with result {code} ({name}): "as asked"' in str(error)
    assert f"{2 * page + 2} entries came on {page + 1} page" in str(error)
    assert hint in error.hint


def test_a_missing_base_is_told_apart() -> None:
    """A base that is not there: the error names the base and the nearest entry that is there."""
    error = fails(Script(lambda search: search.end(32, matched="dc=corp,dc=example", cookie=b"")))

    assert isinstance(error, BaseNotFound)
    assert "the base is not there or not visible" in str(error)
    assert "the nearest entry there is 'dc=corp,dc=example'" in str(error)


def test_a_reference_is_a_missing_part() -> None:
    """A continuation reference among the entries makes the search incomplete, and is named."""

    def answer(search: Search) -> bytes:
        url = "ldap://dc2.corp.example/ou=abroad,dc=corp,dc=example"
        return search.entry("uid=a") + ber.reference(search.identity, url) + search.end(cookie=b"")

    error = fails(Script(answer))

    assert "lies elsewhere: ldap://dc2.corp.example/ou=abroad,dc=corp,dc=example" in str(error)


AD_ROOT = {
    "supportedControl": [PAGED.encode()],
    "configurationNamingContext": [b"CN=Configuration,DC=corp,DC=example"],
}


@pytest.mark.parametrize(
    ("dn", "is_harmless"),
    [
        ("CN=Configuration,DC=corp,DC=example", True),
        ("DC=DomainDnsZones,DC=corp,DC=example", True),
        ("DC=ForestDnsZones,DC=corp,DC=example", True),
        ("DC=child,DC=corp,DC=example", False),
        ("OU=DomainDnsZones,DC=corp,DC=example", False),
    ],
)
def test_where_nobody_lives_nobody_is_missing(dn: str, is_harmless: bool) -> None:
    """Active Directory refers to its configuration and DNS zones: no people there. A child domain is another matter."""

    def answer(search: Search) -> bytes:
        url = f"ldap://dc1.corp.example/{dn}"
        return search.entry("uid=a") + ber.reference(search.identity, url) + search.end(cookie=b"")

    script = Script(answer, root_dse=dict(AD_ROOT))
    if is_harmless:
        assert names(script) == ["uid=a"]
    else:
        fails(script)


def test_other_servers_have_no_harmless_references() -> None:
    """The names of Active Directory's zones mean nothing in a directory of another kind."""

    def answer(search: Search) -> bytes:
        url = "ldap://dc1.corp.example/DC=DomainDnsZones,DC=corp,DC=example"
        return ber.reference(search.identity, url) + search.end(cookie=b"")

    fails(Script(answer))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda search: search.entry("uid=a") + b"\x04\x01x", "0x04 instead of 0x30"),
        (lambda search: ber.entry(search.identity + 1, "uid=a", {}), "was not sent"),
        (lambda search: ber.done(search.identity + 1), "was not sent"),
        (lambda search: ber.bind_response(search.identity, 0), "answered with bindResponse"),
        (lambda search: ber.message(search.identity, b"\x65\x00"), "can't be decoded"),
        (lambda search: ber.message(search.identity, b"\x7e\x00"), "can't be decoded"),
        (
            lambda search: ber.message(
                0, ber.element(0x78, ber.integer(52, 0x0A) + ber.text("") + ber.text("going down"))
            ),
            'the server ended the connection: result 52 (unavailable): "going down"',
        ),
    ],
    ids=["garbage", "other entry", "other end", "bind", "empty end", "unknown kind", "notice"],
)
def test_nonsense_is_no_end(answer: Answer, said: str) -> None:
    """An answer that is no LDAP, or to another question, or a notice of disconnection, is incomplete."""
    error = fails(Script(answer))

    assert said in str(error)


def test_silence_is_not_waited_for_longer_than_said() -> None:
    """A server that says nothing more is given up after the receive timeout."""
    error = fails(Script(lambda search: search.entry("uid=a")), timeouts={"connect": "1s", "receive": "1s"})

    assert "the server sent nothing for 1 s; 1 entry came" in str(error)


def test_the_limit_that_was_asked_for_is_no_error() -> None:
    """Who asks for three entries gets three, though the server says sizeLimitExceeded."""
    script = Script(lambda search: b"".join(search.entry(f"uid={n}") for n in range(3)) + search.end(4))

    assert names(script, size_limit=3) == ["uid=0", "uid=1", "uid=2"]


def test_less_than_the_limit_that_was_asked_for_is_an_error() -> None:
    """A server whose own limit is smaller than the one asked for has not sent everything."""
    with pytest.raises(SearchFailed):
        names(Script(lambda search: search.entry("uid=1") + search.end(4)), size_limit=3)


def test_what_a_server_says_is_made_printable() -> None:
    """A server's text can't write on the terminal of who reads the error."""
    error = fails(Script(lambda search: search.end(53, "\x1b[2Jgone\nand more " + "x" * 999, cookie=b"")))

    assert "\x1b" not in str(error)
    assert "…" in str(error)


def lookup(answer: Answer) -> RawEntry | None:
    with session_with(Script(answer)) as session:
        return session.lookup("uid=a", ["mail"])


def test_a_lookup_finds_one_entry() -> None:
    """A lookup returns the entry, and None only if the server says that there is none."""
    found = lookup(lambda search: search.entry("uid=a", mail=[b"a@corp.example"]) + search.end())

    assert found == RawEntry("uid=a", {"mail": [b"a@corp.example"]})
    assert lookup(lambda search: search.end(32)) is None


@pytest.mark.parametrize("code", [1, 10, 34, 50, 52])
def test_a_lookup_that_fails_is_no_none(code: int) -> None:
    """Any other result is an error: it doesn't tell whether the entry exists."""
    with pytest.raises(SearchFailed):
        lookup(lambda search: search.end(code))


def test_success_with_nothing_is_not_visible() -> None:
    """A lookup that succeeds and shows nothing means that syncd may not see the entry, not that it is gone."""
    with pytest.raises(NotVisible, match="reports success for 'uid=a', and shows nothing"):
        lookup(lambda search: search.end())


def test_one_search_at_a_time() -> None:
    """A search that is begun while another is read is a mistake of the program, and says so."""
    with session_with(pages(2, 2)) as session:
        first = session.search(BASE, scope="sub", filter="(uid=*)", attributes=[])
        next(first)
        with pytest.raises(RuntimeError, match="one at a time"):
            session.lookup(BASE, [])
        first.close()  # type: ignore[attr-defined]  # it is a generator


def test_a_search_that_is_given_up_ends_the_session() -> None:
    """After a search that nobody read to its end, the session says so instead of mixing up answers."""
    with session_with(pages(2, 2)) as session:
        found = session.search(BASE, scope="sub", filter="(uid=*)", attributes=[])
        next(found)
        found.close()  # type: ignore[attr-defined]  # it is a generator
        with pytest.raises(SourceUnreachable, match="a search was not read to its end"):
            session.lookup(BASE, [])


def test_a_failed_search_leaves_the_session_usable() -> None:
    """After an orderly refusal, the next search is answered."""

    def answer(search: Search) -> bytes:
        return search.end(32) if search.base == "ou=missing" else search.entry("uid=a") + search.end(cookie=b"")

    with session_with(Script(answer)) as session:
        assert session.lookup("ou=missing", []) is None
        with pytest.raises(BaseNotFound):
            list(session.search("ou=missing", scope="sub", filter="(uid=*)", attributes=[]))
        assert len(list(session.search(BASE, scope="sub", filter="(uid=*)", attributes=[]))) == 1
