"""Where does one message end and the next begin, and how long is waited for it?

Everything that comes from the server passes here, also what ldap3 decodes: its own receiving trusts any length, keeps
no limit of time for a server that sends a byte a minute, and forgets what came with a message.
"""

from collections.abc import Callable

from syncd.collector import uncollected
from syncd.sources.ldap.decoder import Malformed, Names, RawEntry, decode_entries, find_entries, message_size

#: ldap3's decoder needs quadratic time for some nonsense, and what is no entry is short: a result, a reference.
_LARGEST_OTHER = 64 * 1024
_RECEIVE_SIZE = 256 * 1024


class Broken(Exception):
    """The connection is of no use any more; the message says what happened."""


class MessageStream:
    """The bytes of one connection, cut into messages.

    *receive* returns at least one byte, or none at the end of the connection; *monotonic* is the clock's.
    """

    def __init__(self, receive: Callable[[int], bytes], monotonic: Callable[[], float]) -> None:
        self._receive = receive
        self._monotonic = monotonic
        self._data = b""
        self._at = 0
        self._names = Names()
        #: Where entries were found that nobody took yet, counted from _at.
        self._places: list[tuple[int, int]] = []
        self._looked_at = 0
        self._met_ranges = False
        #: After this, nothing is waited for; None while nobody waits.
        self.deadline: float | None = None

    @property
    def met_ranges(self) -> bool:
        """Whether an attribute came in pieces so far."""
        if len(self._names.known) != self._looked_at:
            self._looked_at = len(self._names.known)
            self._met_ranges = any(b";range=" in name.lower() for name in self._names.known)
        return self._met_ranges

    @property
    def leftover(self) -> int:
        """The number of bytes that came and were not asked for yet."""
        return len(self._data) - self._at

    def next_message(self) -> bytes:
        """Return the next message whole, of any kind but an entry of a running search.

        Raises:
            Broken: it doesn't come, or is too large to be what it should be.
            Malformed: it is no message.
        """
        size = self._complete()
        message = self._message_at(self._at, size)
        self._at += len(message)
        return message

    def begin_search(self) -> None:
        """Tell that a search of its own kind begins."""
        self._names.forget_order()

    def next_entries(self, identity: int) -> list[RawEntry]:
        """Return the entries of the search *identity* that come next, as many as are there; none if something else is.

        Raises:
            Broken: nothing comes.
            Malformed: what comes is no message.
        """
        if not self._places:
            self._complete()
            find_entries(self._data, self._at, identity, self._places, self._at)
        return self.gathered()

    def gathered(self) -> list[RawEntry]:
        """Return the entries that are there already."""
        places, self._places = self._places, []
        with uncollected():
            entries = decode_entries(self._data, places, self._names, self._at)
        if places:
            self._at += places[-1][1]
        return entries

    def look_ahead(self, identity: int, most: int) -> bytes | None:
        """Return the next message that is no entry of the search *identity*, and leave it and them for later.

        None if *most* bytes came before it.

        Raises:
            Broken: nothing comes.
            Malformed: what comes is no message.
        """
        at = self._at
        while True:
            at = find_entries(self._data, at, identity, self._places, self._at)
            size = message_size(self._data, at)
            if size and len(self._data) - at >= size:
                return self._message_at(at, size)
            if self.leftover >= most:
                return None
            behind = at - self._at
            self._fill(behind + max(size, len(self._data) - at + 1))
            at = self._at + behind

    def _message_at(self, at: int, size: int) -> bytes:
        if size > _LARGEST_OTHER:
            raise Malformed(f"a message of {size} bytes that is no entry; at most {_LARGEST_OTHER} are read")
        return self._data[at : at + size]

    def _complete(self) -> int:
        """Wait until the next message is whole; return its size."""
        size = message_size(self._data, self._at)
        while not size or self.leftover < size:
            self._fill(max(size, self.leftover + 1))
            size = message_size(self._data, self._at)
        return size

    def _fill(self, needed: int) -> None:
        """Receive until *needed* bytes are there. What is there is copied once, however many pieces come."""
        pieces = [self._data[self._at :]]
        have = len(pieces[0])
        while have < needed:
            if self.deadline is not None and self._monotonic() > self.deadline:
                raise Broken("the answer was still not complete when its time was over")
            piece = self._receive(_RECEIVE_SIZE)
            if not piece:
                raise Broken("the server closed the connection")
            pieces.append(piece)
            have += len(piece)
        self._data, self._at = b"".join(pieces), 0
