"""Planning with no change, both states in memory, against a bare set difference of the same tuples."""

import random
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from syncd.guards import GUARDS
from syncd.model.detail import PROFILE
from syncd.model.look import look_of
from syncd.model.memory import Binding, Memory
from syncd.model.moments import Instant
from syncd.model.names import EntityId, Key, Kind, group_key, user_key
from syncd.model.observed import Observed
from syncd.model.plan import Plan
from syncd.model.policy import Mode, Policy
from syncd.model.situation import Situation
from syncd.model.state import Desired, Entity, Organization, State, Wanted
from syncd.planning.assemble import assemble
from syncd.planning.evidence import evidence_of
from syncd.planning.judge import judge
from syncd.planning.match import match
from syncd.workmail.facets import FACETS
from syncd.workmail.limits import workmail_limits
from syncd.workmail.observe import FUSE
from syncd.workmail.pages import PAGES
from tests.builders import known

USERS, GROUPS, PER_GROUP = 100_000, 10_000, 100
LIMIT = 5.0
SOURCE = "csv:employee_id"
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
FIELDS = ("first_name", "last_name", "department", "job_title", "telephone", "city", "company", "office")
Rows = set[tuple[str, ...]]


def run() -> list[tuple[str, float, float]]:
    """Return (name, ratio, limit) of the fastest of three runs each."""
    desired, observed, memory = states()
    plan = _fastest(lambda: _plan(desired, observed, memory))
    left, right = _rows(desired, observed, observed_side=False), _rows(desired, observed, observed_side=True)
    bare = _fastest(lambda: (left - right, right - left))
    return [("planning without change / set difference both ways", plan / bare, LIMIT)]


def states() -> tuple[Desired, Observed, Memory]:
    """Make 100,000 people with 8 fields and 10,000 groups with 1,000,000 memberships, wanted and held alike."""
    chance = random.Random(7)
    wanted: dict[Key, Wanted] = {}
    entities: dict[EntityId, Entity] = {}
    profiles: dict[EntityId, dict[str, str]] = {}
    members: dict[EntityId, frozenset[EntityId]] = {}
    keys = [user_key(str(number)) for number in range(USERS)]
    ids = [EntityId(f"{number:08x}-0000-4000-8000-000000000000") for number in range(USERS)]
    for number, (key, identity) in enumerate(zip(keys, ids, strict=True)):
        name, mail = f"u{number}", f"u{number}@corp.example"
        profile = {field: f"{field} {number % 97}" for field in FIELDS}
        wanted[key] = Wanted(key, Kind.USER, "people.csv", name, name, True, mail, (), profile, frozenset())
        entities[identity] = Entity(identity, Kind.USER, name, name, mail, State.ENABLED, ever_enabled=True)
        profiles[identity] = dict(profile)
    for number in range(GROUPS):
        key, identity = group_key(str(number)), EntityId(f"{number:08x}-0000-4000-9000-000000000000")
        name, mail = f"g{number}", f"g{number}@corp.example"
        chosen = chance.sample(range(USERS), PER_GROUP)
        keyed = frozenset(keys[place] for place in chosen)
        wanted[key] = Wanted(key, Kind.GROUP, "groups.csv", name, "", True, mail, (), {}, keyed)
        entities[identity] = Entity(identity, Kind.GROUP, name, "", mail, State.ENABLED, ever_enabled=True)
        members[identity] = frozenset(ids[place] for place in chosen)
    none: frozenset[str] = frozenset()
    details = known(aliases=dict.fromkeys(entities, none), profile=profiles, members=members)
    domains = {"corp.example": True}
    organization = Organization(
        id="m-" + "0" * 32, alias="corp", default_domain="corp.awsapps.com", domains=domains, fuse=FUSE
    )
    bindings = {
        key: Binding(key=key, entity=identity, source=SOURCE, since=NOW, look=look_of(wanted[key]))
        for key, identity in zip(wanted, entities, strict=True)
    }
    counts = {Kind.USER: USERS, Kind.GROUP: GROUPS}
    observed = Observed(organization=organization, entities=entities, details=details)
    return Desired(entities=wanted, counts=counts), observed, Memory(bindings=bindings, counts=counts)


def _plan(desired: Desired, observed: Observed, memory: Memory) -> Plan:
    policy = Policy(mode=Mode.FULL)
    at, hole = Instant(wall=NOW), timedelta(hours=1)
    evidence = evidence_of(memory, desired, observed, source=SOURCE, at=at, hole=hole)
    standings, rejections = match(desired, observed, memory, evidence=evidence, policy=policy, source=SOURCE, now=NOW)
    situation = Situation(
        configuration="as it is",
        pages=PAGES,
        organization="corp",
        source=SOURCE,
        policy=policy,
        limits=workmail_limits(),
        desired=desired,
        observed=observed,
        memory=memory,
        standings=standings,
        now=NOW,
    )
    plan = judge(assemble(situation, FACETS, rejections), situation, GUARDS)
    if plan.operations or plan.notes:
        message = f"the two states should be equal, but there is {plan.operations[:1] or plan.notes[:1]}"
        raise AssertionError(message)
    return plan


def _rows(desired: Desired, observed: Observed, *, observed_side: bool) -> Rows:
    """Return one side as flat tuples: a row per entity, a row per membership."""
    rows: Rows = set()
    details = observed.details
    for wanted, entity in zip(desired.entities.values(), observed.entities.values(), strict=True):
        if observed_side:
            profile = details.of(PROFILE).get(entity.id, {})
            rows.add((wanted.key, entity.name, entity.display_name, entity.primary, *profile.values()))
        else:
            rows.add((wanted.key, wanted.name, wanted.display_name, wanted.primary, *wanted.profile.values()))
        rows.update((wanted.key, member) for member in wanted.members)
    return rows


def _fastest(work: Callable[[], object]) -> float:
    times = []
    for _ in range(3):
        begun = time.process_time()
        work()
        times.append(time.process_time() - begun)
    return min(times)
