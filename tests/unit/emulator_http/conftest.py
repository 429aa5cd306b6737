"""A served emulator, and a plain HTTP client of it."""

from collections.abc import Iterator

import httpx
import pytest

from syncd.emulator import Emulator
from syncd.emulator.server import EmulatorServer


@pytest.fixture(scope="module")
def running() -> Iterator[EmulatorServer]:
    with EmulatorServer(Emulator()) as server:
        yield server


@pytest.fixture
def server(running: EmulatorServer) -> EmulatorServer:
    """A server without organizations, faults and counts."""
    running.service.set_rules(())
    running.emulator.load(Emulator().snapshot())
    running.log.reset()
    return running


@pytest.fixture
def http(server: EmulatorServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.endpoint_url, timeout=10) as client:
        yield client
