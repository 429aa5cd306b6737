"""Who is behind a key, with real files, the real command and the real store."""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.functional.places import GROUPS, PEOPLE, Site, planetexpress

CREW = ("amy", "bender", "fry", "hermes", "leela", "professor", "zoidberg", "scruffy", "kif", "nibbler")


def people(ids: Iterable[object], *, column: str = "id", badges: Iterable[object] = range(900, 910)) -> str:
    """The crew, each with an id and a badge number."""
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow([column, "badge", "uid", "cn", "givenName", "sn", "mail", "employeeType", "ou", "displayName", "dn"])
    for name, identity, badge in zip(CREW, ids, badges, strict=True):
        title = name.title()
        rows.writerow(
            [
                identity,
                badge,
                name,
                f"{title} {name}son",
                title,
                f"{name}son",
                f"{name}@planetexpress.com",
                "",
                "",
                "",
                name,
            ]
        )
    return text.getvalue()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Planet Express, keyed by an id column; two of the crew are in the group `salaries`."""
    with planetexpress(tmp_path) as found:
        found.change("key: uid", "key: id")
        found.write(PEOPLE, people(range(10)))
        found.write(GROUPS, "cn,member\nsalaries,amy;fry\n")
        assert found.syncd("sync").code == 0
        yield found


def digest_of(text: str) -> str:
    found = re.search(r"syncd approve ([0-9a-f]{8})", text)
    assert found is not None, text
    return found[1]


def test_a_key_column_that_moved_is_asked_about_and_named(site: Site) -> None:
    """The badge numbers are others' ids: nothing is sent, and a yes changes no mailbox."""
    before = site.sent()
    site.write(PEOPLE, people(range(10), badges=[(n + 1) % 10 for n in range(10)]))
    site.change("key: id", "key: badge")

    synced = site.syncd("sync", "--metrics-file", str(site.folder / "syncd.prom"))
    status, explained = site.syncd("status"), site.syncd("explain", "3")
    metrics = (site.folder / "syncd.prom").read_text(encoding="utf-8")

    assert (synced.code, site.sent()) == (3, before)
    assert "let 10 keys follow the people who now have them" in synced.out
    assert "every mailbox then stays with its person" in " ".join(synced.out.split())
    assert "In doubt" in status.out
    assert site.json("status")["doubted"]
    assert "seen as Hermes hermesson (hermes, hermes@planetexpress.com)" in explained.out
    assert "is read under csv:badge: was Hermes hermesson" in explained.out
    assert 'syncd_doubted_identities{organization="planetexpress"} 10.0' in metrics
    assert site.syncd("approve", digest_of(synced.out)).code == 0
    assert site.syncd("sync").code == 0
    assert (site.syncd("sync").code, site.sent()) == (0, before)
    assert "entity" in site.syncd("explain", "4").out
    assert "seen as Hermes hermesson" in site.syncd("explain", "4").out


def test_a_renamed_column_is_one_question(site: Site) -> None:
    """The same values under another name: one line, one yes, and nobody is touched."""
    before = site.sent()
    site.write(PEOPLE, people(range(10), column="emp_no"))
    site.change("key: id", "key: emp_no")

    synced = site.syncd("sync")
    explained = site.syncd("explain", "3")

    assert (synced.code, site.sent()) == (3, before)
    assert "rebind 10 users and 1 group from csv:id to csv:emp_no" in synced.out
    assert "rebind 10 users" in explained.out
    assert site.syncd("approve", digest_of(synced.out)).code == 0
    assert (site.syncd("sync").code, site.sent()) == (0, before)
    assert "by csv:emp_no" in site.syncd("explain", "3").out
