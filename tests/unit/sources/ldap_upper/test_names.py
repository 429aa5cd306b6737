"""Distinguished names: read, written, and compared."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ldap3.utils.dn import parse_dn

from syncd.sources.ldap import names

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
TYPES = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,6}", fullmatch=True) | st.sampled_from(
    ["2.5.4.3", "CN", "userid", "1.2.3"]
)
PARTS = st.tuples(TYPES, TEXTS)
NAMES = st.lists(st.lists(PARTS, min_size=1, max_size=3).map(tuple), max_size=4).map(tuple)


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("", ""),
        ("cn=ada,dc=corp,dc=example", "cn=ada,dc=corp,dc=example"),
        ("CN = Ada Lovelace , OU=People;dc=Corp", "cn=ada lovelace,ou=people,dc=corp"),
        ("cn=Ada   Lovelace,dc=corp", "cn=ada lovelace,dc=corp"),
        (r"cn=\41da,dc=corp", "cn=ada,dc=corp"),
        (r"CN=Lovelace\, Ada,DC=corp", r"cn=lovelace\2c ada,dc=corp"),
        (r"cn=Lovelace\2C Ada,dc=corp", r"cn=lovelace\2c ada,dc=corp"),
        ('cn="Lovelace, Ada" ,dc=corp', r"cn=lovelace\2c ada,dc=corp"),
        ("cn=Amy Wong+sn=Kroker,ou=people", "cn=amy wong+sn=kroker,ou=people"),
        ("SN=Kroker + CN=Amy Wong,ou=people", "cn=amy wong+sn=kroker,ou=people"),
        ("commonName=a,2.5.4.11=b,domainComponent=c", "cn=a,ou=b,dc=c"),
        (r"cn=J\C3\BCrgen,dc=x", "cn=jürgen,dc=x"),
        ("cn=JÜRGEN,dc=x", "cn=jürgen,dc=x"),
        ("cn=#04034164 61,dc=x".replace(" ", ""), "cn=ada,dc=x"),
        ("1.3.6.1.4.1.1466.0=#04024869", "1.3.6.1.4.1.1466.0=hi"),
        ("cn=#0500,dc=x", "cn=#0500,dc=x"),
        (r"cn=\#0500,dc=x", r"cn=\230500,dc=x"),
        (r"cn=\ a\ ,dc=x", "cn=a,dc=x"),
        (r"cn=a\0ACNF:b,dc=x", r"cn=a\0acnf:b,dc=x"),
        ("cn=,dc=x", "cn=,dc=x"),
        ("cn=a=b,dc=x", r"cn=a\3db,dc=x"),
    ],
)
def test_every_way_to_write_a_name_has_one_normal_form(written: str, normal: str) -> None:
    """Case, spaces, escapes, quotes, OIDs, order within an RDN: no difference."""
    assert names.normalize(written) == normal


@pytest.mark.parametrize(
    "pair", [("cn=Straße,dc=x", "cn=Strasse,dc=x"), ("cn=a,dc=x", "cn=a b,dc=x"), ("cn=a+sn=b", "cn=a,sn=b")]
)
def test_different_names_stay_different(pair: tuple[str, str]) -> None:
    """Nobody becomes a member because somebody else has nearly the same name."""
    assert names.normalize(pair[0]) != names.normalize(pair[1])


@pytest.mark.parametrize(
    ("written", "position", "reason"),
    [
        ("ada", 4, "= is missing"),
        ("cn=a,", 6, "attribute type"),
        ("cn=a,,dc=x", 6, "attribute type"),
        ("=a", 1, "attribute type"),
        (r"cn=a\z", 5, "backslash"),
        ("cn=a\\", 5, "backslash"),
        ('cn="a', 4, "never closed"),
        ('cn="a"b', 7, "closing quote"),
        ("cn=a<b", 5, "escaped"),
        ("cn=#0", 4, "pairs of hex"),
        ("cn=#0500x", 9, "#-string"),
        (r"cn=\ff", 7, "UTF-8"),
    ],
)
def test_a_text_that_is_no_name_is_told_with_its_place(written: str, position: int, reason: str) -> None:
    """An administrator sees which character is wrong."""
    with pytest.raises(names.BadName, match=reason) as told:
        names.parse(written)
    assert told.value.position == position


@given(NAMES)
def test_what_is_written_is_read_back(rdns: tuple[names.Rdn, ...]) -> None:
    """Any value survives writing and reading, whatever characters it has."""
    assert names.parse(names.write(rdns)) == rdns


@given(NAMES)
def test_normal_form_is_stable(rdns: tuple[names.Rdn, ...]) -> None:
    """Normalizing what is normal changes nothing, so both sides of a comparison may be normalized at any time."""
    normal = names.normalize(names.write(rdns))
    assert names.normalize(normal) == normal


@given(NAMES)
def test_a_bare_comma_of_the_normal_form_always_separates(rdns: tuple[names.Rdn, ...]) -> None:
    """Whether an entry lies below a base can be told by the end of its normal form."""
    normal = names.normalize(names.write(rdns))
    assert (normal.count(",") + 1 if normal else 0) == len(rdns)


@given(
    st.lists(
        st.tuples(st.sampled_from(["cn", "ou", "dc"]), st.text('aZ ,+=#\\"<>;é', min_size=1, max_size=8)),
        min_size=1,
        max_size=4,
    )
)
def test_ldap3_reads_what_is_written(parts: list[tuple[str, str]]) -> None:
    """The library that sends our names sees the same number of RDNs and the same types."""
    text = names.write(tuple((part,) for part in parts))
    assert [kind for kind, _, _ in parse_dn(text)] == [kind for kind, _ in parts]


@given(st.text(max_size=20))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Names come from servers: nothing but a BadName comes of a bad one."""
    position = 1
    try:
        names.normalize(text)
    except names.BadName as error:
        position = error.position
    assert 1 <= position <= len(text) + 1


@pytest.mark.parametrize(
    ("name", "base", "scope", "within"),
    [
        ("cn=a,ou=b,dc=x", "ou=b,dc=x", "sub", True),
        ("ou=b,dc=x", "ou=b,dc=x", "sub", True),
        ("cn=a,ou=bb,dc=x", "ou=b,dc=x", "sub", False),
        ("cn=a,xou=b,dc=x", "ou=b,dc=x", "sub", False),
        ("cn=a,ou=b,dc=x", "ou=b,dc=x", "one", True),
        ("cn=a,ou=c,ou=b,dc=x", "ou=b,dc=x", "one", False),
        ("ou=b,dc=x", "ou=b,dc=x", "one", False),
        ("ou=b,dc=x", "ou=b,dc=x", "base", True),
        ("cn=a,ou=b,dc=x", "ou=b,dc=x", "base", False),
        ("dc=x", "", "sub", True),
        ("dc=x", "", "one", True),
        ("cn=a,dc=x", "", "one", False),
    ],
)
def test_whether_a_name_is_within_a_search(name: str, base: str, scope: names.Scope, within: bool) -> None:
    """Base and scope are judged as a server judges them."""
    assert names.is_within(name, base, scope) is within


def test_the_bit_string_behind_a_unique_member_is_no_part_of_its_name() -> None:
    """`uniqueMember` values may carry a unique identifier."""
    assert names.without_uid("cn=a,dc=x#'0101'B") == "cn=a,dc=x"
    assert names.without_uid("cn=a'B") == "cn=a'B"
