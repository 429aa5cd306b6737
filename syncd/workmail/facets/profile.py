"""Profile: display name, personal attributes, hidden from the address list.

| wanted | held     | operation                                                            |
|--------|----------|----------------------------------------------------------------------|
| a      | b        | profile.update, one call for all fields that differ                  |
| ""     | b        | profile.update with "" (attributes have no minimum, `workmail.md` B20) |
| –      | b        | – (not managed)                                                      |

UpdateUser takes the whole data set, so the fields we don't manage are read just before and sent along.
Groups have only the hidden flag.
"""

from collections.abc import Iterator, Mapping

from syncd.model.action import Action
from syncd.model.detail import PROFILE
from syncd.model.names import EntityId, Kind
from syncd.model.operation import Merged, Operation, Parameter, Ref, enabled, single
from syncd.model.plan import Proposed
from syncd.model.situation import Situation
from syncd.model.state import HIDDEN, PROFILE_FIELDS, Profile, Wanted
from syncd.planning.proposals import gate
from syncd.workmail.attributes import MEMBERS
from syncd.workmail.calls import make
from syncd.workmail.pages import ATTRIBUTES, UPDATE_PROFILE

_ORDER = {name: position for position, name in enumerate(["display_name", *PROFILE_FIELDS, HIDDEN])}
_EMPTY: Profile = {}


class ProfileFacet:
    """Keeps what the address book shows."""

    name = "profile"
    things = frozenset({ATTRIBUTES.thing})

    def propose(self, situation: Situation) -> Proposed:
        """Return the updates, in the order of keys."""
        if not situation.policy.manage.profile:
            return Proposed(operations=())
        return Proposed(operations=_operations(situation))


def _operations(situation: Situation) -> Iterator[Operation]:
    observed, entity_of = situation.observed, situation.standings.entity_of
    profiles = observed.details.of(PROFILE)
    for wanted in sorted(_differing(situation), key=lambda wanted: wanted.key):
        identity = entity_of.get(wanted.key)
        if identity is None:
            changes = {f: v for f, v in wanted.profile.items() if v and not (f == HIDDEN and v == "false")}
            if changes:
                yield update(situation, wanted, None, before={}, after=changes)
            continue
        before, after = _difference(wanted, profiles.get(identity, _EMPTY), observed.entities[identity].display_name)
        if after and (identity in profiles or "display_name" in after):
            yield update(situation, wanted, identity, before=before, after=after)


def _differing(situation: Situation) -> Iterator[Wanted]:
    """Yield who may need an update. This loop runs over everybody, in every cycle."""
    standings, observed = situation.standings, situation.observed
    entities, profiles = observed.entities, observed.details.of(PROFILE)
    entity_of, frozen, newcomers = standings.entity_of, standings.frozen, standings.newcomers
    for key, wanted in situation.desired.entities.items():
        if not wanted.enabled or key in frozen:
            continue
        identity = entity_of.get(key)
        if identity is None:
            if key in newcomers:
                yield wanted
            continue
        held = profiles.get(identity, _EMPTY)
        if wanted.profile.items() <= held.items() and (
            wanted.display_name == entities[identity].display_name or wanted.kind is Kind.GROUP
        ):
            continue
        yield wanted


def _difference(wanted: Wanted, held: Profile, display_name: str) -> tuple[dict[str, str], dict[str, str]]:
    before: dict[str, str] = {}
    after: dict[str, str] = {}
    if wanted.kind is Kind.USER and wanted.display_name != display_name:
        before["display_name"], after["display_name"] = display_name, wanted.display_name
    for field, value in wanted.profile.items():
        now = held.get(field, "false" if field == HIDDEN else "")
        if now != (value or ("false" if field == HIDDEN else "")):
            before[field], after[field] = now, value
    return before, after


def update(
    situation: Situation,
    wanted: Wanted,
    identity: EntityId | None,
    *,
    before: Mapping[str, str],
    after: Mapping[str, str],
) -> Operation:
    """Set the fields of *after*; whatever else the entity holds stays."""
    user = wanted.kind is Kind.USER
    target = identity if identity is not None else Ref(wanted.key)
    fields: dict[str, Parameter] = {
        MEMBERS[name]: (value == "true") if name == HIDDEN else value for name, value in after.items()
    }
    if user:
        fields["*"] = Merged("DescribeUser")
    names = sorted(after, key=_ORDER.__getitem__)
    return Operation(
        verb=UPDATE_PROFILE,
        action=Action.CHANGE if identity is not None else Action.ADD,
        subject=wanted.key,
        entity=identity,
        bundle=single("profile", wanted.key),
        summary=f"set {', '.join(name.replace('_', ' ') for name in names)} of {wanted.name}",
        reason=wanted.origin,
        call=make(UPDATE_PROFILE, wanted.kind, target, **fields),
        effect={name: after[name] for name in names},
        before={name: before[name] for name in names if name in before},
        after={name: after[name] for name in names},
        awaits=gate(situation, wanted.key) | {enabled(wanted.key)},
    )
