"""Who is who: matches entries with entities, and says what stands in the way of each.

For every bound key                                    -> standing
  entity gone, entry wanted                            -> newcomer, behind the proposal *recreate*
  protected, untouchable, rejected, outside the pilot  -> frozen
  held                                                 -> frozen
  its removal has begun                                -> leaving, or rolled back (frozen) where it may not go on
  entry enabled                                        -> ours (behind *re-register* once the fuse has burnt)
  entry disabled or missing, evidence complete         -> leaving
  entry disabled or missing, evidence incomplete       -> waiting (frozen)
  missing, bound under another source or key attribute -> frozen until rebound
  found, but in doubt who it is (identity.py)          -> frozen, or behind *rebind* (rebinding.py)
For every enabled entry without a binding
  one unbound entity has its primary address, else its name -> *adopt* (or rejected, when two match)
  one owned entity has, whose own key is missing            -> *rebind*
  somebody gone or disabled had its address and its name    -> *rebind*
  its name is held by anybody else                          -> rejected, naming the holder
  nobody                                                    -> newcomer
"""

from collections.abc import Callable
from datetime import datetime

from syncd.model.entry import Rejection
from syncd.model.memory import Memory
from syncd.model.names import Key, domain_of
from syncd.model.observed import Observed
from syncd.model.policy import Policy
from syncd.model.standing import Freeze, Frozen, Standings
from syncd.model.state import Desired
from syncd.planning import exchanges
from syncd.planning.bound import Bound
from syncd.planning.draft import Draft
from syncd.planning.evidence import Evidence
from syncd.planning.identity import examine
from syncd.planning.pilot import inside
from syncd.planning.rebinding import Rebinder
from syncd.planning.unbound import Unbound


def match(
    desired: Desired,
    observed: Observed,
    memory: Memory,
    *,
    evidence: Evidence,
    policy: Policy,
    source: str,
    now: datetime,
    disbelieved: bool = False,
) -> tuple[Standings, tuple[Rejection, ...]]:
    """Return everyone's standing, and the entries that can't be served, with the reason.

    *evidence* is that after this read; *source* names source type and key attribute as bindings do.
    *disbelieved*: a guard doesn't believe the source, so that no removal may go on.
    """
    draft = Draft()
    identities = examine(desired, observed, memory, source)
    Bound(draft, desired, observed, memory, evidence, policy, source, now, disbelieved, identities).place_all()
    is_inside = inside(policy, desired)
    rebinder = Rebinder(draft, identities, desired, observed, memory, policy, source, is_inside)
    rebinder.place_doubted()
    Unbound(draft, desired, observed, memory, policy, now).place_all()
    rebinder.place_left()
    _freeze_bad_domains(draft, desired, observed)
    _freeze_outside_pilot(draft, desired, policy, is_inside)
    _freeze_held(draft, memory)
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
        contested=draft.contested,
        rebindings=tuple(one for one in draft.rebindings if all(_is_rebound(draft, key) for key in one.moves)),
        doubted=draft.doubted,
        rollbacks={key: why for key, why in draft.rollbacks.items() if draft.frozen[key].cause is Freeze.ROLLBACK},
    )
    return standings, tuple(draft.rejections)


def _is_rebound(draft: Draft, key: Key) -> bool:
    """Return whether nothing but who somebody is stands in the way of *key*."""
    frozen = draft.frozen.get(key)
    return frozen is None or frozen.cause in (Freeze.DOUBTED, Freeze.OTHER_SOURCE)


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


def _freeze_outside_pilot(draft: Draft, desired: Desired, policy: Policy, is_inside: Callable[[Key], bool]) -> None:
    if not policy.pilots:
        return
    everyone = {*desired.entities, *draft.entity_of}
    for key in everyone:
        if not is_inside(key):
            if key not in draft.frozen or draft.frozen[key].cause in (Freeze.DOUBTED, Freeze.OTHER_SOURCE):
                draft.frozen[key] = Frozen(Freeze.PILOT, "outside the pilot")
            draft.waiting.pop(key, None)
            draft.newcomers.discard(key)


def _freeze_held(draft: Draft, memory: Memory) -> None:
    """Leave whom a person holds as they are; what a removal has taken from them already is put back."""
    for key, hold in memory.holds.items():
        if key not in draft.rollbacks:
            draft.freeze(key, Freeze.HELD, str(hold))
            draft.newcomers.discard(key)
