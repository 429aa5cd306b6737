import json
from pathlib import Path
from typing import Any

import pytest

from syncd.emulator import Emulator
from syncd.emulator.documents import read_document
from syncd.emulator.seed import plant
from syncd.errors import ConfigurationError

DOMAIN = "planetexpress.example"
COMPANY: dict[str, Any] = {
    "alias": "planetexpress",
    "domains": [DOMAIN],
    "organization_id": "m-" + 32 * "1",
    "users": [
        {
            "Name": "fry",
            "DisplayName": "Philip J. Fry",
            "FirstName": "Philip",
            "JobTitle": "Delivery boy",
            "Email": f"fry@{DOMAIN}",
            "Aliases": [f"philip@{DOMAIN}"],
        },
        {"Name": "scruffy", "DisplayName": "Scruffy"},
    ],
    "groups": [
        {"Name": "staff", "Email": f"staff@{DOMAIN}", "Members": ["crew"]},
        {"Name": "crew", "Email": f"crew@{DOMAIN}", "Members": ["fry"]},
    ],
    "resources": [{"Name": "ship", "Type": "EQUIPMENT", "Email": f"ship@{DOMAIN}", "Delegates": ["fry"]}],
}


def changed(kind: str, **members: object) -> dict[str, Any]:
    """The seed with other members for the first entity of a kind."""
    first, *others = COMPANY[kind]
    return {"organizations": [{**COMPANY, kind: [{**first, **members}, *others]}]}


def ask(emulator: Emulator, operation: str, **params: object) -> dict[str, Any]:
    return emulator.call(operation, {"OrganizationId": COMPANY["organization_id"], **params})


def test_a_seed_fills_an_organization() -> None:
    """People, groups and resources are there with attributes, addresses and members; no address: DISABLED."""
    emulator = Emulator()

    plant(emulator, {"organizations": [COMPANY]}, "seed.json")

    fry = ask(emulator, "DescribeUser", UserId="fry")
    assert (fry["State"], fry["Email"], fry["JobTitle"]) == ("ENABLED", f"fry@{DOMAIN}", "Delivery boy")
    aliases = ask(emulator, "ListAliases", EntityId=fry["UserId"])["Aliases"]
    assert sorted(aliases) == [f"fry@{DOMAIN}", f"philip@{DOMAIN}"]
    assert ask(emulator, "DescribeUser", UserId="scruffy")["State"] == "DISABLED"
    for group, member in (("staff", "crew"), ("crew", "fry")):
        members = ask(emulator, "ListGroupMembers", GroupId=group)["Members"]
        assert [found["Name"] for found in members] == [member]
    delegates = ask(emulator, "ListResourceDelegates", ResourceId="ship")["Delegates"]
    assert [delegate["Id"] for delegate in delegates] == [fry["UserId"]]


def test_a_snapshot_is_a_seed_too() -> None:
    """What an emulator gives as its snapshot fills another one."""
    first, second = Emulator(), Emulator()
    plant(first, {"organizations": [COMPANY]}, "seed.json")

    plant(second, json.loads(json.dumps(first.snapshot())), "snapshot.json")

    assert second.snapshot() == first.snapshot()


@pytest.mark.parametrize(
    ("seed", "complaint"),
    [
        (changed("users", Email="fry@momcorp.example"), "organizations[0].users[0]: MailDomainNotFoundException"),
        (changed("users", Aliases=["nonsense"]), "organizations[0].users[0]: InvalidParameterException"),
        (changed("users", Nme="fry"), "organizations[0].users[0]: InvalidParameterException"),
        (changed("groups", Members=["bender"]), "organizations[0].groups[0]: 'bender' is missing"),
        (changed("resources", Type="PLANET"), "organizations[0].resources[0]: InvalidParameterException"),
        ({"organizations": [{"users": []}]}, "organizations[0].alias"),
        ({"organizations": [{"alias": "a", "people": []}]}, "organizations[0].people: unknown member"),
        ({"organizations": [COMPANY, COMPANY]}, "organizations[1]: "),
        ({"organizations": [{"alias": "abc", "users": "fry"}]}, "organizations[0].users: Input should be a valid"),
        ({"organizations": [{"alias": "abc", "users": [{}]}]}, "organizations[0].users[0]: "),
        ({"organizations": "many"}, "seed.json: Input should be a valid array"),
        ({"company": []}, "seed.json: is no snapshot"),
    ],
)
def test_a_wrong_seed_is_refused(seed: dict[str, Any], complaint: str) -> None:
    """A seed that WorkMail can't hold is refused with the place in it and the reason."""
    with pytest.raises(ConfigurationError) as error:
        plant(Emulator(), seed, "seed.json")

    assert complaint in str(error.value)
    assert "seed.json" in str(error.value)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b'{"a": 1,}', "seed.json:1:9: is not JSON"),
        (b'{"a": 1, "a": 2}', "seed.json: has a name twice in one object: a"),
        (b'{"a": "\xe9"}', "seed.json: is not UTF-8 at byte 7"),
        (None, "seed.json: No such file or directory"),
    ],
    ids=["comma", "twice", "latin-1", "absent"],
)
def test_an_unreadable_document_says_where(tmp_path: Path, content: bytes | None, complaint: str) -> None:
    """A file that is no JSON, or isn't there, is refused with its name, the place and the reason."""
    path = tmp_path / "seed.json"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(ConfigurationError) as error:
        read_document(path)

    assert complaint in str(error.value)


def test_a_byte_order_mark_is_no_error(tmp_path: Path) -> None:
    """A JSON file as some editors write it, with a mark in front, is read."""
    path = tmp_path / "seed.json"
    path.write_bytes(b"\xef\xbb\xbf[]")

    assert read_document(path) == []
