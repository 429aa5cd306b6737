"""How many series there are, and that no directory can make more."""

from datetime import timedelta
from itertools import pairwise

from prometheus_client import CollectorRegistry

from syncd.model.action import Action
from syncd.model.entry import Rejection
from syncd.model.names import Key, user_key
from syncd.model.operation import Operation, single
from syncd.model.plan import Finding, Note, Plan
from syncd.model.report import Outcome, Report, Result
from syncd.telemetry.metrics import Metrics
from syncd.telemetry.observer import MetricsObserver
from syncd.wiring import guard_names
from tests.builders import NOW, made_up, why_withheld
from tests.conftest import ROOT

#: What one organization has from the start, with the fourteen guards.
SERIES = 135
HOSTILE = ['"} 1\nup 0\n', "<script>", "\u202egnp.exe", "x" * 255, "ada@corp.example", "a\\b", ""]


def samples(registry: CollectorRegistry) -> set[tuple[str, tuple[tuple[str, str], ...]]]:
    return {
        (sample.name, tuple(sorted(sample.labels.items())))
        for family in registry.collect()
        for sample in family.samples
    }


def hostile_report(organization: str) -> Report:
    """A cycle over a directory in which everybody is called something nasty."""
    operations = tuple(
        Operation(
            verb=made_up(name),
            action=Action.ADD,
            subject=user_key(f"{name}{number}"),
            entity=None,
            bundle=single(name),
            effect={},
            summary=name,
            reason=name,
            call=None,
        )
        for number in range(200)
        for name in HOSTILE
    )
    texts = [f"{name}{number}" for number in range(200) for name in HOSTILE]
    plan = Plan(
        organization=organization,
        organization_id="m-1",
        created_at=NOW,
        operations=operations,
        deferred=dict.fromkeys(map(made_up, texts), 1),
        withheld=dict.fromkeys((each.id for each in operations), why_withheld("because")),
        findings=tuple(
            Finding(guard=g, counted=1, population=1, tripped=True, label="x", budget="") for g in guard_names()
        ),
        rejections=tuple(Rejection(key=Key(t), origin=t, reason=t, remedy=t) for t in texts),
        notes=tuple(Note(code=text, subject=text, text=text) for text in texts),
        names=dict.fromkeys(texts, "x"),
    )
    return Report(
        cycle_id="c1",
        organization=organization,
        command="run",
        started_at=NOW,
        finished_at=NOW + timedelta(seconds=1),
        plan=plan,
        outcomes=tuple(Outcome(operation=each, result=Result.FAILED, code=each.kind) for each in operations),
        took=dict.fromkeys(texts, 1.0),
    )


def test_hostile_data_makes_no_series() -> None:
    """Three organizations with thousands of nasty names have as many series after their cycles as before."""
    registry = CollectorRegistry()
    metrics = Metrics(registry, organizations=["a", "b", "c"], guards=guard_names())
    before = samples(registry)
    for organization in ("a", "b", "c"):
        observer = MetricsObserver(organization, metrics)
        told = hostile_report(organization)
        observer.began(NOW)
        observer.event("cycle_started", cycle_id="c1", organization=organization, command="run")
        for stage in ("read_lists", "read_source", *HOSTILE):
            observer.stage(stage)
        observer.event("source_read", users=10_000, groups=5, rejected=7)
        for name in HOSTILE:
            observer.event(name, server=name, call=name, peer=name)
            observer.event("ldap_server_failed", server=name, reason=name)
        for outcome in told.outcomes:
            observer.settled(outcome)
        observer.finished(told)

    assert samples(registry) == before


def test_one_organization_has_so_many_series() -> None:
    """Known from the start, so that nobody is surprised by what 200 organizations cost Prometheus."""
    counts = []
    for names in (["a"], ["a", "b"], ["a", "b", "c"]):
        registry = CollectorRegistry()
        Metrics(registry, organizations=names, guards=guard_names())
        counts.append(len(samples(registry)))

    assert [later - earlier for earlier, later in pairwise(counts)] == [SERIES, SERIES]


def test_what_comes_later_is_bounded_too() -> None:
    """Calls add a series for each operation and code, at most 41 codes however many are invented."""
    registry = CollectorRegistry()
    metrics = Metrics(registry, organizations=["a"], guards=guard_names())
    before = len(samples(registry))
    for number in range(5_000):
        metrics.called("a", "CreateUser", f"Code{number}", 0.1)
        metrics.called("a", "CreateUser", f"{number} {HOSTILE[number % len(HOSTILE)]}", 0.1)

    assert len(samples(registry)) - before == 41


def test_the_readme_says_how_many() -> None:
    """Whoever adds one says so to whoever pays for them."""
    assert f"has {SERIES} series" in (ROOT / "README.md").read_text(encoding="utf-8")
