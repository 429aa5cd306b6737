"""Bytes of attributes become canonical text."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.sources.ldap import values
from syncd.sources.ldap.values import BadValue


def test_an_object_guid_is_written_as_windows_writes_it() -> None:
    """The first three fields are little-endian."""
    raw = bytes.fromhex("e5d4c3b2a190f04e8c1d000102030405")
    assert values.guid(raw) == "b2c3d4e5-90a1-4ef0-8c1d-000102030405"


@given(st.binary(min_size=16, max_size=16))
def test_a_guid_goes_both_ways(raw: bytes) -> None:
    """A key leads back to the bytes that a search needs."""
    assert values.guid_bytes(values.guid(raw)) == raw


def test_a_sid_is_written_as_windows_writes_it() -> None:
    """Revision, authority, and each part little-endian."""
    raw = bytes.fromhex("010500000000000515000000a065cf7e784b9b5fe77c8770091c0100")
    assert values.sid(raw) == "S-1-5-21-2127521184-1604012920-1887927527-72713"


@pytest.mark.parametrize("raw", [b"", b"\x01\x05\x00\x00\x00\x00\x00\x05", b"\x02\x00\x00\x00\x00\x00\x00\x05"])
def test_bytes_that_are_no_sid_are_refused(raw: bytes) -> None:
    """A length that doesn't fit its own count, and another revision."""
    with pytest.raises(BadValue):
        values.sid(raw)


@pytest.mark.parametrize(
    ("attribute", "raw", "text"),
    [
        ("entryUUID", b"6003E0AE-7B64-1041-8A14-9FCD1449B840", "6003e0ae-7b64-1041-8a14-9fcd1449b840"),
        ("nsUniqueId", b"9A1B2C01-11D211B2-8034D0A6-73B2F7E5", "9a1b2c01-11d211b2-8034d0a6-73b2f7e5"),
        ("createTimestamp", b"20240229123456Z", "2024-02-29T12:34:56Z"),
        ("whenCreated", b"20240229123456.0Z", "2024-02-29T12:34:56Z"),
        ("pwdAccountLockedTime", b"000001010000Z", "000001010000Z"),
        ("accountExpires", b"9223372036854775807", "never"),
        ("accountExpires", b"0", "never"),
        ("accountExpires", b"133515648000000000", "2024-02-05T00:00:00Z"),
        ("mail", "jürgen@corp.example".encode(), "jürgen@corp.example"),
    ],
)
def test_each_attribute_has_one_canonical_text(attribute: str, raw: bytes, text: str) -> None:
    """What templates and keys see doesn't depend on how a server writes it."""
    assert values.reader_of(attribute)(raw) == text


@pytest.mark.parametrize(
    ("attribute", "raw", "reason"),
    [
        ("cn", b"J\xfcrgen", "no UTF-8"),
        ("cn", b"a\x00b", r"U\+0000"),
        ("cn", b"a\x1b[2Jb", r"U\+001B"),
        ("cn", b"a" * 5000, "4096 are allowed"),
        ("objectGUID", b"123", "16"),
        ("entryUUID", b"no", "no UUID"),
        ("nsUniqueId", b"no", "no nsUniqueId"),
        ("accountExpires", b"soon", "no FILETIME"),
    ],
)
def test_bytes_that_say_something_else_are_refused(attribute: str, raw: bytes, reason: str) -> None:
    """A value that can't be trusted is never guessed."""
    with pytest.raises(BadValue, match=reason):
        values.reader_of(attribute)(raw)


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2024010203Z", datetime(2024, 1, 2, 3, tzinfo=UTC)),
        ("202401020304Z", datetime(2024, 1, 2, 3, 4, tzinfo=UTC)),
        ("20240102030405Z", datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("20240102030405.5Z", datetime(2024, 1, 2, 3, 4, 5, 500000, tzinfo=UTC)),
        ("20240102030405,5Z", datetime(2024, 1, 2, 3, 4, 5, 500000, tzinfo=UTC)),
        ("2024010203.5Z", datetime(2024, 1, 2, 3, 30, tzinfo=UTC)),
        ("20240102030405+0130", datetime(2024, 1, 2, 1, 34, 5, tzinfo=UTC)),
        ("20240102030405-05", datetime(2024, 1, 2, 8, 4, 5, tzinfo=UTC)),
        ("20231231235960Z", datetime(2024, 1, 1, tzinfo=UTC)),
    ],
)
def test_generalized_time_in_all_its_forms(written: str, moment: datetime) -> None:
    """Fractions, zones, missing minutes, a leap second (RFC 4517 3.3.13)."""
    assert values.generalized_time(written) == moment


@pytest.mark.parametrize(
    "written", ["", "2024", "20241301000000Z", "20240102030405", "20240102030405ZZ", "20240102250405Z"]
)
def test_what_is_no_moment_is_refused(written: str) -> None:
    """No zone, no such month, no such hour, a doubled Z (`pitfalls.md` 49)."""
    with pytest.raises(BadValue):
        values.generalized_time(written)


@given(st.sampled_from(sorted(values.READERS)) | st.just("mail"), st.binary(max_size=40))
def test_any_bytes_are_read_or_refused(attribute: str, raw: bytes) -> None:
    """Values come from servers: nothing but a BadValue comes of a bad one."""
    try:
        text = values.reader_of(attribute)(raw)
    except BadValue:
        return
    assert "\x00" not in text
