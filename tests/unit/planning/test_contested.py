"""What somebody else changes back in the target."""

from datetime import timedelta

import pytest

from syncd.model.names import Key
from syncd.model.operation import Change, Operation
from syncd.model.standing import Standings
from syncd.planning.contested import Sent, contested, notes, places
from tests.builders import NOW, operation, plan, situation

TITLE = operation("profile.update", entity="id-fry", before={"title": "clerk"}, after={"title": "boy"})
JOIN = operation("member.add", "group:sales", entity="id-sales", after={"member": "fry"})
EXIT = operation("member.remove", "group:sales", entity="id-sales", before={"member": "fry"})
ALIAS = operation("alias.add", entity="id-fry", after={"alias": "fry@a.example"})
BACK = {"title": "clerk"}


def found(what: Operation, *sent: Change, ago: timedelta = timedelta(hours=1)) -> bool:
    made = plan(what)
    return bool(contested(made, situation(), dict.fromkeys(places(made), tuple((each, NOW - ago) for each in sent))))


@pytest.mark.parametrize("what", [TITLE, JOIN, ALIAS])
def test_the_third_time_is_contested(what: Operation) -> None:
    """We have set it, and twice again, and nothing else there in between: somebody has changed it back three times."""
    goal = what.after
    assert not found(what)
    assert not found(what, goal, goal)
    assert found(what, goal, goal, goal)
    assert found(what, BACK, goal, goal, goal)
    assert not found(what, goal, goal, goal, ago=timedelta(days=8))


def test_a_directory_that_changes_its_mind_is_not_contested() -> None:
    """In between we have set something else there: it is the directory that goes to and fro."""
    goal = TITLE.after
    assert not found(TITLE, goal, BACK, goal, BACK, goal)
    assert not found(TITLE, goal, goal, goal, BACK)


@pytest.mark.parametrize(
    "gives_up",
    [
        operation("alias.remove", entity="id-fry", before={"alias": "fry@a.example"}),
        operation(
            "address.park", entity="id-fry", before={"primary": "a"}, after={"primary": "syncd-parked"}, effect={}
        ),
    ],
)
def test_what_is_given_up_is_not_contested(gives_up: Operation) -> None:
    """Two people who swap their addresses to and fro give up the same alias each time: nobody changes that back."""
    assert places(plan(gives_up)) == frozenset()
    assert not found(gives_up, gives_up.after, gives_up.after, gives_up.after)


def test_a_way_and_its_way_back_are_one_place() -> None:
    """Setting a value from another one and back, adding a member and taking it out; other members are other places."""
    back = operation("profile.update", entity="id-fry", before={"title": "boy"}, after={"title": "clerk"})
    other = operation("member.add", "group:sales", entity="id-sales", after={"member": "leela"})
    assert TITLE.place == back.place
    assert JOIN.place == EXIT.place
    assert JOIN.place != other.place


def test_who_is_put_in_again_and_again_is_taken_out_and_told() -> None:
    """Taking somebody out of something is never held."""
    made = plan(EXIT)
    sent: Sent = dict.fromkeys(places(made), (({}, NOW),) * 3)
    assert not contested(made, situation(), sent)
    (note,) = notes(made, situation(), sent)
    assert "third time" in note.text


def test_a_state_is_contested_at_its_first_time() -> None:
    """Registering whom somebody has deregistered, and removing whom somebody has registered."""
    register = operation("register", entity="id-fry")
    leave = operation("deregister", "user:leela", entity="id-leela", bundle="removal:user:leela")
    standings = Standings(contested={Key("user:fry"): "by hand", Key("user:leela"): "by hand too"})
    texts = contested(plan(register, leave, TITLE), situation(standings=standings), {})
    assert texts == {register.id: "by hand", leave.id: "by hand too"}
