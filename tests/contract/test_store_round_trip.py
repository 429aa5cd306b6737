"""Whatever is written comes back equal."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.model.detail import ALIASES, MEMBERS, PROFILE, Details
from syncd.model.look import Look
from syncd.model.memory import Approval, Binding, Mark
from syncd.model.moments import Boot, Instant
from syncd.model.names import EntityId, Key, Kind
from syncd.planning.document import dumps, loads
from syncd.store.store import OrganizationStore, Store
from syncd.workmail.pages import PAGES, QUOTA
from tests.builders import known
from tests.fakes.clock import FakeClock

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
keys = st.builds(lambda kind, name: Key(f"{kind}:{name}"), st.sampled_from(["user", "group"]), texts)
ids = texts.filter(bool).map(EntityId)
zones = st.integers(-14, 14).map(lambda hours: timezone(timedelta(hours=hours)))
moments = st.datetimes(datetime(1970, 1, 2), datetime(9999, 12, 30), timezones=zones)  # noqa: DTZ001 - zones come from the strategy
bindings = st.builds(
    Binding,
    key=keys,
    entity=ids,
    source=texts,
    adopted=st.booleans(),
    since=moments,
    addresses=st.lists(texts, max_size=4).map(tuple),
    removed_at=st.none() | moments,
    look=st.none() | st.builds(Look, texts, texts, texts, texts),
)
spans = st.timedeltas(timedelta(0), timedelta(days=9_999))
boots = st.builds(Boot, id=texts, seconds=st.floats(0, 1e9))
instants = st.builds(Instant, wall=moments, boot=st.none() | boots, service=st.none() | moments)
marks = st.builds(
    Mark,
    key=keys,
    missing_since=st.none() | moments,
    missing_cycles=st.integers(0, 2**31),
    disabled_since=st.none() | moments,
    counted=spans,
    last=st.none() | instants,
    hole=st.none() | spans,
    anew=texts,
)
approvals = st.builds(
    Approval,
    digest=texts,
    operations=st.frozensets(texts, min_size=1, max_size=5),
    by=texts,
    expires_at=moments.filter(lambda moment: moment > FakeClock().now()),
)
details = st.builds(
    known,
    aliases=st.dictionaries(ids, st.frozensets(texts, max_size=4), max_size=4),
    profile=st.dictionaries(ids, st.dictionaries(texts, texts, max_size=4), max_size=4),
    quota=st.dictionaries(ids, st.integers(1, 51_200), max_size=4),
    members=st.dictionaries(ids, st.frozensets(ids, max_size=6), max_size=4),
)


Fresh = Callable[[], OrganizationStore]


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fresh]:
    """Give an organization of which nothing is stored yet, at each call."""
    path = tmp_path_factory.mktemp("store") / "syncd.db"
    numbers = count()
    with Store(
        path, clock=FakeClock(), encode=dumps, decode=partial(loads, pages=PAGES), details=PAGES.details
    ) as store:
        yield lambda: store.organization(f"m-{next(numbers)}")


@given(written=st.lists(bindings, max_size=4, unique_by=(lambda each: each.key, lambda each: each.entity)))
def test_bindings_come_back(fresh: Fresh, written: list[Binding]) -> None:
    """Every binding comes back equal, its moments aware and in UTC."""
    ours = fresh()
    for each in written:
        ours.memory.bind(each)

    found = ours.memory.load().bindings

    assert found == {each.key: each for each in written}
    assert {each.since.tzinfo for each in found.values()} <= {UTC}


@given(
    written=st.lists(marks, max_size=4, unique_by=lambda each: each.key),
    counts=st.dictionaries(st.sampled_from(Kind), st.integers(0, 2**31)),
)
def test_marks_and_counts_come_back(fresh: Fresh, written: list[Mark], counts: dict[Kind, int]) -> None:
    """Every mark and every count comes back equal."""
    by_key = {each.key: each for each in written}
    ours = fresh()
    ours.memory.record_marks({key: Mark(key=key) for key in by_key}, {})
    ours.memory.record_marks(by_key, counts)

    memory = ours.memory.load()

    assert (memory.marks, memory.counts) == (by_key, counts)


@given(written=st.lists(approvals, max_size=3))
def test_approvals_come_back(fresh: Fresh, written: list[Approval]) -> None:
    """Every approval that hasn't expired comes back equal, in the order in which they were given."""
    ours = fresh()
    for each in written:
        ours.decisions.approve(each)

    assert ours.memory.load().approvals == tuple(written)


@given(written=details, read_at=moments)
def test_details_come_back(fresh: Fresh, written: Details, read_at: datetime) -> None:
    """Every detail comes back equal, with the moment at which it was read."""
    rows = [
        *(("aliases", entity, value) for entity, value in written.of(ALIASES).items()),
        *(("profile", entity, value) for entity, value in written.of(PROFILE).items()),
        *(("members", entity, value) for entity, value in written.of(MEMBERS).items()),
        *(("quota", entity, value) for entity, value in written.of(QUOTA).items()),
    ]
    ours = fresh()
    ours.details.keep(rows, read_at=read_at)

    found, times = ours.details.load(valid=PAGES.details)

    assert found == written
    assert times == {
        "aliases": dict.fromkeys(written.of(ALIASES), read_at),
        "profile": dict.fromkeys(written.of(PROFILE), read_at),
        "members": dict.fromkeys(written.of(MEMBERS), read_at),
        "quota": dict.fromkeys(written.of(QUOTA), read_at),
    }
