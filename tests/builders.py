"""Values of the model with everything filled in that a test doesn't care about."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from syncd.model.action import Action
from syncd.model.detail import Details, Thing
from syncd.model.half_removed import HalfRemoved, Next
from syncd.model.limits import Limits, TextLimit
from syncd.model.memory import Binding, Mark, Memory
from syncd.model.names import EntityId, Key, Kind
from syncd.model.needs import MEMBER, Reference
from syncd.model.observed import Observed
from syncd.model.operation import Bundle, Call, Operation
from syncd.model.page import Count, Rank, Right, Role, Verb
from syncd.model.plan import Cause, Plan, Populations, Withheld
from syncd.model.policy import GuardSettings, Mode, Policy, RejectionThreshold, SourceThreshold, Threshold
from syncd.model.situation import Situation
from syncd.model.standing import Standings
from syncd.model.state import Desired, Entity, Organization, State, Wanted
from syncd.workmail.observe import FUSE
from syncd.workmail.pages import PAGES

NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
ORGANIZATION_ID = "m-0123456789abcdef0123456789abcdef"
DOMAIN = "planetexpress.example"
SOURCE = "csv:employee_id"
_ANY = Threshold(percent=100, count=1_000_000)
#: Everything passes that doesn't empty something; where a test isn't about guards, and its people are few.
WIDE_OPEN = GuardSettings(
    **{name: _ANY for name, field in GuardSettings.model_fields.items() if field.annotation is Threshold},
    rejections=RejectionThreshold(percent=100, count=10_000),
    source_shrink=SourceThreshold(percent=100),
)


def entity_id(name: str) -> EntityId:
    """The id that the entity called *name* has in every test."""
    return EntityId(f"id-{name}")


def member(attribute: str, *, by: str = "dn") -> Reference:
    """A reference to members, whose values in *attribute* are those of *by* of users and groups."""
    return Reference(name=MEMBER, attribute=attribute, by={Kind.USER: by, Kind.GROUP: by})


def wanted(
    name: str = "fry",
    *,
    key: str = "",
    kind: Kind = Kind.USER,
    origin: str = "people.csv:2",
    display_name: str | None = None,
    enabled: bool = True,
    primary: str = "",
    aliases: Iterable[str] = (),
    profile: Mapping[str, str] | None = None,
    members: Iterable[str] = (),
) -> Wanted:
    """An entity as the directory wants it; its key is `user:NAME`, its address NAME at the domain."""
    return Wanted(
        Key(key or f"{kind.value}:{name}"),
        kind,
        origin,
        name,
        display_name if display_name is not None else (name.title() if kind is Kind.USER else ""),
        enabled,
        primary or f"{name}@{DOMAIN}",
        tuple(aliases),
        profile or {},
        frozenset(Key(member) for member in members),
    )


def entity(
    name: str = "fry",
    *,
    kind: Kind = Kind.USER,
    display_name: str | None = None,
    primary: str | None = None,
    state: State = State.ENABLED,
    ever_enabled: bool = True,
    untouchable: bool = False,
    disabled_at: datetime | None = None,
) -> Entity:
    """One row of the service's lists; ENABLED, with NAME at the domain, unless said otherwise."""
    registered = f"{name}@{DOMAIN}" if state is State.ENABLED else ""
    return Entity(
        entity_id(name),
        kind,
        name,
        display_name if display_name is not None else (name.title() if kind is Kind.USER else ""),
        primary if primary is not None else registered,
        state,
        ever_enabled=ever_enabled,
        untouchable=untouchable,
        disabled_at=disabled_at,
    )


def binding(key: str = "user:fry", name: str = "", **others: Any) -> Binding:  # noqa: ANN401 - Binding's own
    """*key* is bound to the entity called *name*, by default its identity."""
    facts: dict[str, Any] = {
        "source": SOURCE,
        "since": NOW,
        "entity": entity_id(name or key.partition(":")[2]),
        "members_managed": key.startswith("group:"),
    }
    return Binding(key=Key(key), **(facts | others))


def half(
    key: str = "user:fry",
    name: str = "fry",
    *,
    since: datetime = NOW,
    next_is: Next = Next.FINISHED,
    why: str = "",
) -> HalfRemoved:
    """Somebody whose removal began at *since*, with an hour to be finished in."""
    until = since + timedelta(hours=1)
    return HalfRemoved(
        key=Key(key), entity=EntityId(entity_id(name)), name=name, since=since, until=until, next=next_is, why=why
    )


def known(**read: Mapping[Any, Any]) -> Details:
    """What was read per entity, thing by thing: `known(aliases={...}, members={...})`."""
    return Details({Thing(name): values for name, values in read.items()})


def verb(name: str, *, action: Action | None = None) -> Verb:
    """The verb of that name; one that no page has removes or adds, as its name says."""
    try:
        return PAGES.verb(name)
    except KeyError:
        return made_up(name, action)


@cache
def made_up(name: str, action: Action | None = None) -> Verb:
    """A verb that no page has."""
    words = {"remove": Action.REMOVE, "release": Action.REMOVE, "update": Action.CHANGE, "change": Action.CHANGE}
    what = action or words.get(name.rpartition(".")[2], Action.ADD)
    removes = what is Action.REMOVE
    return Verb(
        name=name,
        role=Role.SETS,
        actions=frozenset({what}),
        titles=dict.fromkeys(Kind, "Other"),
        rank=Rank.ATTRIBUTE,
        counts_as=Count.OTHER_REMOVALS if removes else Count.NOTHING,
        rests_on=("lists",),
        calls=dict.fromkeys(Kind, "DescribeEntity"),
        right=Right.DELETE if removes else Right.WRITE,
        destructive=removes,
        believed=not removes,
        fuse={},
    )


def operation(
    kind: str = "alias.add",
    subject: str = "user:fry",
    *,
    action: Action | None = None,
    entity: str | None = None,
    bundle: str = "",
    summary: str = "",
    reason: str = "people.csv:2",
    call: Call | None = None,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
    **others: Any,  # noqa: ANN401 - Operation's own
) -> Operation:
    """One change; its action is that of its verb."""
    what = verb(kind, action=action)
    does = {**(before or {}), **(after or {}), **({"call": call.parameters} if call is not None else {})}
    return Operation(
        verb=what,
        action=action or (Action.CHANGE if Action.CHANGE in what.actions else next(iter(what.actions))),
        subject=Key(subject),
        entity=EntityId(entity) if entity is not None else None,
        bundle=Bundle.parse(bundle or f"{kind}:{subject}:{dict(after or before or {})}"),
        summary=summary or f"{kind} of {subject}",
        reason=reason,
        call=call or Call("DescribeEntity", {"Email": f"{subject}/{kind}"}),
        effect=others.pop("effect", does),
        before=before or {},
        after=after or {},
        **others,
    )


def plan(*operations: Operation, **others: Any) -> Plan:  # noqa: ANN401 - Plan's own
    """A plan of *operations* for planetexpress."""
    facts: dict[str, Any] = {
        "organization": "planetexpress",
        "organization_id": ORGANIZATION_ID,
        "created_at": NOW,
        "operations": operations,
    }
    if isinstance(others.get("populations"), dict):
        others["populations"] = Populations.of_numbers(others["populations"])
    if "deferred" in others:
        others["deferred"] = {verb(name): count for name, count in others["deferred"].items()}
    if "withheld" in others:
        others["withheld"] = {i: why_withheld(why) for i, why in others["withheld"].items()}
    return Plan(**(facts | others))


def why_withheld(why: str | Withheld) -> Withheld:
    """Why an operation is withheld; a text that begins with `guard NAME:` is that guard's."""
    if isinstance(why, Withheld):
        return why
    head, colon, _ = why.partition(":")
    if colon and head.startswith("guard "):
        return Withheld(cause=Cause.GUARD, guard=head.removeprefix("guard "), text=why)
    return Withheld(cause=Cause.APPROVAL if why.startswith("needs approval") else Cause.NEED, text=why)


def limits() -> Limits:
    """Limits that nothing in a test meets by chance."""
    text = TextLimit(maximum=256)
    return Limits(user_name=text, group_name=text, address=text, display_name=text)


def observed(*entities: Entity, details: Details | None = None, domains: Iterable[str] = (DOMAIN,)) -> Observed:
    """What the service holds: *entities* in an organization with *domains*, the first the default one."""
    known = tuple(domains)
    return Observed(
        organization=Organization(
            id=ORGANIZATION_ID,
            alias="planetexpress",
            default_domain=known[0],
            domains=dict.fromkeys(known, True),
            fuse=FUSE,
        ),
        entities={one.id: one for one in entities},
        details=details or Details(),
    )


def desired(*entities: Wanted, **others: Any) -> Desired:  # noqa: ANN401 - Desired's own
    """The whole directory: *entities*, counted."""
    counts = {kind: sum(one.kind is kind for one in entities) for kind in (Kind.USER, Kind.GROUP)}
    facts: dict[str, Any] = {"entities": {one.key: one for one in entities}, "counts": counts}
    return Desired(**(facts | others))


def situation(
    wanted: Iterable[Wanted] = (),
    entities: Iterable[Entity] = (),
    *,
    bindings: Iterable[Binding] = (),
    marks: Iterable[Mark] = (),
    details: Details | None = None,
    standings: Standings | None = None,
    policy: Policy | None = None,
    memory: Memory | None = None,
    now: datetime = NOW,
    **directory: Any,  # noqa: ANN401 - Desired's own
) -> Situation:
    """Everything that planning looks at; who is who follows from *bindings* unless *standings* say it."""
    wants, bound = tuple(wanted), tuple(bindings)
    return Situation(
        organization="planetexpress",
        source=SOURCE,
        configuration="as it is",
        policy=policy or Policy(mode=Mode.FULL),
        limits=limits(),
        desired=desired(*wants, **directory),
        observed=observed(*entities, details=details),
        memory=memory
        or Memory(
            bindings={one.key: one for one in bound},
            marks={mark.key: mark for mark in marks},
        ),
        standings=standings
        or Standings(
            entity_of={one.key: one.entity for one in bound},
            key_of={one.entity: one.key for one in bound},
            newcomers=frozenset(one.key for one in wants) - {one.key for one in bound},
        ),
        now=now,
        pages=PAGES,
    )
