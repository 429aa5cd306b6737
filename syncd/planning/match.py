"""Who is who: matches entries with entities, and says what stands in the way of each.

For every bound key                                    -> standing
  entity gone, entry wanted                            -> newcomer, behind the proposal *recreate*
  protected, untouchable, rejected, outside the pilot  -> frozen
  its removal has begun                                -> leaving, or rolled back (frozen) where it may not go on
  entry enabled                                        -> ours (behind *re-register* once the fuse has burnt)
  entry disabled or missing, evidence complete         -> leaving
  entry disabled or missing, evidence incomplete       -> waiting (frozen)
  missing, bound under another source or key attribute -> frozen until rebound
For every enabled entry without a binding
  one unbound entity has its primary address, else its name -> *adopt* (or rejected, when two match)
  one owned entity has, whose own key is missing            -> *rebind*
  its name is held by anybody else                          -> rejected, naming the holder
  nobody                                                    -> newcomer
"""

from collections.abc import Mapping
from datetime import datetime

from syncd.model.entry import Rejection
from syncd.model.memory import Mark, Memory
from syncd.model.names import Key, domain_of
from syncd.model.observed import Observed
from syncd.model.policy import Policy
from syncd.model.standing import Freeze, Frozen, Standings
from syncd.model.state import Desired
from syncd.planning import exchanges
from syncd.planning.bound import Bound
from syncd.planning.draft import Draft
from syncd.planning.pilot import in_all
from syncd.planning.unbound import Unbound


def match(
    desired: Desired,
    observed: Observed,
    memory: Memory,
    *,
    marks: Mapping[Key, Mark],
    policy: Policy,
    source: str,
    now: datetime,
    disbelieved: bool = False,
) -> tuple[Standings, tuple[Rejection, ...]]:
    """Return everyone's standing, and the entries that can't be served, with the reason.

    *marks* are those after this read; *source* names source type and key attribute as bindings do.
    *disbelieved*: a guard doesn't believe the source, so that no removal may go on.
    """
    draft = Draft()
    Bound(draft, desired, observed, memory, marks, policy, source, now, disbelieved).place_all()
    Unbound(draft, desired, observed, memory, policy).place_all()
    _freeze_bad_domains(draft, desired, observed)
    _freeze_outside_pilot(draft, desired, policy)
    undone = exchanges.given_up(observed, memory, draft.frozen, draft.leaving, policy, disbelieved=disbelieved)
    for key, why in list(undone):
        draft.rollbacks[key] = why
        draft.freeze(key, Freeze.ROLLBACK, why)
    foreign = frozenset(identity for identity in observed.entities if identity not in draft.key_of)
    for key in draft.frozen:
        draft.proposals.pop(key, None)
    standings = Standings(
        entity_of=draft.entity_of,
        key_of=draft.key_of,
        leaving={key: why for key, why in draft.leaving.items() if key not in draft.frozen},
        waiting=draft.waiting,
        frozen=draft.frozen,
        foreign=foreign,
        lost=frozenset(draft.lost),
        newcomers=frozenset(draft.newcomers.difference(draft.frozen)),
        dropped=frozenset(draft.dropped),
        proposals=draft.proposals,
        rollbacks={key: why for key, why in draft.rollbacks.items() if draft.frozen[key].cause is Freeze.ROLLBACK},
    )
    return standings, tuple(draft.rejections)


def _freeze_bad_domains(draft: Draft, desired: Desired, observed: Observed) -> None:
    """Reject who wants an address on a domain that the organization can't use (`workmail.md` B7, B8)."""
    domains = observed.organization.domains
    usable = {domain for domain, verified in domains.items() if verified}
    for key, wanted in desired.entities.items():
        if not wanted.enabled or key in draft.frozen:
            continue
        needed = {domain_of(wanted.primary)}
        if wanted.aliases:
            needed.update(domain_of(alias) for alias in wanted.aliases)
        if needed <= usable:
            continue
        domain = min(needed - usable)
        why = "is registered but not verified" if domain in domains else "is not a mail domain"
        draft.newcomers.discard(key)
        draft.reject(
            wanted,
            f"the domain {domain!r} {why} in the organization {observed.organization.alias!r}",
            f"use one of: {', '.join(sorted(usable)[:5])}; or register the domain in WorkMail",
        )


def _freeze_outside_pilot(draft: Draft, desired: Desired, policy: Policy) -> None:
    if not policy.pilots:
        return
    everyone = {*desired.entities, *draft.entity_of}
    for key in everyone - in_all(policy, desired, everyone):
        draft.frozen.setdefault(key, Frozen(Freeze.PILOT, "outside the pilot"))
        draft.waiting.pop(key, None)
        draft.newcomers.discard(key)
