"""Snapshots, threads and size."""

import json
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from syncd.emulator import DirectoryKind, Emulator, Switches
from tests.fakes.steps import steps
from tests.unit.emulator.checked import DOMAIN, Checked
from tests.unit.emulator.populated import OPERATIONS, Populated

USERS, GROUPS = 20_000, 200


def copied(state: dict[str, object]) -> dict[str, object]:
    copy: dict[str, object] = json.loads(json.dumps(state))
    return copy


@pytest.fixture
def populated() -> Populated:
    """An organization in which something of everything happened."""
    populated = Populated()
    populated.deleted_user("zapp")
    gone = populated.user("kif", f"kif@{DOMAIN}", Role="REMOTE_USER", FirstName="Kif")
    populated("DeregisterFromWorkMail", EntityId=gone)
    populated("UpdateMailboxQuota", UserId=populated.fry, MailboxQuota=7)
    populated("UpdateResource", ResourceId=populated.ship, BookingOptions={}, Description="green")
    populated("CreateOrganization", Alias="mom", ClientToken="t1")
    populated.switch(reuse_names=False, reuse_addresses=False, deleted_members="kept")
    populated("AssociateMemberToGroup", GroupId=populated.crew, MemberId=populated.leela)
    populated("DeregisterFromWorkMail", EntityId=populated.leela)
    populated("DeleteUser", UserId=populated.leela)
    populated.switch()
    return populated


def test_a_snapshot_is_json_and_comes_back_whole(populated: Populated) -> None:
    """What was written, read and written again is the same."""
    state = copied(populated.emulator.snapshot())
    other = Emulator()
    other.load(state)
    assert other.snapshot() == state


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_loaded_emulator_answers_as_before(operation: str) -> None:
    """Each operation answers the same, and leaves the same, in an emulator that was loaded."""
    first, second = Populated(), Populated()
    second.emulator.load(copied(first.emulator.snapshot()))
    params = first.params(operation)
    assert first(operation, **params) == second(operation, **params)
    assert first.emulator.snapshot() == second.emulator.snapshot()


def test_names_and_addresses_of_ghosts_come_back(populated: Populated) -> None:
    """What a DELETED entity still holds is held after loading too, and forgotten in time."""
    populated.emulator.load(copied(populated.emulator.snapshot()))
    assert populated.refused("CreateGroup", Name="leela") == "NameAvailability"
    taken = {"EntityId": populated.lars, "Email": f"leela@{DOMAIN}"}
    assert populated.refused("RegisterToWorkMail", **taken) == "EmailAddressInUse"
    assert populated.members(populated.crew) == {"fry": "ENABLED", "leela": "DELETED"}
    populated.now += populated.emulator.switches.ghost_s
    assert populated.members(populated.crew) == {"fry": "ENABLED"}
    assert populated.group("leela", f"leela@{DOMAIN}")


def test_loading_replaces_everything(populated: Populated) -> None:
    """Nothing of the state before is left."""
    populated.emulator.load(Emulator().snapshot())
    assert populated.all("ListOrganizations", "OrganizationSummaries") == []
    assert populated.refused("DescribeOrganization") == "OrganizationNotFound"


def test_a_document_of_another_version_is_refused(populated: Populated) -> None:
    """It is refused with a sentence, and nothing is lost."""
    before = populated.emulator.snapshot()
    with pytest.raises(ValueError, match="version 1, the document has 99"):
        populated.emulator.load({**before, "version": 99})
    assert populated.emulator.snapshot() == before


def test_a_broken_document_changes_nothing(populated: Populated) -> None:
    """A document that breaks off in the middle leaves the emulator as it was."""
    before = populated.emulator.snapshot()
    broken = copied(before)
    assert isinstance(broken["organizations"], list)
    broken["organizations"][-1]["users"] = [{"id": "x"}]
    with pytest.raises(KeyError):
        populated.emulator.load(broken)
    assert populated.emulator.snapshot() == before


def test_directories_come_back() -> None:
    """The kind of directory is part of the state."""
    org = Checked(directory=DirectoryKind.AD_CONNECTOR)
    org.emulator.load(copied(org.emulator.snapshot()))
    assert org.refused("CreateUser", Name="fry", DisplayName="Fry") == "UnsupportedOperation"


def test_many_threads_may_call() -> None:
    """Calls from several threads lose nothing: every creation is there, with its address."""
    org = Checked()

    def create(number: int) -> None:
        org.user(f"user{number}", f"u{number}@{DOMAIN}")

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(create, range(400)))
    finally:
        sys.setswitchinterval(before)
    assert len(org.user_names(State="ENABLED")) == 400


def of_size(users: int, groups: int, members: int) -> dict[str, object]:
    """Write a state of *users* users with eight fields, and groups with so many members each."""
    emulator = Emulator()
    emulator.create_organization(alias="px", domains=[DOMAIN])
    state = copied(emulator.snapshot())
    assert isinstance(state["organizations"], list)
    organization = state["organizations"][0]
    ids = [f"00000000-0000-4000-8000-{number:012}" for number in range(users)]
    organization["users"] += [
        {
            "id": user_id,
            "name": f"user{number}",
            "state": "ENABLED",
            "email": f"user{number}@{DOMAIN}",
            "enabled": 1.0,
            "display_name": f"User {number}",
            "department": f"Department {number % 50}",
            "city": f"City {number % 100}",
        }
        for number, user_id in enumerate(ids)
    ]
    organization["groups"] = [
        {
            "id": f"10000000-0000-4000-8000-{number:012}",
            "name": f"group {number}",
            "state": "ENABLED",
            "email": f"group{number}@{DOMAIN}",
            "members": [ids[(number * 7 + step * 13) % users] for step in range(members)],
        }
        for number in range(groups)
    ]
    return state


def test_size_does_not_slow_a_call() -> None:
    """Among twenty thousand users, a description and a page of a list take the steps that they take among twenty."""

    def taken(users: int, groups: int) -> tuple[int, int]:
        emulator = Emulator(switches=Switches(users_limit=None))
        emulator.load(of_size(users, groups, 0))
        organization = emulator.call("ListOrganizations", {})["OrganizationSummaries"]
        assert isinstance(organization, list)
        here = {"OrganizationId": organization[0]["OrganizationId"]}
        emulator.call("ListUsers", {**here, "MaxResults": 1})
        return (
            steps(lambda: emulator.call("DescribeUser", {**here, "UserId": "user7"})),
            steps(lambda: emulator.call("ListUsers", {**here, "MaxResults": 1})),
        )

    few, many = taken(20, 1), taken(USERS, GROUPS)
    assert min(few) > 0
    assert many[0] < 2 * few[0]
    assert many[1] < 2 * few[1]


def test_loaded_memberships_can_be_read_both_ways() -> None:
    """The groups of a member are rebuilt from the members of the groups."""
    org = Checked()
    org.emulator.load(of_size(200, 20, 50))
    crew = org("DescribeGroup", GroupId=f"group3@{DOMAIN}")["GroupId"]
    member = org.all("ListGroupMembers", "Members", GroupId=crew)[0]["Id"]
    groups = org.all("ListGroupsForEntity", "Groups", EntityId=member)
    assert crew in [group["GroupId"] for group in groups]
    assert len(org.all("ListGroupMembers", "Members", GroupId=crew)) == 50
