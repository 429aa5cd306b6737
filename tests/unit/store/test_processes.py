"""Several processes and threads on one store, and what a killed one leaves."""

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from syncd.model.detail import ALIASES
from syncd.model.names import EntityId
from syncd.store.store import OrganizationStore, Store
from syncd.workmail.pages import PAGES
from tests.builders import ORGANIZATION_ID, binding, operation
from tests.fakes.clock import FakeClock

WRITER = Path(__file__).with_name("writer.py")
ROOT = WRITER.parents[3]
MANY = 5000


def written(ours: OrganizationStore) -> tuple[set[int], set[int], set[int]]:
    """The numbers that have an intent, those that have a binding, and those whose details are gone."""
    details, _ = ours.details.load(valid=PAGES.details)
    intents = {int(each.subject.partition(":")[2]) for each in ours.history.operations_in("c1")}
    bound = {int(key.partition(":")[2]) for key in ours.memory.load().bindings}
    gone = {number for number in range(MANY) if EntityId(f"id-{number}") not in details.of(ALIASES)}
    return intents, bound, gone


@pytest.mark.parametrize("after", [1, 40, 200])
def test_a_killed_writer_leaves_nothing_half(after: int, opened: Callable[[], Store], clock: FakeClock) -> None:
    """SIGKILL among intents: each is there with its binding and without its details, or not at all."""
    store = opened()
    ours = store.organization(ORGANIZATION_ID)
    rows = [("aliases", EntityId(f"id-{number}"), frozenset[str]()) for number in range(MANY)]
    ours.details.keep(rows, read_at=clock.now())

    command = [sys.executable, "-u", str(WRITER), str(store.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}) as process:
        assert process.stdout is not None
        said = [int(process.stdout.readline()) for _ in range(after)]
        process.kill()
        said += [int(line) for line in process.stdout.read().split()]

    intents, bound, gone = written(opened().organization(ORGANIZATION_ID))
    assert intents == bound == gone
    assert intents >= set(said)
    assert intents == set(range(len(intents)))


def test_a_killed_writer_leaves_a_usable_store(opened: Callable[[], Store]) -> None:
    """After SIGKILL the next process takes the lock and writes, without any repair."""
    store = opened()
    command = [sys.executable, "-u", str(WRITER), str(store.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.kill()

    ours = store.organization(ORGANIZATION_ID)
    with ours.lock.held("sync"):
        ours.memory.bind(binding("user:leela"))

    assert ours.memory.binding(binding("user:leela").key) == binding("user:leela")


def test_readers_and_writers_don_t_stop_each_other(opened: Callable[[], Store]) -> None:
    """While one process writes, another reads whole states and writes its own: no error, nothing lost."""
    store = opened()
    ours, others = store.organization(ORGANIZATION_ID), store.organization("m-2")
    command = [sys.executable, "-u", str(WRITER), str(store.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}) as process:
        assert process.stdout is not None
        process.stdout.readline()
        for number in range(10):
            others.memory.bind(binding(f"user:{number}"))
            intents, bound, _ = written(ours)
            assert bound >= intents  # read one after the other, while the second grows
        assert process.poll() is None
        process.kill()

    assert len(others.memory.load().bindings) == 10


def test_threads_share_a_store(ours: OrganizationStore) -> None:
    """Eight workers record their intents at once: all are there, each once."""
    journal = ours.journal("c1")

    def record(number: int) -> None:
        change = operation("alias.add", f"user:{number}")
        journal.intend(change, change.call, binding=binding(f"user:{number}"))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(record, range(100)))

    assert len(ours.history.operations_in("c1")) == 100
    assert len(ours.memory.load().bindings) == 100
