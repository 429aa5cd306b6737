"""A store in a file of its own, with a clock that stands still."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from syncd.planning.document import dumps, loads
from syncd.store.store import OrganizationStore, Store
from syncd.workmail.pages import PAGES
from tests.builders import ORGANIZATION_ID
from tests.fakes.clock import FakeClock

Opener = Callable[[], Store]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "syncd.db"


@pytest.fixture
def opened(path: Path, clock: FakeClock) -> Iterator[Opener]:
    """Open the store, as often as a test wants; all are closed at its end."""
    stores: list[Store] = []

    def open_it() -> Store:
        stores.append(Store(path, clock=clock, encode=dumps, decode=partial(loads, pages=PAGES), details=PAGES.details))
        return stores[-1]

    yield open_it
    for store in stores:
        store.close()


@pytest.fixture
def store(opened: Opener) -> Store:
    return opened()


@pytest.fixture
def ours(store: Store) -> OrganizationStore:
    """What is stored of our organization."""
    return store.organization(ORGANIZATION_ID)
