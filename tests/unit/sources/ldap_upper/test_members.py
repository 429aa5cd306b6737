"""Who belongs to which group, by every way that directories have."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from syncd.model.entry import Entry, Snapshot
from syncd.model.names import Kind
from syncd.model.needs import Needs, Reference
from syncd.sources.ldap.decoder import RawEntry
from syncd.sources.ldap.settings import LdapSettings
from syncd.sources.ldap.source import LdapSource
from tests.builders import member
from tests.fakes.clock import FakeClock
from tests.fakes.ldap_session import FakeSession, raw
from tests.fakes.ldif import folder, person, record
from tests.fakes.slapd import SUFFIX, Slapd, skip_without_slapd
from tests.unit.sources.ldap_upper.conftest import GROUPS, PEOPLE, source_for

Start = Callable[..., Slapd]
DOMAIN_SID = bytes.fromhex("010500000000000515000000010000000200000003000000")


def members(snapshot: Snapshot) -> dict[str, tuple[str, ...]]:
    """Return the members of each group by its `cn`, as the mapping sees them."""
    return {group.attributes["cn"][0]: group.attributes.get("members", ()) for group in snapshot.of(Kind.GROUP)}


def named(entry: Entry) -> str:
    return entry.attributes["dn"][0]


@skip_without_slapd
def test_groups_of_every_size(start: Start) -> None:
    """0, 1, 1499, 1500, 1501 and 3001 members: each is read whole (`pitfalls.md` 30)."""
    sizes = (0, 1, 1499, 1500, 1501, 3001)
    people = [f"cn=p{number},{PEOPLE}" for number in range(max(sizes))]
    server = start(
        "".join(person(dn, dn[3:].partition(",")[0]) for dn in people)
        + "".join(record(f"cn=g{size},{GROUPS}", "crew", member=people[:size]) for size in sizes),
        # The standard classes want one member at least.
        settings=("objectclass ( 1.3.6.1.4.1.55555.2.2 NAME 'crew' SUP top STRUCTURAL MUST cn MAY member )",),
    )
    groups = [{"base": GROUPS, "filter": "(objectClass=crew)", "members": "member"}]

    snapshot = source_for(server, groups=groups).read(())

    found = members(snapshot)
    assert {name: len(values) for name, values in found.items()} == {f"g{size}": size for size in sizes}
    assert set(found["g3001"]) == {named(user) for user in snapshot.of(Kind.USER)}


@skip_without_slapd
def test_nesting_and_circles_come_out_as_they_are(start: Start) -> None:
    """Three levels, two circles, one group in itself: the source only says who is in what."""
    nested = {"a": "b", "b": "c", "c": "a", "x": "y", "y": "x", "self": "self"}
    server = start(
        "".join(
            record(f"cn={name},{GROUPS}", "groupOfNames", member=f"cn={inner},{GROUPS}")
            for name, inner in nested.items()
        )
    )
    snapshot = source_for(server).read(())

    assert members(snapshot) == {name: (f"cn={inner},{GROUPS}",) for name, inner in nested.items()}


@skip_without_slapd
def test_members_out_of_scope_stay_values_that_name_nobody(start: Start) -> None:
    """40 % of a group's members are elsewhere: the mapping counts them, nobody asks the server for each."""
    inside = [f"cn=p{number},{PEOPLE}" for number in range(60)]
    outside = [f"cn=q{number},ou=elsewhere,{SUFFIX}" for number in range(40)]
    server = start(
        "".join(person(dn, dn[3:].partition(",")[0]) for dn in inside)
        + record(f"cn=all,{GROUPS}", "groupOfNames", member=[*outside, *inside])
    )
    snapshot = source_for(server).read(())

    assert sorted(members(snapshot)["all"]) == sorted([*inside, *outside])
    assert len(set(members(snapshot)["all"]) - {named(user) for user in snapshot.of(Kind.USER)}) == 40


@skip_without_slapd
def test_a_member_may_be_written_in_any_way(start: Start) -> None:
    """Case, spaces, escapes, another order in a multi-valued RDN: it is the same entry."""
    amy = f"cn=Amy Wong+sn=Kroker,{PEOPLE}"
    comma = f"cn=Lovelace\\, Ada,{PEOPLE}"
    # carLicense is text: nothing tidies it up, as nothing does on Active Directory and 389.
    said = [f"SN = KROKER + CN=Amy  Wong , {PEOPLE.upper()}", f'CN="Lovelace, Ada",{PEOPLE}', "no name at all"]
    server = start(
        record(amy, "inetOrgPerson", uid="amy", cn="Amy Wong", sn="Kroker")
        + record(comma, "inetOrgPerson", uid="ada", cn="Lovelace, Ada", sn="Lovelace")
        + record(f"cn=crew,{GROUPS}", "groupOfNames", "extensibleObject", member=SUFFIX, carLicense=said)
    )
    groups = [{"base": GROUPS, "members": ["carLicense"]}]

    snapshot = source_for(server, groups=groups, members="members").read(())

    *people, nobody = members(snapshot)["crew"]
    assert sorted(people) == sorted(named(user) for user in snapshot.of(Kind.USER))
    assert nobody == "no name at all"


@skip_without_slapd
def test_a_member_who_was_renamed_between_the_searches_is_found_again(start: Start) -> None:
    """The group has the new name, the users were read under the old one (`pitfalls.md` C17)."""
    old = f"cn=Ada,{PEOPLE}"
    server = start(person(old, "ada") + record(f"cn=crew,{GROUPS}", "groupOfNames", member=old), overlays=("refint",))
    rename = f"dn: {old}\nchangetype: modrdn\nnewrdn: cn=Countess\ndeleteoldrdn: 1\n"

    snapshot = source_for(server, before=1, happens=lambda: server.modify(rename)).read(())

    (ada,) = snapshot.of(Kind.USER)
    assert ada.origin == old
    assert members(snapshot)["crew"] == (named(ada),)


@skip_without_slapd
def test_many_renamed_members_are_found_with_one_more_search(start: Start) -> None:
    """A whole folder renamed at once costs no look-up per person."""
    old, new = f"ou=old,{PEOPLE}", f"ou=new,{PEOPLE}"
    people = [f"cn=p{number},{old}" for number in range(300)]
    server = start(
        folder(old)
        + "".join(person(dn, dn[3:].partition(",")[0]) for dn in people)
        + record(f"cn=crew,{GROUPS}", "groupOfNames", member=people)
    )

    def rename() -> None:
        server.modify(f"dn: {old}\nchangetype: modrdn\nnewrdn: ou=new\ndeleteoldrdn: 1\n")
        values = "".join(f"member: {dn.replace(old, new)}\n" for dn in people)
        server.modify(f"dn: cn=crew,{GROUPS}\nchangetype: modify\nreplace: member\n{values}")

    snapshot = source_for(server, before=1, happens=rename).read(())

    assert sorted(members(snapshot)["crew"]) == sorted(named(user) for user in snapshot.of(Kind.USER))


@skip_without_slapd
def test_unique_members_and_member_uids(start: Start) -> None:
    """A posix group names people by `uid`, a group of unique names may add a bit string."""
    server = start(
        person(f"cn=Ada,{PEOPLE}", "ada")
        + person(f"cn=Bob,{PEOPLE}", "bob")
        + record(f"cn=posix,{GROUPS}", "posixGroup", gidNumber="7", memberUid=["ADA", "stranger"])
        + record(f"cn=unique,{GROUPS}", "groupOfUniqueNames", uniqueMember=f"cn=Bob,{PEOPLE}#'0101'B")
    )
    found = members(source_for(server, members="members").read(()))

    assert found == {"posix": (f"cn=ada,{PEOPLE}", "stranger"), "unique": (f"cn=bob,{PEOPLE}",)}


@skip_without_slapd
def test_member_values_stay_as_they_are_where_the_mapping_resolves_them(start: Start) -> None:
    """`{from: memberUid, by: uid}`: the directory's own values."""
    server = start(
        person(f"cn=Ada,{PEOPLE}", "ada")
        + record(f"cn=posix,{GROUPS}", "posixGroup", gidNumber="7", memberUid=["ada", "stranger"])
    )
    (group,) = source_for(server, members="memberUid", members_by="uid").read(()).of(Kind.GROUP)

    assert group.attributes["memberUid"] == ("ada", "stranger")
    assert "members" not in group.attributes


@skip_without_slapd
def test_memberships_that_stand_in_the_members(start: Start) -> None:
    """`memberOf` alone tells who belongs to a group, nested groups too."""
    server = start(
        person(f"cn=Ada,{PEOPLE}", "ada")
        + person(f"cn=Bob,{PEOPLE}", "bob")
        + record(f"cn=inner,{GROUPS}", "groupOfNames", member=f"cn=Bob,{PEOPLE}"),
        overlays=("memberof",),
        # The schema of Active Directory has a memberOf of its own, which the overlay leaves alone.
        schemas=("core", "cosine", "nis", "inetorgperson"),
    )
    # Only what is written while the overlay looks on has its counterpart.
    everybody = [f"cn=Ada,{PEOPLE}", f"cn=inner,{GROUPS}"]
    server.modify(
        f"dn: cn=crew,{GROUPS}\nchangetype: add\nobjectClass: groupOfNames\ncn: crew\n"
        + "".join(f"member: {dn}\n" for dn in everybody)
    )
    groups = [{"base": GROUPS, "members": "memberOf"}]

    found = members(source_for(server, groups=groups, members="members").read(()))

    assert found == {"crew": tuple(dn.lower() for dn in everybody), "inner": ()}


def windows(*entries: RawEntry, references: tuple[Reference, ...] = (), listed_in: str = "member") -> Snapshot:
    """Return what a read of an Active Directory with these entries gives; users have these *references*."""
    session = FakeSession(
        entries=[raw(SUFFIX), raw(PEOPLE), raw(GROUPS), *entries],
        root_dse={
            "supportedCapabilities": (b"1.2.840.113556.1.4.800",),
            "defaultNamingContext": (SUFFIX.encode(),),
        },
    )
    settings = LdapSettings.model_validate(
        {
            "type": "ldap",
            "servers": ["ldaps://dc1.corp.example"],
            "bind": {"method": "anonymous"},
            "users": [{"base": PEOPLE}],
            "groups": [{"base": GROUPS}],
        }
    )
    wanted = frozenset({"cn", "disabled", "dn", "proxy_primary", "proxy_aliases"})
    return LdapSource(
        settings,
        needs={
            Kind.USER: Needs(key="objectGUID", attributes=wanted, references=references),
            Kind.GROUP: Needs(key="objectGUID", attributes=frozenset({"cn"}), references=(member(listed_in),)),
        },
        clock=FakeClock(),
        connect=session.open,
    ).read(())


def user(cn: str, **attributes: str | bytes | Sequence[str | bytes]) -> RawEntry:
    """Return a person of Active Directory."""
    guid = cn.encode().ljust(16, b"\0")
    said: dict[str, str | bytes | Sequence[str | bytes]] = {"cn": cn, "objectGUID": guid, "objectCategory": "person"}
    return raw(f"CN={cn},{PEOPLE}", **{**said, "objectClass": ["top", "user"], **attributes})


def test_the_primary_group_of_active_directory_has_members_that_no_member_value_names() -> None:
    """`primaryGroupID` and the domain's part of `objectSid` name the group; `member` adds the others."""
    ada = user("ada", objectSid=DOMAIN_SID + (1101).to_bytes(4, "little"), primaryGroupID="513")
    bob = user("bob", objectSid=DOMAIN_SID + (1102).to_bytes(4, "little"), primaryGroupID="515")
    everybody = raw(
        f"CN=Domain Users,{GROUPS}",
        cn="Domain Users",
        objectGUID=b"g" * 16,
        objectCategory="group",
        objectSid=DOMAIN_SID + (513).to_bytes(4, "little"),
        member=[f"CN=Bob,{PEOPLE}"],
    )
    snapshot = windows(ada, bob, everybody)

    assert members(snapshot) == {"Domain Users": (f"cn=bob,{PEOPLE}", f"cn=ada,{PEOPLE}")}


def test_active_directory_is_recognized_and_read_by_its_own_rules() -> None:
    """Key, filters, disabled accounts and proxy addresses are those of Active Directory."""
    ada = user(
        "ada",
        userAccountControl="512",
        proxyAddresses=["smtp:al@corp.example", "SMTP:ada@corp.example", "X500:/o=corp", "sip:ada@corp.example"],
    )
    leaver = user("leaver", userAccountControl="514")
    room = user("room", userAccountControl="514", msExchRecipientTypeDetails="16")
    computer = raw(f"CN=pc,{PEOPLE}", cn="pc", objectClass=["user", "computer"], objectCategory="computer")
    snapshot = windows(ada, leaver, room, computer)

    found = {user.attributes["cn"][0]: user for user in snapshot.of(Kind.USER)}
    assert {name: each.attributes["disabled"][0] for name, each in found.items()} == {
        "ada": "false",
        "leaver": "true",
        "room": "false",
    }
    assert found["ada"].identity == "00616461-0000-0000-0000-000000000000"
    assert found["ada"].attributes["proxy_primary"] == ("ada@corp.example",)
    assert found["ada"].attributes["proxy_aliases"] == ("al@corp.example",)
    assert "proxy_primary" not in found["leaver"].attributes


def test_a_value_that_cannot_be_read_rejects_its_entry_by_name_and_attribute() -> None:
    """Nobody gets a guessed name; photos are never looked at."""
    bad = user("bad", userAccountControl="512", proxyAddresses=[b"SMTP:b\xfcb@corp.example"], jpegPhoto=b"\xff\xd8")
    snapshot = windows(user("ada"), bad)

    assert [each.attributes["cn"] for each in snapshot.of(Kind.USER)] == [("ada",)]
    (rejection,) = snapshot.rejections
    assert rejection.key == "user:00646162-0000-0000-0000-000000000000"
    assert str(rejection).startswith(f"CN=bad,{PEOPLE}: 'proxyAddresses' is no UTF-8")


@pytest.mark.parametrize("cn", ["Straße", "Strasse"])
def test_names_that_nearly_agree_are_two(cn: str) -> None:
    """Who is called Strasse is not in the group of Straße."""
    both = [user("Straße", objectGUID=b"1" * 16), user("Strasse", objectGUID=b"2" * 16)]
    group = raw(f"CN=g,{GROUPS}", cn="g", objectGUID=b"g" * 16, objectCategory="group", member=[f"CN={cn},{PEOPLE}"])
    snapshot = windows(*both, group)

    (member,) = members(snapshot)["g"]
    assert [named(each) for each in snapshot.of(Kind.USER) if each.attributes["cn"] == (cn,)] == [member]


def test_two_entries_whose_names_cannot_be_told_apart_are_both_rejected() -> None:
    """A member value would name either."""
    snapshot = windows(user("Ada", objectGUID=b"1" * 16), user("ADA", objectGUID=b"2" * 16))

    assert snapshot.of(Kind.USER) == ()
    assert len({rejection.key for rejection in snapshot.rejections}) == 2


def test_a_reference_by_name_has_the_normal_form_of_the_name() -> None:
    """A person may name another one: as written, `dn` of the other would not be found."""
    boss = user("boss")
    ada = user("ada", manager=f"cn = BOSS , {PEOPLE}", secretary=["nobody at all"])
    references = tuple(
        Reference(name=name, attribute=name, by={Kind.USER: "dn"}) for name in ("manager", "secretary", "absent")
    )

    found = {each.attributes["cn"][0]: each for each in windows(boss, ada, references=references).of(Kind.USER)}

    assert found["ada"].attributes["manager"] == found["boss"].attributes["dn"]
    assert found["ada"].attributes["secretary"] == ("nobody at all",)
    assert "absent" not in found["ada"].attributes


def test_a_group_that_nobody_is_in_does_not_list_the_groups_it_is_in() -> None:
    """`memberOf` of a group says where the group belongs, never who belongs to it."""
    said: dict[str, Any] = {"objectClass": ["top", "group"], "objectCategory": "group"}
    outer = raw(f"CN=outer,{GROUPS}", cn="outer", objectGUID=b"outer".ljust(16, b"\0"), **said)
    inner = raw(
        f"CN=inner,{GROUPS}", cn="inner", objectGUID=b"inner".ljust(16, b"\0"), memberOf=f"CN=outer,{GROUPS}", **said
    )

    groups = windows(outer, inner, listed_in="memberOf").of(Kind.GROUP)

    assert {each.attributes["cn"][0]: each.attributes.get("memberOf", ()) for each in groups} == {
        "outer": (named(groups[1]),),
        "inner": (),
    }
