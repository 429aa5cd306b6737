import json
from collections.abc import Callable
from typing import Any

import pytest

from syncd.errors import UsageError
from syncd.model.names import user_key
from syncd.model.operation import Call, Generated, Merged, Ref
from syncd.planning.document import dumps, from_document, loads, to_document
from syncd.workmail.pages import PAGES
from tests.builders import operation, plan

Document = dict[str, Any]
Edit = Callable[[Document], None]

CREATED = operation(
    "user.create",
    call=Call("CreateUser", {"Name": "fry", "Password": Generated("password"), "Manager": Ref(user_key("leela"))}),
    after={"name": "fry"},
    needs=frozenset({"b", "a"}),
)
UPDATED = operation("profile.update", call=Call("UpdateUser", {"*": Merged("DescribeUser")}), before={"city": "x"})


DIGEST = plan(CREATED, UPDATED).digest


def test_a_document_has_every_field_of_an_operation() -> None:
    """A reader of the JSON finds all that design.md section 5 lists, and why an operation is withheld."""
    document = to_document(plan(CREATED, withheld={CREATED.id: "guard removals: too many"}))

    assert list(document["operations"][0]) == [
        "id",
        "kind",
        "action",
        "subject",
        "entity",
        "bundle",
        "summary",
        "reason",
        "call",
        "effect",
        "before",
        "after",
        "awaits",
        "gives",
        "needs",
        "follows",
        "destructive",
        "proposal",
        "content",
        "withheld",
    ]
    assert document["operations"][0]["withheld"] == "guard removals: too many"


def test_placeholders_are_objects_of_one_member() -> None:
    """What is filled when a call is sent shows as such, and no secret enters."""
    document = to_document(plan(CREATED, UPDATED))

    assert document["operations"][0]["call"] == {
        "operation": "CreateUser",
        "parameters": {
            "Manager": {"$ref": "user:leela"},
            "Name": "fry",
            "Password": {"$generated": "password"},
        },
    }
    assert document["operations"][1]["call"]["parameters"] == {"*": {"$merged": "DescribeUser"}}


def test_times_are_rfc_3339_and_sets_sorted() -> None:
    """A time is written with Z, a set as a sorted list."""
    document = to_document(plan(CREATED))

    assert document["created_at"] == "2026-03-01T08:00:00Z"
    assert document["operations"][0]["needs"] == ["a", "b"]


def test_the_counts_are_those_of_the_plan() -> None:
    """A script reads the numbers of the last line from `counts`."""
    document = to_document(plan(CREATED, UPDATED, withheld={UPDATED.id: "guard"}, deferred={"alias.add": 3}))

    assert document["counts"] == {
        "add": 1,
        "change": 0,
        "remove": 0,
        "withheld": 1,
        "outside": 0,
        "deferred": 3,
        "pending": 0,
        "rejected": 0,
    }


def test_members_that_came_later_are_passed_over() -> None:
    """A document of a newer syncd, which only adds members, is still read."""
    document = to_document(plan(CREATED)) | {"weather": "fine"}
    document["operations"][0]["colour"] = "green"

    assert from_document(document, PAGES) == plan(CREATED)


def first(document: Document) -> Document:
    operation: Document = document["operations"][0]
    return operation


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda d: d.update(schema_version=2), "schema_version is 2, this syncd reads 1"),
        (lambda d: d.pop("schema_version"), 'the document lacks "schema_version"'),
        (lambda d: d.pop("digest"), 'the document lacks "digest"'),
        (lambda d: d.update(digest="0" * 64), f"digest was edited: it says '{'0' * 64}'"),
        (lambda d: d.update(organization_id="m-other"), f"digest was edited: it says {DIGEST!r}"),
        (lambda d: d["operations"].pop(), "the content gives '"),
        (lambda d: d["counts"].update(add=5), "counts.add was edited: it says 5, the content gives 1"),
        (lambda d: first(d).update(withheld="because"), "operations[0].withheld was edited"),
        (lambda d: first(d).update(action="destroy"), "operations[0].action is 'destroy'; known are add, change"),
        (lambda d: first(d).update(destructive=1), "operations[0].destructive was edited"),
        (lambda d: first(d)["call"]["parameters"].update(Name=[]), "operations[0].call.parameters.Name is no value"),
        (lambda d: d.update(operations={}), "operations is an object, a list is needed"),
        (lambda d: d.update(created_at="yesterday"), "created_at is no time such as 2026-03-01T08:00:00Z"),
        (lambda d: d.update(created_at="2026-03-01T08:00:00"), "created_at is no time such as"),
        (lambda d: d.update(deferred={"alias.add": "3"}), "deferred.alias.add is a text, a whole number"),
        (lambda d: d.update(names=None), "names is null, an object is needed"),
    ],
)
def test_an_edited_document_is_refused(edit: Edit, said: str) -> None:
    """What differs is named with its path, and nothing is read."""
    document = json.loads(dumps(plan(CREATED, UPDATED)))
    edit(document)

    with pytest.raises(UsageError) as refusal:
        from_document(document, PAGES)

    assert said in refusal.value.message
    assert refusal.value.hint == "a stored plan is not edited by hand: plan again"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["after", "name"], "leela"),
        (["call", "parameters", "Name"], "leela"),
        (["call", "operation"], "DeleteUser"),
        (["entity"], "id-leela"),
        (["subject"], "user:leela"),
        (["kind"], "group.create"),
        (["id"], "0123456789abcdef"),
    ],
)
def test_another_operation_under_the_same_id_is_refused(path: list[str], value: str) -> None:
    """Neither its identity, nor what it does, can be changed in the file."""
    document = json.loads(dumps(plan(CREATED, UPDATED)))
    *parents, last = path
    place = first(document)
    for name in parents:
        place = place[name]
    place[last] = value

    with pytest.raises(UsageError, match=r"operations\[0\].(id|content) was edited"):
        from_document(document, PAGES)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000, '{"schema_version": 1}'])
def test_what_is_no_plan_is_refused(text: str) -> None:
    """A truncated or foreign file is a usage error, not a crash."""
    with pytest.raises(UsageError, match="The plan document can't be used"):
        loads(text, PAGES)


def test_a_compact_document_is_one_line() -> None:
    """The store keeps a plan without indentation."""
    text = dumps(plan(CREATED), indent=None)

    assert text.count("\n") == 1
    assert loads(text, PAGES) == plan(CREATED)
