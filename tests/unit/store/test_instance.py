"""Whose store it is."""

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from syncd.errors import Locked, OtherInstance
from syncd.planning.document import dumps, loads
from syncd.store.examination import examine
from syncd.store.instance import instance_name
from syncd.store.store import Store
from syncd.workmail.pages import PAGES
from tests.builders import ORGANIZATION_ID
from tests.fakes.clock import FakeClock

Opened = Callable[[str], Store]


@pytest.fixture
def opened(path: Path) -> Opened:
    return lambda name: Store(
        path,
        clock=FakeClock(),
        encode=dumps,
        decode=partial(loads, pages=PAGES),
        details=PAGES.details,
        instance=name,
    )


def works(store: Store) -> None:
    """A cycle takes the lock."""
    with store, store.organization(ORGANIZATION_ID).lock.held("sync"):
        pass


def test_a_copy_on_another_machine_is_refused(opened: Opened, path: Path) -> None:
    """Exit code 78 (nothing restarts it), both names, and the way out; the lock is free again, nothing was written."""
    works(opened("one"))
    works(opened("one"))
    before = path.read_bytes()

    with pytest.raises(OtherInstance) as caught:
        works(opened("two"))

    assert caught.value.exit_code == 78
    assert "'one'" in caught.value.message
    assert "'two'" in caught.value.message
    assert "syncd store accept" in caught.value.hint
    assert path.read_bytes() == before
    works(opened("one"))


def test_what_only_tells_still_answers(opened: Opened) -> None:
    """History, memory and plans can be looked at by anybody."""
    works(opened("one"))
    with opened("two") as store:
        ours = store.organization(ORGANIZATION_ID)
        assert ours.history.cycles(1) == ()
        assert ours.memory.load().bindings == {}
        assert store.owner() == "one"


def test_accepting_takes_the_store_over(opened: Opened) -> None:
    """From then on the other one is refused."""
    works(opened("one"))
    with opened("two") as store:
        assert store.accept() == "one"
    works(opened("two"))

    with pytest.raises(OtherInstance):
        works(opened("one"))


def test_somebody_who_works_comes_first(opened: Opened) -> None:
    """Who holds the organization is named before whose the store is."""
    with opened("one") as store, store.organization(ORGANIZATION_ID).lock.held("run"), pytest.raises(Locked):
        works(opened("two"))


def test_a_store_of_nobody_is_taken_in_silence(opened: Opened) -> None:
    """By the first cycle of who has a name; who has none works with it, and takes nothing."""
    works(opened(""))
    with opened("") as store:
        assert store.owner() == ""
    works(opened("one"))
    works(opened(""))
    with opened("") as store:
        assert store.owner() == "one"


def test_a_backup_belongs_to_the_same(opened: Opened, path: Path) -> None:
    """A copy that is put back on its own machine works; on another one it asks."""
    works(opened("one"))
    copy = path.with_name("copy.db")
    with opened("one") as store:
        store.back_up(copy)
    shutil.move(copy, path)

    works(opened("one"))
    with pytest.raises(OtherInstance):
        works(opened("two"))


def test_the_name_is_configured_or_made_of_the_machine(tmp_path: Path) -> None:
    """The machine's id itself shows nowhere; an empty, missing or uninitialized one is none."""
    machine = tmp_path / "machine-id"
    assert instance_name(None, machine) == ""
    for nothing in ("", "\n", "uninitialized\n"):
        machine.write_text(nothing, encoding="ascii")
        assert instance_name(None, machine) == ""
    machine.write_text("0123456789abcdef0123456789abcdef\n", encoding="ascii")
    name = instance_name(None, machine)

    assert name.startswith("machine ")
    assert "0123456789abcdef" not in name
    assert instance_name("mine", machine) == "mine"


def test_doctor_says_whose_it_is(opened: Opened, path: Path) -> None:
    """Before a cycle is refused."""
    works(opened("one"))

    found = {name: {check.topic: check for check in examine(path, instance=name)} for name in ("one", "two", "")}

    assert found["one"]["instance"].health.name == "OK"
    assert found["two"]["instance"].health.name == "FAIL"
    assert found[""]["instance"].health.name == "WARN"
