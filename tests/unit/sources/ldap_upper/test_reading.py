"""Users and groups of a real OpenLDAP server, read completely or not at all."""

from collections.abc import Callable
from pathlib import Path

import pytest

from syncd.errors import ConfigurationError, SourceIncomplete
from syncd.model.names import Kind, user_key
from syncd.sources.ldap.settings import LdapSettings
from tests.fakes.ldif import folder, person, record
from tests.fakes.slapd import SUFFIX, Slapd, skip_without_slapd
from tests.unit.sources.ldap_upper.conftest import GROUPS, PEOPLE, source_for

pytestmark = skip_without_slapd
Start = Callable[..., Slapd]
ADA = person(f"cn=Ada,{PEOPLE}", "ada", mail=["ada@corp.example", "al@corp.example"])
BOB = person(f"cn=Bob,{PEOPLE}", "bob", mail="bob@corp.example")


def test_an_entry_has_the_spelling_of_the_mapping(start: Start) -> None:
    """The mapping may write names as it likes, even by their other names; several values stay several."""
    server = start(ADA)
    wanted = frozenset({"UID", "surname", "mail", "Mail", "dn", "disabled"})

    (ada,) = source_for(server, attributes=wanted).read(()).of(Kind.USER)

    assert ada.origin == f"cn=Ada,{PEOPLE}"
    assert dict(ada.attributes) == {
        "entryUUID": (ada.identity,),
        "dn": (f"cn=ada,{PEOPLE}",),
        "UID": ("ada",),
        "surname": ("Ada",),
        "mail": ("ada@corp.example", "al@corp.example"),
        "Mail": ("ada@corp.example", "al@corp.example"),
        "disabled": ("false",),
    }


def test_the_key_is_the_one_that_never_changes(start: Start) -> None:
    """Renaming and moving an entry leave its key as it was (`pitfalls.md` C17)."""
    server = start(ADA + folder(f"ou=elsewhere,{PEOPLE}"))
    source = source_for(server)
    (before,) = source.read(()).of(Kind.USER)

    server.modify(
        f"dn: cn=Ada,{PEOPLE}\nchangetype: modrdn\nnewrdn: cn=Countess\ndeleteoldrdn: 1\n"
        f"newsuperior: ou=elsewhere,{PEOPLE}\n"
    )
    (after,) = source.read(()).of(Kind.USER)

    assert after.identity == before.identity
    assert after.origin == f"cn=Countess,ou=elsewhere,{PEOPLE}"


def test_an_entry_that_two_searches_find_counts_once(start: Start) -> None:
    """Overlapping searches make nobody twice, and reject nobody."""
    server = start(ADA + BOB)
    users = [{"base": PEOPLE}, {"base": SUFFIX, "filter": "(mail=*)"}, {"base": f"cn=Ada,{PEOPLE}", "scope": "base"}]

    snapshot = source_for(server, users=users).read(())

    assert [user.attributes["uid"] for user in snapshot.of(Kind.USER)] == [("ada",), ("bob",)]
    assert snapshot.rejections == ()


def test_two_entries_with_one_key_are_both_rejected(start: Start) -> None:
    """Where the key isn't the server's own, nobody guesses which entry is meant."""
    server = start(ADA + person(f"cn=Other,{PEOPLE}", "ada") + BOB)

    snapshot = source_for(server, key="uid").read([user_key("ada")])

    assert [user.identity for user in snapshot.of(Kind.USER)] == ["bob"]
    assert {rejection.key for rejection in snapshot.rejections} == {user_key("ada")}
    assert sorted(rejection.origin for rejection in snapshot.rejections) == [f"cn=Ada,{PEOPLE}", f"cn=Other,{PEOPLE}"]
    assert snapshot.absences == {}


def test_an_entry_moved_between_two_searches_is_one(start: Start) -> None:
    """The server's own key tells that both are the same; the later name is right."""
    first, second = f"ou=a,{PEOPLE}", f"ou=b,{PEOPLE}"
    server = start(folder(first) + folder(second) + person(f"cn=Ada,{first}", "ada"))
    move = f"dn: cn=Ada,{first}\nchangetype: modrdn\nnewrdn: cn=Ada\ndeleteoldrdn: 0\nnewsuperior: {second}\n"

    source = source_for(
        server, users=[{"base": first}, {"base": second}], before=1, happens=lambda: server.modify(move)
    )
    snapshot = source.read(())

    assert [user.origin for user in snapshot.of(Kind.USER)] == [f"cn=Ada,{second}"]
    assert snapshot.rejections == ()


def test_an_entry_that_moved_past_both_searches_is_read_all_the_same(start: Start) -> None:
    """Whom both searches missed since they moved meanwhile isn't missing: they are looked up by key."""
    first, second = f"ou=a,{PEOPLE}", f"ou=b,{PEOPLE}"
    server = start(folder(first) + folder(second) + person(f"cn=Ada,{second}", "ada"))
    users = [{"base": first}, {"base": second}]
    (ada,) = source_for(server, users=users).read(()).of(Kind.USER)
    move = f"dn: cn=Ada,{second}\nchangetype: modrdn\nnewrdn: cn=Ada\ndeleteoldrdn: 0\nnewsuperior: {first}\n"

    source = source_for(server, users=users, before=1, happens=lambda: server.modify(move))
    snapshot = source.read([user_key(ada.identity)])

    assert [user.origin for user in snapshot.of(Kind.USER)] == [f"cn=Ada,{first}"]
    assert snapshot.absences == {}


def test_an_entry_without_key_is_a_rejection_that_says_what_to_do(start: Start) -> None:
    """Its name and the attribute are told."""
    server = start(ADA + BOB.replace("sn: Bob", "sn: Bob\nemployeeNumber: 2"))

    snapshot = source_for(server, key="employeeNumber").read(())

    assert [user.identity for user in snapshot.of(Kind.USER)] == ["2"]
    (rejection,) = snapshot.rejections
    assert rejection.key is None
    assert str(rejection).startswith(f"cn=Ada,{PEOPLE}: it has no key: employeeNumber is not there or not visible")


def test_a_key_that_nobody_has_is_a_wrong_setting(start: Start) -> None:
    """One sentence instead of a rejection for everyone."""
    server = start("".join(person(f"cn=p{number},{PEOPLE}", f"p{number}") for number in range(12)))

    with pytest.raises(SourceIncomplete, match=r"none of the 12 users .* has a usable key 'employeeNumber'") as told:
        source_for(server, key="employeeNumber").read(())
    assert "the key is entryUUID" in told.value.hint


def test_a_base_that_is_not_there_is_no_empty_directory(start: Start) -> None:
    """A mistyped base removes nobody."""
    server = start(ADA)

    with pytest.raises(SourceIncomplete, match="the base ou=nobody"):
        source_for(server, users=[{"base": f"ou=nobody,{SUFFIX}"}]).read(())


def test_a_missing_canary_is_an_incomplete_read(start: Start) -> None:
    """An entry that must be visible, and is not: others may be hidden too."""
    server = start(ADA)
    canary = f"cn=Ada,{PEOPLE}"
    assert source_for(server, canaries=[canary]).read(()).of(Kind.USER)

    server.modify(f"dn: {canary}\nchangetype: delete\n")

    with pytest.raises(SourceIncomplete, match="the canary cn=Ada"):
        source_for(server, canaries=[canary]).read(())


@pytest.mark.parametrize("before", [0, 1])
def test_an_account_that_loses_its_rights_reads_no_empty_directory(start: Start, before: int) -> None:
    """The server says success and shows nothing: before the users are read, or before the groups (`pitfalls.md` A3)."""
    readers = f"cn=readers,{SUFFIX}"
    server = start(
        ADA + BOB + record(readers, "groupOfNames", member=[f"cn=reader,{SUFFIX}", f"cn=root,{SUFFIX}"]),
        access=(
            "access to attrs=userPassword by anonymous auth",
            f'access to * by group.exact="{readers}" read by * auth',
        ),
    )
    assert source_for(server).read(()).of(Kind.USER)
    lose_rights = f"dn: {readers}\nchangetype: modify\ndelete: member\nmember: cn=reader,{SUFFIX}\n"

    with pytest.raises(SourceIncomplete):
        source_for(server, before=before, happens=lambda: server.modify(lose_rights)).read(())
    with pytest.raises(SourceIncomplete, match=f"the base {PEOPLE}"):
        source_for(server).read(())


def test_an_account_that_may_see_entries_but_not_the_base_is_told(start: Start) -> None:
    """Rights on the entries alone leave open whether there are more."""
    server = start(
        ADA,
        access=(
            "access to attrs=userPassword by anonymous auth",
            f'access to dn.exact="{PEOPLE}" by * none',
            "access to * by users read by * auth",
        ),
    )
    with pytest.raises(SourceIncomplete, match="not visible to syncd's account"):
        source_for(server).read(())


def test_disabled_accounts_say_so(start: Start) -> None:
    """What is usual for OpenLDAP: a permanent lock, an expired shadow account; not a lock-out."""
    shadow = {"shadowExpire": "1"}
    locked = person(f"cn=Locked,{PEOPLE}", "locked")
    out = person(f"cn=Out,{PEOPLE}", "out")
    expired = record(f"cn=Old,{PEOPLE}", "inetOrgPerson", "shadowAccount", uid="old", sn="Old", **shadow)
    server = start(ADA + locked + out + expired, overlays=("ppolicy",))
    for name, value in (("Locked", "000001010000Z"), ("Out", "20260302075900Z")):
        server.modify(
            f"dn: cn={name},{PEOPLE}\nchangetype: modify\nreplace: pwdAccountLockedTime\n"
            f"pwdAccountLockedTime: {value}\n"
        )

    users = source_for(server).read(()).of(Kind.USER)

    said = {user.attributes["uid"][0]: user.attributes["disabled"][0] for user in users}
    assert said == {"ada": "false", "locked": "true", "out": "false", "old": "true"}


def test_a_filter_is_sent_as_it_was_understood(start: Start) -> None:
    """Values with special characters find whom they mean."""
    server = start(person(f"cn=Star,{PEOPLE}", "star", description="a*(b)\\") + ADA)
    users = [{"base": PEOPLE, "filter": r"( & (objectClass=person) (description=a\2a\28b\29\5c) )"}]

    assert [user.attributes["uid"] for user in source_for(server, users=users).read(()).of(Kind.USER)] == [("star",)]


def test_the_name_is_no_key() -> None:
    """Whoever has it as key loses mailboxes with the first move: refused before anything is read."""
    with pytest.raises(ConfigurationError, match=r"use entryUUID \(OpenLDAP\)"):
        source_for(Slapd(folder=Path("nowhere"), port=1), key="dn")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"users": [{"base": "people"}]}, "no distinguished name: a = is missing behind 'people' at character 7"),
        ({"users": [{"base": PEOPLE, "filter": "(a=1"}]}, "no filter: a .* never closed at character 1"),
        ({"canaries": ["postmaster"]}, "no distinguished name"),
        ({"users": []}, "at least 1 item"),
        ({"groups": [{"base": GROUPS, "members": "not a name"}]}, "match pattern"),
    ],
)
def test_wrong_settings_are_told_before_any_server_is_asked(changes: dict[str, object], told: str) -> None:
    """Names and filters are read when the configuration is."""
    said = {
        "type": "ldap",
        "servers": ["ldaps://dc1.corp.example"],
        "bind": {"method": "anonymous"},
        "users": [{"base": PEOPLE}],
    }
    with pytest.raises(ValueError, match=told):
        LdapSettings.model_validate({**said, **changes})
