"""What became of somebody who is not in the directory any more."""

from collections.abc import Callable
from typing import Any

import pytest

from syncd.errors import SourceUnreachable
from syncd.model.entry import Absence
from syncd.model.names import Kind, group_key, user_key
from syncd.model.needs import Needs
from syncd.sources.ldap.settings import LdapSettings
from syncd.sources.ldap.source import LdapSource
from tests.fakes.clock import FakeClock
from tests.fakes.ldap_session import FakeSession, raw
from tests.fakes.ldif import folder, person, record
from tests.fakes.slapd import SUFFIX, Slapd, skip_without_slapd
from tests.unit.sources.ldap_upper.conftest import GROUPS, PEOPLE, source_for

LEAVERS = f"ou=leavers,{SUFFIX}"


@skip_without_slapd
def test_moved_disabled_and_gone_are_three_words(start: Callable[..., Slapd]) -> None:
    """Each is looked up by key, outside the base and the filter."""
    server = start(
        folder(LEAVERS)
        + "".join(person(f"cn={name},{PEOPLE}", name) for name in ("here", "moved", "locked", "gone", "other"))
        + record(f"cn=crew,{GROUPS}", "groupOfNames", member=f"cn=here,{PEOPLE}"),
        overlays=("ppolicy",),
    )
    everybody = source_for(server).read(())
    keys = {user.attributes["uid"][0]: user_key(user.identity) for user in everybody.of(Kind.USER)}
    crew = group_key(everybody.of(Kind.GROUP)[0].identity)
    for name in ("moved", "locked"):
        server.modify(
            f"dn: cn={name},{PEOPLE}\nchangetype: modrdn\nnewrdn: cn={name}\ndeleteoldrdn: 0\nnewsuperior: {LEAVERS}\n"
        )
    server.modify(
        f"dn: cn=locked,{LEAVERS}\nchangetype: modify\nreplace: pwdAccountLockedTime\n"
        "pwdAccountLockedTime: 000001010000Z\n\n"
        f"dn: cn=gone,{PEOPLE}\nchangetype: delete\n\ndn: cn=crew,{GROUPS}\nchangetype: delete\n\n"
        f"dn: cn=other,{PEOPLE}\nchangetype: modify\nreplace: mail\nmail: not@corp.example\n"
    )
    users = [{"base": PEOPLE, "filter": "(&(objectClass=inetOrgPerson)(!(mail=not@corp.example)))"}]

    snapshot = source_for(server, users=users).read([*keys.values(), crew])

    assert [user.attributes["uid"] for user in snapshot.of(Kind.USER)] == [("here",)]
    assert snapshot.absences == {
        keys["moved"]: Absence.MOVED,
        keys["locked"]: Absence.DISABLED,
        keys["gone"]: Absence.GONE,
        keys["other"]: Absence.MOVED,
        crew: Absence.GONE,
    }


@skip_without_slapd
@pytest.mark.parametrize(("right", "absence"), [("none", None), ("auth", Absence.NOT_VISIBLE)])
def test_who_sees_only_a_part_of_the_tree_calls_nobody_gone(
    start: Callable[..., Slapd], right: str, absence: Absence | None
) -> None:
    """They may have been moved to where we see nothing."""
    server = start(
        person(f"cn=here,{PEOPLE}", "here"),
        access=(
            "access to attrs=userPassword by anonymous auth",
            f'access to dn.subtree="{PEOPLE}" by users read by * auth',
            f'access to dn.subtree="{GROUPS}" by users read by * auth',
            f"access to * by * {right}",
        ),
    )
    unknown = user_key("6003e0ae-7b64-1041-8a14-9fcd1449b840")

    assert source_for(server).read([unknown]).absences.get(unknown) is absence


def _source(session: FakeSession, *, key: str = "uid") -> LdapSource:
    settings = LdapSettings.model_validate(
        {
            "type": "ldap",
            "servers": ["ldaps://dc1.corp.example"],
            "bind": {"method": "anonymous"},
            "flavor": "openldap",
            "users": [{"base": PEOPLE, "filter": "(objectClass=*)", "scope": "one"}],
        }
    )
    return LdapSource(settings, needs={Kind.USER: Needs(key=key)}, clock=FakeClock(), connect=session.open)


def _session(**options: Any) -> FakeSession:  # noqa: ANN401 - the fields of a FakeSession
    entries = [raw(SUFFIX), raw(PEOPLE), raw(f"cn=ada,{PEOPLE}", uid="ada")]
    return FakeSession(entries=entries, root_dse={"namingContexts": (SUFFIX.encode(),)}, **options)


def test_without_the_right_to_look_nobody_is_missing() -> None:
    """Insufficient access rights (50) is not visible to us, which never counts."""
    snapshot = _source(_session(refuses={"uid=bob": 50})).read([user_key("bob")])
    assert snapshot.absences == {user_key("bob"): Absence.NOT_VISIBLE}


@pytest.mark.parametrize("code", [3, 4, 11, 51, 53, 80])
def test_a_look_up_that_fails_tells_nothing(code: int) -> None:
    """The read is complete all the same; they are simply missing."""
    snapshot = _source(_session(refuses={"uid=bob": code})).read([user_key("bob")])
    assert snapshot.absences == {}
    assert [user.identity for user in snapshot.of(Kind.USER)] == ["ada"]


def test_who_is_there_is_not_looked_up() -> None:
    """A read of a directory from which nobody left asks no more than the searches."""
    session = _session()
    _source(session).read([user_key("ada"), group_key("crew")])
    assert [question for question in session.asked if question[1]] == [(PEOPLE, "(objectClass=*)")]


def test_many_leavers_are_looked_up_in_few_searches() -> None:
    """A hundred keys in one search; beyond some thousands they are simply missing."""
    session = _session()
    snapshot = _source(session).read([user_key(f"u{number}") for number in range(5000)])
    assert len([question for question in session.asked if question[1]]) == 1 + 20
    assert len(snapshot.absences) == 2000


def test_a_key_can_say_nothing_but_itself() -> None:
    """What a key contains can't widen the search for it."""
    session = _session()
    snapshot = _source(session).read([user_key("*"), user_key("a)(uid=*")])
    assert set(snapshot.absences.values()) == {Absence.GONE}
    assert len(snapshot.absences) == 2


def test_a_connection_that_breaks_anywhere_is_never_a_snapshot() -> None:
    """Cut after each message of a whole read, the look-ups of absent ones among them: an error, every time."""
    known = [user_key("ada"), user_key("gone"), user_key("moved")]
    elsewhere = raw(f"cn=moved,{LEAVERS}", uid="moved")
    for messages in range(1, 100):
        session = _session(breaks_after=messages)
        session.entries.append(elsewhere)
        try:
            snapshot = _source(session).read(known)
        except SourceUnreachable:
            continue
        assert snapshot.absences == {known[1]: Absence.GONE, known[2]: Absence.MOVED}
        assert messages > 5
        return
    pytest.fail("a whole read needs fewer messages")
