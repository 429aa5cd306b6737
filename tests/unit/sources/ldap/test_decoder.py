from collections.abc import Mapping, Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from ldap3.utils.asn1 import decode_message_fast

from syncd.sources.ldap.decoder import (
    LARGEST_MESSAGE,
    Malformed,
    Names,
    RawEntry,
    decode_entries,
    find_entries,
    message_id,
    message_size,
)
from tests.fakes import ber

ATTRIBUTES = st.dictionaries(
    st.from_regex(r"[A-Za-z][A-Za-z0-9;-]{0,20}", fullmatch=True),
    st.lists(st.binary(max_size=300), max_size=5),
    max_size=6,
)
DNS = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
AN_ENTRY = ber.entry(7, "uid=leela,dc=corp,dc=example", {"mail": [b"leela@corp.example"], "cn": [b"Leela", b"Turanga"]})


def take(data: bytes, identity: int = 7) -> tuple[list[RawEntry], int]:
    places: list[tuple[int, int]] = []
    end = find_entries(data, 0, identity, places)
    return decode_entries(data, places, Names()), end


def by_ldap3(message: bytes) -> tuple[str, dict[str, list[bytes]]]:
    """The same entry, as ldap3's own decoder reads it."""
    (_, _, _, dn), (_, _, _, attributes) = decode_message_fast(message)["payload"]  # type: ignore[no-untyped-call]  # it promises nobody
    return dn.decode(), {
        name[3].decode(): [bytes(value[3]) for value in values[3]] for _, _, _, (name, values) in attributes
    }


@given(dn=DNS, attributes=ATTRIBUTES, identity=st.integers(1, 2**31 - 1))
def test_it_reads_what_ldap3_reads(dn: str, attributes: Mapping[str, Sequence[bytes]], identity: int) -> None:
    """Every entry is decoded to the same DN, names and values as by ldap3's decoder."""
    message = ber.entry(identity, dn, attributes)

    entries, end = take(message, identity)

    assert [(entry.dn, entry.attributes) for entry in entries] == [by_ldap3(message)]
    assert entries == [RawEntry(dn, {name: list(values) for name, values in attributes.items()})]
    assert end == len(message)


@given(st.lists(st.tuples(DNS, ATTRIBUTES), max_size=5), st.data())
def test_a_stream_may_be_cut_anywhere(pairs: list[tuple[str, dict[str, list[bytes]]]], data: st.DataObject) -> None:
    """Of a stream that was cut, the whole entries are read, and the place where the rest begins is returned."""
    messages = [ber.entry(7, dn, attributes) for dn, attributes in pairs]
    stream = b"".join(messages)
    cut = data.draw(st.integers(0, len(stream)))

    entries, end = take(stream[:cut])

    whole = 0
    while whole < len(messages) and sum(map(len, messages[: whole + 1])) <= cut:
        whole += 1
    assert [entry.dn for entry in entries] == [dn for dn, _ in pairs[:whole]]
    assert end == sum(map(len, messages[:whole]))


@given(st.lists(st.tuples(DNS, ATTRIBUTES), min_size=1, max_size=5), st.data())
def test_the_order_of_attributes_makes_no_difference(
    pairs: list[tuple[str, dict[str, list[bytes]]]], data: st.DataObject
) -> None:
    """What was learned from earlier entries never changes how later ones are read: other orders, gaps, other forms."""
    most = dict(pairs[0][1])
    for dn, _ in list(pairs):
        order = data.draw(st.permutations(sorted(most)))
        kept = [name for name in order if data.draw(st.booleans())]
        pairs.append((dn, {name: most[name] if data.draw(st.booleans()) else [b"x" * 130, b""] for name in kept}))
    stream = b"".join(ber.entry(7, dn, attributes) for dn, attributes in pairs)

    entries, end = take(stream)

    assert [(entry.dn, entry.attributes) for entry in entries] == pairs
    assert end == len(stream)


@given(st.binary(max_size=400))
@example(b"0\x80\x02\x01\x07d\x00\x00\x00")
@example(b"0\x84\xff\xff\xff\xff")
@example(b"0\x00")
@example(b"0\x03\x02\x01\x07")
def test_random_bytes_are_refused_or_left(data: bytes) -> None:
    """Whatever comes: entries, a place to go on from, or `Malformed`; no other error and no endless loop."""
    try:
        entries, end = take(data)
    except Malformed:
        return
    assert 0 <= end <= len(data)
    assert bool(entries) is (end > 0)


@given(place=st.integers(0, len(AN_ENTRY) - 1), byte=st.integers(0, 255))
def test_a_changed_byte_never_reads_beyond_its_entry(place: int, byte: int) -> None:
    """With any one byte changed, an entry is refused, or read without a byte of the message that follows it."""
    damaged = bytearray(AN_ENTRY)
    damaged[place] = byte
    follower = ber.entry(7, "uid=follower", {"secret": [b"of the follower"]})

    try:
        entries, _ = take(bytes(damaged) + follower)
    except Malformed:
        return
    for entry in entries[:1]:
        assert "follower" not in entry.dn
        assert not any(b"follower" in value for values in entry.attributes.values() for value in values)


@given(st.data())
def test_any_change_ends_in_our_error(data: st.DataObject) -> None:
    """With several bytes changed, removed or doubled, nothing but `Malformed` is raised."""
    damaged = bytearray(AN_ENTRY * 2)
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(damaged) - 1))
        kind = data.draw(st.sampled_from(["set", "remove", "double"]))
        if kind == "set":
            damaged[place] = data.draw(st.integers(0, 255))
        elif kind == "remove":
            del damaged[place]
        else:
            damaged.insert(place, damaged[place])
    try:
        entries, end = take(bytes(damaged))
    except Malformed:
        return
    assert end <= len(damaged)
    assert len(entries) <= 3


def inner(*parts: bytes) -> bytes:
    return ber.message(7, ber.element(0x64, b"".join(parts)))


NAMED = ber.text("cn")
SHORT_OF_A_BYTE = bytes([0x04, 0x05]) + b"four"


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (inner(ber.text("uid=a"), ber.text("no sequence")), "no attributes"),
        (inner(ber.integer(1)), "no DN"),
        (inner(ber.text("uid=a")), "a DN ends beyond its entry"),
        (inner(ber.text(b"\xff\xfe"), ber.element(0x30, b"")), "no UTF-8"),
        (inner(ber.text("uid=a"), ber.element(0x30, ber.integer(1))), "no attribute"),
        (inner(ber.text("uid=a"), ber.element(0x30, ber.element(0x30, b""))), "no name"),
        (inner(ber.text("uid=a"), ber.element(0x30, ber.element(0x30, NAMED))), "no values"),
        (inner(ber.text("uid=a"), ber.element(0x30, ber.element(0x30, NAMED + ber.text("x")))), "no values"),
        (
            inner(ber.text("uid=a"), ber.element(0x30, ber.element(0x30, NAMED + ber.element(0x31, ber.integer(1))))),
            "no string",
        ),
        (
            inner(ber.text("uid=a"), ber.element(0x30, ber.element(0x30, NAMED + ber.element(0x31, SHORT_OF_A_BYTE)))),
            "ends beyond its attribute",
        ),
        (
            inner(
                ber.text("uid=a"), ber.element(0x30, ber.element(0x30, NAMED + ber.element(0x31, b"") + b"\x04\x00"))
            ),
            "end elsewhere than the attribute",
        ),
        (inner(ber.text("uid=a"), ber.element(0x30, b""), b"\x04\x00"), "end elsewhere than the entry"),
        (ber.message(7, ber.element(0x64, ber.text("uid=a") + ber.element(0x30, b"")) + b"\x04\x00"), "elsewhere"),
        (inner(b"\x04\x80uid=a\x00\x00"), "no definite length"),
    ],
)
def test_what_is_wrong_is_said(message: bytes, said: str) -> None:
    """Each way of being no entry has its own words."""
    with pytest.raises(Malformed, match=said):
        take(message)


def test_controls_behind_an_entry_are_allowed() -> None:
    """An entry that carries a control is read like any other."""
    message = ber.message(7, ber.element(0x64, ber.text("uid=a") + ber.element(0x30, b"")), ber.paged(b""))

    assert take(message) == ([RawEntry("uid=a", {})], len(message))


def test_an_attribute_that_comes_twice_keeps_all_values() -> None:
    """A server that writes an attribute twice in one entry loses no value."""
    once = ber.element(0x30, NAMED + ber.element(0x31, ber.text("a")))
    twice = ber.element(0x30, NAMED + ber.element(0x31, ber.text("b")))

    entries, _ = take(inner(ber.text("uid=a"), ber.element(0x30, once + twice)))

    assert entries == [RawEntry("uid=a", {"cn": [b"a", b"b"]})]


def test_lengths_may_be_longer_than_needed() -> None:
    """A length written in four bytes, as Active Directory does, means the same."""
    value = b"\x04\x84\x00\x00\x00\x01a"
    values = b"\x31\x84\x00\x00\x00\x07" + value
    attribute = b"\x30\x84" + len(NAMED + values).to_bytes(4) + NAMED + values
    attributes = b"\x30\x84" + len(attribute).to_bytes(4) + attribute
    content = ber.text("uid=a") + attributes
    operation = b"\x64\x84" + len(content).to_bytes(4) + content
    body = ber.integer(7) + operation

    entries, _ = take(b"\x30\x84" + len(body).to_bytes(4) + body)

    assert entries == [RawEntry("uid=a", {"cn": [b"a"]})]


def test_other_messages_are_left() -> None:
    """The end of a search, and an entry of another search, are left where they are."""
    end = ber.done(7)

    assert take(AN_ENTRY + end)[1] == len(AN_ENTRY)
    assert take(ber.entry(8, "uid=a", {})) == ([], 0)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\x04\x00", "0x04 instead of 0x30"),
        (b"0\x80", "no definite length"),
        (b"0\x85\x01\x01\x01\x01\x01", "a length of 5 bytes"),
        (b"0\x84" + (LARGEST_MESSAGE + 1).to_bytes(4), "more than"),
    ],
)
def test_no_message_begins_so(data: bytes, said: str) -> None:
    """What can't be a message is refused by its first bytes, before any more is waited for."""
    with pytest.raises(Malformed, match=said):
        message_size(data, 0)


@pytest.mark.parametrize(
    "body", [b"", b"\x02\x00\x64", b"\x04\x01\x07", b"\x02\x05\x00\x00\x00\x00\x07\x64", b"\x02\x01\x07"]
)
def test_a_message_has_an_id(body: bytes) -> None:
    """A message without a usable id, or without anything behind it, is refused."""
    with pytest.raises(Malformed):
        message_id(ber.element(0x30, body), 0)
