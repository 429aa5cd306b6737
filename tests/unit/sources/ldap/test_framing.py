from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.sources.ldap.decoder import Malformed
from syncd.sources.ldap.framing import Broken, MessageStream
from tests.fakes import ber
from tests.fakes.clock import FakeClock


def pieces_of(data: bytes, sizes: list[int]) -> Callable[[int], bytes]:
    """Return a socket's recv that hands *data* out in pieces of *sizes*, the last size for ever."""
    rest = [data]
    order = iter(sizes)
    last = [1]

    def receive(most: int) -> bytes:
        last[0] = next(order, last[0])
        piece, rest[0] = rest[0][: min(most, last[0])], rest[0][min(most, last[0]) :]
        return piece

    return receive


def stream_of(data: bytes, sizes: list[int] | None = None) -> MessageStream:
    return MessageStream(pieces_of(data, sizes or [len(data) or 1]), FakeClock().monotonic)


@given(st.lists(st.integers(1, 50), min_size=1))
def test_pieces_make_no_difference(sizes: list[int]) -> None:
    """However the bytes come, the same entries and the same end are read."""
    entries = [ber.entry(3, f"uid=u{n}", {"mail": [b"x" * n]}) for n in range(0, 300, 37)]
    stream = stream_of(b"".join(entries) + ber.done(3), sizes)

    read = []
    while found := stream.next_entries(3):
        read += found
    end = stream.next_message()

    assert [entry.dn for entry in read] == [f"uid=u{n}" for n in range(0, 300, 37)]
    assert end == ber.done(3)
    assert stream.leftover == 0


def test_a_closed_connection_is_said() -> None:
    """A connection that ends within a message is broken, not an empty answer."""
    stream = stream_of(ber.done(3)[:-1])

    with pytest.raises(Broken, match="the server closed the connection"):
        stream.next_message()


def test_answers_that_come_one_by_one_are_each_whole() -> None:
    """A message that comes after all that came before was read, and is longer, is not cut."""
    answers = [ber.done(1), ber.done(2, said="a longer one"), ber.done(3)]
    stream = stream_of(b"".join(answers), [len(answer) for answer in answers])

    assert [stream.next_message() for _ in answers] == answers


def test_a_trickle_ends_at_the_deadline() -> None:
    """A server that sends a byte now and then is not waited for beyond the deadline."""
    clock = FakeClock()

    def trickle(most: int) -> bytes:
        clock.advance(seconds=9)
        return b"0\x7f"[:1] if clock.monotonic() < 1010 else b"\x7f"

    stream = MessageStream(trickle, clock.monotonic)
    stream.deadline = clock.monotonic() + 60

    with pytest.raises(Broken, match="its time was over"):
        stream.next_message()
    assert clock.monotonic() <= 1000 + 60 + 2 * 9


def test_what_is_no_entry_is_short() -> None:
    """A message other than an entry is refused when it is longer than any honest one."""
    stream = stream_of(ber.done(3, said="x" * 70_000))

    with pytest.raises(Malformed, match="no entry"):
        stream.next_message()


def test_a_large_entry_comes_in_many_pieces() -> None:
    """A group of 200,000 members, which comes in some 600 records of TLS, is one entry with all of them."""
    members = [f"uid=u{n:06d},ou=people,dc=corp,dc=example".encode() for n in range(200_000)]
    message = ber.entry(3, "cn=all", {"member": members})
    copied = [0]

    def receive(most: int) -> bytes:
        at = copied[0]
        copied[0] += 16_384
        return message[at : at + 16_384]

    stream = MessageStream(receive, FakeClock().monotonic)
    (entry,) = stream.next_entries(3)

    assert len(entry.attributes["member"]) == 200_000
