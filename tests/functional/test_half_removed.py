"""Who is half removed, as the commands tell it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncd.emulator.faults import ErrorAnswer, Fault
from tests.functional.places import PEOPLE, Site, planetexpress

BROKEN = Fault(operation="DeregisterFromWorkMail", error=ErrorAnswer(code="AccessDeniedException"))
NOW = "    removal: {after_cycles: 1, after: 0s}\n    guards: {removals: {minimum_population: 1, percent: 100}}\n"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Planet Express, from which Amy is missing; her removal is refused at its last step."""
    with planetexpress(tmp_path) as found:
        found.change("    mode: full\n", f"    mode: full\n{NOW}")
        assert found.syncd("sync").code == 0
        people = (found.folder / PEOPLE).read_text(encoding="utf-8").splitlines(keepends=True)
        found.write(PEOPLE, "".join(line for line in people if not line.startswith("amy")))
        found.faults(BROKEN)
        yield found


def test_every_command_names_the_half_removed(site: Site) -> None:
    """The cycle, `status` and `explain`, as text and as JSON, and the metrics of a run; until it is over."""
    synced = site.syncd("sync", "--format", "json", "--metrics-file", str(site.folder / "syncd.prom"))
    told = site.syncd("status"), site.syncd("explain", "amy")
    status, explained = site.json("status"), site.json("explain", "amy")
    metrics = (site.folder / "syncd.prom").read_text(encoding="utf-8")
    site.faults()
    over = [site.syncd("sync") for _ in range(2)][-1]

    assert synced.code == 4
    assert "1 entity is half removed: its removal began" in told[0].out
    assert "(user:amy): since " in told[0].out
    assert "is not over: what it took is given back" in told[1].out
    for text in (shown.out for shown in told):
        assert "the service refused it for good (AccessDeniedException)" in text
        assert "put the entry back in the directory" in text
    (half,) = status["half_removed"]
    assert (half["key"], half["next"]) == ("user:amy", "given back")
    assert explained["half_removed"] == half
    assert json.loads(synced.out)["half_removed"] == [half]
    assert 'syncd_half_removed_entities{organization="planetexpress"} 1.0' in metrics
    assert "half removed" not in over.out.casefold()
    assert "half removed" not in site.syncd("status").out.casefold()
    assert site.json("status")["half_removed"] == []
    assert site.json("explain", "amy")["half_removed"] is None
