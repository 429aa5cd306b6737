"""When is a search complete?

    every page ended with                    success
    the last page came with                  an empty cookie
    no page came twice                       a server that always returns a cookie never ends
    no reference                             a part that lies on another server is a part that is missing
    every attribute that came in pieces      was read to its end

Anything else raises, however much came before.
"""

from collections.abc import Callable, Generator, Iterator
from dataclasses import replace

from syncd.sources.ldap import ranges
from syncd.sources.ldap.decoder import Malformed, RawEntry
from syncd.sources.ldap.exchange import PageEnd, Request
from syncd.sources.ldap.failures import (
    NO_SUCH_OBJECT,
    SIZE_LIMIT,
    SUCCESS,
    Asked,
    SearchFailed,
    broken,
    referred,
    refused,
)
from syncd.sources.ldap.framing import Broken
from syncd.sources.ldap.transport import Transport

#: Active Directory may send pages without entries where it searches long; not so many in a row.
_EMPTY_PAGES = 200


class Search:
    """One search over all its pages.

    *harmless* tells of a reference whether nobody can be missing for it; *deadline* is monotonic seconds.
    """

    def __init__(
        self, transport: Transport, request: Request, *, deadline: float, harmless: Callable[[str], bool]
    ) -> None:
        self._transport = transport
        self._request = request
        self._deadline = deadline
        self._harmless = harmless
        self._asked = Asked(server=str(transport.server), base=request.base, scope=request.scope, filter=request.filter)
        self._entries = 0
        self._pages = 0
        self._seen: set[tuple[int, str, str]] = set()
        self._empty = 0
        #: Whether an answer may still be on its way: then nothing else can be asked over this connection.
        self.is_pending = False

    @property
    def came(self) -> str:
        """What came so far, for people."""
        entries = f"{self._entries} {'entry' if self._entries == 1 else 'entries'}"
        if not self._request.page_size:
            return f"{entries} came"
        return f"{entries} came on {self._pages} {'page' if self._pages == 1 else 'pages'}"

    def entries(self) -> Iterator[RawEntry]:
        """Yield every entry.

        Raises:
            SearchFailed: the answer is not complete, for whatever reason.
        """
        cookie, sent = b"", None
        held: list[RawEntry] = []
        while True:
            page = yield from self._page(cookie, sent, held)
            self._judge(page)
            goes_on = page.result.code != SIZE_LIMIT and self._goes_on(page)
            cookie, sent = page.cookie or b"", page.sent
            if sent is None:
                # Nothing is on its way: more can be asked of the entries that came in pieces.
                for entry in held:
                    yield self._whole(entry)
                held.clear()
            if not goes_on:
                return

    def _page(self, cookie: bytes, sent: int | None, held: list[RawEntry]) -> Generator[RawEntry, None, PageEnd]:
        """Yield the entries of one page but those that came in pieces, which are appended to *held*."""
        first = last = ""
        before = self._entries
        self.is_pending = True
        ahead = bool(self._request.page_size) and not (held or self._transport.met_ranges)
        parts = self._transport.page(self._request, cookie, self._deadline, sent=sent, ahead=ahead)
        page: PageEnd | None = None
        while page is None:
            try:
                part = next(parts)
            except StopIteration as end:
                page = end.value
                continue
            except (Broken, Malformed) as error:
                raise broken(self._asked, str(error), self.came) from error
            if self._entries == before:
                first = part[0].dn
            last = part[-1].dn
            self._entries += len(part)
            if not self._transport.met_ranges:
                yield from part
                continue
            for entry in part:
                if any(map(ranges.is_ranged, entry.attributes)):
                    held.append(entry)
                else:
                    yield entry
        self.is_pending = page.sent is not None
        self._pages += 1
        self._assert_new(self._entries - before, first, last, page)
        return page

    def _assert_new(self, count: int, first: str, last: str, page: PageEnd) -> None:
        if not page.cookie:
            return
        self._empty = 0 if count else self._empty + 1
        signature = (count, first, last)
        if (count and signature in self._seen) or self._empty > _EMPTY_PAGES:
            what = "the same page came twice" if count else f"{self._empty} pages without any entry came in a row"
            reason = f"{what}, and the server still says that more follows"
            raise SearchFailed(
                f"{self._asked}: {reason}; {self.came}, expected the pages to end",
                hint="its paging doesn't work: set page_size: 0 if it may send everything at once",
            )
        self._seen.add(signature)

    def _judge(self, page: PageEnd) -> None:
        code = page.result.code
        if code == SIZE_LIMIT and self._request.size_limit and self._entries >= self._request.size_limit:
            return
        if code != SUCCESS:
            raise refused(self._asked, page.result, self.came)
        missing = tuple(url for url in page.references if not self._harmless(url))
        if missing:
            raise referred(self._asked, missing, self.came)

    def _goes_on(self, page: PageEnd) -> bool:
        if not self._request.page_size:
            return False
        if page.cookie is None:
            if self._pages == 1 and not self._request.pages_known:
                return False
            raise broken(self._asked, "a page ended without a word on whether more follow", self.came)
        return bool(page.cookie)

    def _whole(self, entry: RawEntry) -> RawEntry:
        try:
            return ranges.whole(entry, self._fetch)
        except ranges.Unfinished as error:
            raise broken(self._asked, f"an attribute is not whole: {error}", self.came) from error

    def _fetch(self, dn: str, attributes: tuple[str, ...]) -> RawEntry:
        """Return one entry, for the next piece of an attribute."""
        request = replace(
            self._request,
            base=dn,
            scope="base",
            filter="(objectClass=*)",
            attributes=attributes,
            page_size=0,
            size_limit=0,
        )
        self.is_pending = True
        found: list[RawEntry] = []
        parts = self._transport.page(request, b"", self._deadline)
        page: PageEnd | None = None
        while page is None:
            try:
                found += next(parts)
            except StopIteration as end:
                page = end.value
            except (Broken, Malformed) as error:
                raise ranges.Unfinished(f"{dn}: {error}") from error
        self.is_pending = False
        if page.result.code == NO_SUCH_OBJECT:
            raise ranges.Unfinished(f"{dn} was moved or removed while it was read; the next cycle tries again")
        if page.result.code != SUCCESS or page.references or len(found) != 1:
            raise ranges.Unfinished(f"{dn}: {page.result}, {len(found)} entries, where one was expected")
        return found[0]
