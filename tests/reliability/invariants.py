"""What must hold of every cycle, whatever happens: one small function for each, and a table that says which are on.

A function yields None for each check that holds, and a sentence for each that doesn't.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from syncd.executor import STALE_AFTER_S
from syncd.model.names import EntityId, Key, Kind, fold, kind_of
from syncd.model.operation import BundleKind, Operation
from syncd.model.window import Window
from syncd.planning.ownership import is_parking
from tests.reliability.books import Books, Look, Seen, look_of
from tests.reliability.directory import CANARY, DOMAIN
from tests.reliability.limits import may_pass
from tests.reliability.world import Document

Checks = Iterator[str | None]
Holds = Callable[[Seen, Books], Checks]

_OPAQUE = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|r-[0-9a-f]{32}|S-1-1-12-[0-9-]+")
_ADDRESSES = ("alias.add", "register", "primary.change", "address.park")


# --- foreign, frozen, protected ---------------------------------------------------------------------------------------


def foreign_untouched(seen: Seen, books: Books) -> Checks:
    """An entity that isn't ours is after the cycle what it was before."""
    ours = seen.ours
    for identity, document in seen.before.items():
        if identity not in ours:
            yield (
                None if seen.after.get(identity) == document else f"{document['name']}, which is not ours, was changed"
            )


def frozen_untouched(seen: Seen, books: Books) -> Checks:
    """Who is rejected, pending or outside the pilot stays as they are, in every group; or gets back what they had."""
    if seen.plan is None:
        return
    frozen = {one.key for one in seen.plan.rejections} | {one.key for one in seen.plan.pending}
    pilot = set(seen.policy.only.keys)
    if pilot:
        frozen |= {key for key in seen.bound if key not in pilot}
    back = [one for one in seen.intents if one.bundle.kind is BundleKind.ROLLBACK]
    given_back = {key for one in back for key in (one.row, one.subject)}
    for key in sorted(key for key in frozen if key is not None and key not in given_back):
        bound = seen.bound.get(key)
        if bound is None or key not in seen.bound_after or bound.entity not in seen.before:
            continue
        same = _but_for_returners(seen, bound.entity) == seen.before[bound.entity]
        groups = _groups(seen.after, bound.entity) == _groups(seen.before, bound.entity)
        yield None if same and groups else f"{key}, who is frozen, was changed"


def _but_for_returners(seen: Seen, entity: EntityId) -> Document | None:
    """Return how *entity* is after the cycle, without the members who returned and were put back into it."""
    after, before = seen.after.get(entity), seen.before[entity]
    if after is None or (not before["members"] and not after["members"]):
        return after
    back = {one for one in after["members"] if one in seen.before and seen.before[one]["state"] != "ENABLED"}
    members = [one for one in after["members"] if one in before["members"] or one not in back]
    found = {**after, "members": sorted(members)}
    return found if found["members"] != sorted(before["members"]) else before


def protected_untouched(seen: Seen, books: Books) -> Checks:
    """Whom the operator protects, nothing happens to."""
    for identity, document in seen.before.items():
        kind = document["kind"].removesuffix("s")
        if seen.policy.protects(kind, document["name"], document.get("email") or ""):
            yield None if seen.after.get(identity) == document else f"{document['name']}, who is protected, was changed"


def _groups(documents: Mapping[EntityId, Document], member: EntityId) -> list[EntityId]:
    return [identity for identity, document in documents.items() if member in document.get("members", ())]


# --- evidence ---------------------------------------------------------------------------------------------------------


def nothing_without_a_read(seen: Seen, books: Books) -> Checks:
    """Without a complete read of the source and a plan, nothing is changed."""
    for one in seen.mutations:
        yield None if seen.desired is not None and seen.plan is not None else f"{one.operation} without a complete read"


def _removals(seen: Seen) -> Iterator[Operation]:
    return (one for one in seen.intents if one.kind == "deregister")


def nobody_wanted_is_removed(seen: Seen, books: Books) -> Checks:
    """Nobody is deregistered whose row stands there, enabled."""
    for one in _removals(seen):
        row = seen.desired.entities.get(one.subject) if seen.desired is not None else None
        yield f"{one.subject} is wanted, and deregistered" if row is not None and row.enabled else None


def _missing_removed(seen: Seen) -> Iterator[Operation]:
    for one in _removals(seen):
        if seen.desired is not None and one.subject not in seen.desired.entities and not _began(seen, one):
            yield one


def _began(seen: Seen, one: Operation) -> bool:
    bound = seen.bound.get(one.subject)
    return bound is not None and bound.began


def missing_in_enough_reads(seen: Seen, books: Books) -> Checks:
    """Who is removed as missing was missing in so many complete reads since they were last seen."""
    for one in _missing_removed(seen):
        enough = books.missing[one.subject] >= seen.policy.removal.after_cycles
        yield None if enough else f"{one.subject} is removed after {books.missing[one.subject]} reads without them"


def seen_lately_is_not_removed(seen: Seen, books: Books) -> Checks:
    """... and in none of the last so many complete reads, those included whose cycle failed afterwards."""
    for one in _missing_removed(seen):
        unseen = books.unseen.get(one.subject, 0)
        enough = unseen >= seen.policy.removal.after_cycles
        yield None if enough else f"{one.subject} is removed {unseen} reads after one in which they were seen"


def missing_for_long_enough(seen: Seen, books: Books) -> Checks:
    """... and for as long as the policy says, by a clock that doesn't jump."""
    for one in _missing_removed(seen):
        since = books.missing_since.get(one.subject)
        passed = seen.world.clock.true_now() - since if since is not None else None
        enough = passed is not None and passed >= seen.policy.removal.after
        yield None if enough else f"{one.subject} is removed {passed} after they were last seen"


def unreadable_row_protects(seen: Seen, books: Books) -> Checks:
    """While a row has no readable key, nobody is removed as missing."""
    if seen.desired is None or all(one.key is not None for one in seen.desired.rejections):
        return
    yield from (f"{one.subject} is removed although a row has no key" for one in _missing_removed(seen))
    yield None


def not_on_old_reads(seen: Seen, books: Books) -> Checks:
    """No destructive call is begun more than 30 minutes after the cycle's reads began."""
    intent: Operation | None = None
    for one in seen.log:
        if isinstance(one, Operation):
            intent = one
        elif one.mutates and intent is not None and intent.destructive and not _began(seen, intent):
            # The retries of a call, each at most 30 s apart, follow its intent.
            late = one.at - seen.began > STALE_AFTER_S + 30 * 35
            yield f"{one.operation} {(one.at - seen.began) / 60:.0f} minutes after the read" if late else None


# --- limits and approvals ---------------------------------------------------------------------------------------------


def removals_within_guards(seen: Seen, books: Books) -> Checks:
    """No more of a kind are removed in a cycle, unapproved, than the limit lets pass."""
    for kind, keys in _unapproved(seen).items():
        population, counted = _population(seen, kind), len(keys)
        limit = may_pass(population, seen.policy.guards.removals.amount)
        yield None if counted <= limit else f"{counted} of {population} {kind}s removed at once, {limit} may pass"


def removals_within_windows(seen: Seen, books: Books) -> Checks:
    """... nor within a day, or a week, each once; percentages are of those who were there at its beginning."""
    now = seen.world.clock.true_now()
    for kind, keys in _unapproved(seen).items():
        for window in Window:
            lately = {key for at, key in books.removals if kind_of(key) is kind and now - at < window.span}
            gone, population = lately | keys, _population(seen, kind) + len(lately - keys)
            limit = may_pass(population, seen.policy.guards.removals.within(window))
            many = f"{len(gone)} of {population} {kind}s removed within a {window}, {limit} may pass"
            yield None if len(gone) <= limit else many


def _unapproved(seen: Seen) -> Mapping[Kind, set[Key]]:
    found: dict[Kind, set[Key]] = defaultdict(set)
    for one in _removals(seen):
        if not seen.is_approved(one) and not _began(seen, one):
            found[kind_of(one.subject)].add(one.subject)
    return found


def emptying_asks(seen: Seen, books: Books) -> Checks:
    """Nobody empties the organization of its people, or a group of its members, without a yes."""
    exits = [one for one in seen.intents if one.kind == "member.remove" and not seen.is_approved(one)]
    for group, before in seen.before.items():
        if group not in seen.ours or before["kind"] != "groups" or not before["members"] or group not in seen.after:
            continue
        emptied = not seen.after[group]["members"] and seen.after[group]["state"] == "ENABLED"
        unasked = emptied and any(one.entity == group and one.bundle.kind.value != "removal" for one in exits)
        yield f"the group {before['name']} was emptied unasked" if unasked else None


def _population(seen: Seen, kind: Kind) -> int:
    ours = {binding.entity for key, binding in seen.bound.items() if kind_of(key) is kind}
    return sum(document["state"] == "ENABLED" for identity, document in seen.before.items() if identity in ours)


def revoked_is_not_sent(seen: Seen, books: Books) -> Checks:
    """What a person took back isn't begun before somebody says yes again."""
    revoked = [one for one in seen.world.approvals if one.revoked and one.expires_at > seen.at]
    for one in seen.intents if revoked else ():
        said_no = any(one.id in approval.operations for approval in revoked) and not _began(seen, one)
        said_yes = any(not each.revoked and one.id in each.operations for each in seen.world.approvals)
        yield f"{one.summary} was revoked, and sent" if said_no and not said_yes else None


# --- the plan and the journal -----------------------------------------------------------------------------------------


def mutation_has_intent(seen: Seen, books: Books) -> Checks:
    """Before each call that changes something, the journal has its intent."""
    intent: Operation | None = None
    for one in seen.log:
        if isinstance(one, Operation):
            intent = one
        elif one.mutates:
            same = intent is not None and intent.call is not None and intent.call.operation == one.operation
            yield None if same else f"{one.operation} without an intent"


def names_ids_only(seen: Seen, books: Books) -> Checks:
    """A call that changes something names opaque ids: a name or an address could mean somebody else."""
    for one in seen.mutations:
        for name, value in one.parameters.items():
            if name.endswith("Id") and name not in ("OrganizationId", "IdentityProviderUserId"):
                yield None if _OPAQUE.fullmatch(str(value)) else f"{one.operation} names {name}={value}"


def applied_was_shown(seen: Seen, books: Books) -> Checks:
    """What is sent stands in the stored plan, nothing withholds it, and the mode allows it."""
    for one in seen.intents:
        if seen.plan is None or one.id not in seen.plan.by_id:
            yield f"{one.summary} was sent, and stands in no plan"
        elif one.id in seen.plan.withheld:
            yield f"{one.summary} was sent although it is withheld: {seen.plan.withheld[one.id]}"
        else:
            # A parking address is a trace of ours: where a removal or an exchange is given up, it goes in any mode.
            ours = one.kind == "alias.remove" and one.call is not None and is_parking(str(one.call.parameters["Alias"]))
            within = one.action in seen.policy.mode.allows or ours
            yield None if within else f"{one.summary} was sent outside of the mode"


def idle_mutates_nothing(seen: Seen, books: Books) -> Checks:
    """A cycle with nothing to do sends nothing that changes anything."""
    empty = seen.plan is not None and not seen.plan.operations
    if empty or seen.idle:
        sent = [one.operation for one in seen.mutations]
        yield f"there was nothing to do, and it sent {', '.join(sent)}" if sent else None


def no_secret(seen: Seen, books: Books) -> Checks:
    """No password, and no column that no mapping names, is told to anybody or comes into a plan."""
    for one in seen.heard:
        yield f"a secret was told: {str(one)[:200]}" if CANARY in str(one) else None
    for one in seen.intents:
        yield f"a secret stands in the plan: {one.summary}" if CANARY in str(one.call) else None


# --- addresses and identity -------------------------------------------------------------------------------------------


def one_owner(seen: Seen, books: Books) -> Checks:
    """No address is owned twice."""
    owned = Counter(
        fold(address)
        for document in seen.after.values()
        if document["state"] == "ENABLED"
        for address in ([document["email"]] if document.get("email") else []) + list(document.get("aliases", ()))
    )
    for address, owners in owned.items():
        yield f"{address} is owned {owners} times" if owners > 1 else None


def _doubted(seen: Seen, books: Books, key: Key, entity: EntityId | None) -> tuple[Look, Look] | None:
    """Return how the owner of *entity* and the row of *key* look, when these are two people and it can be told."""
    person, look = seen.rows.get(key), books.looks.get(entity) if entity is not None else None
    if person is None or look is None or look.soul == person.soul:
        return None
    row = look_of(person)
    document = seen.before.get(entity) if entity is not None else None
    by_given = document is not None and document["state"] == "ENABLED"
    aliases = frozenset(fold(alias).removesuffix(f"@{DOMAIN}") for alias in person.aliases)
    return None if look.fits(row, aliases, by_given=by_given) else (look, row)


def _another(seen: Seen, books: Books, kinds: tuple[str, ...], said: str) -> Checks:
    for one in seen.intents:
        if one.kind not in kinds or seen.is_approved(one):
            continue
        entity = one.entity or (seen.bound[one.subject].entity if one.subject in seen.bound else None)
        doubted = _doubted(seen, books, one.subject, entity)
        yield None if doubted is None else f"the mailbox of {doubted[0].login} {said} {doubted[1].login}, unapproved"


def no_mailbox_opened_to_another(seen: Seen, books: Books) -> Checks:
    """Nobody's mailbox is opened again to somebody who doesn't look like who left it."""
    yield from _another(seen, books, ("register",), "is opened to")


def nobody_renamed_to_another(seen: Seen, books: Books) -> Checks:
    """Nobody's mailbox gets the name or the address of somebody else."""
    yield from _another(seen, books, ("profile.update", "primary.change"), "is renamed to")


def nobody_joined_for_another(seen: Seen, books: Books) -> Checks:
    """Nobody comes into a group in the place of somebody else."""
    for one in seen.intents:
        if one.kind != "member.add" or seen.is_approved(one) or one.call is None:
            continue
        member = one.call.parameters.get("MemberId")
        keys = [key for key, binding in seen.bound.items() if binding.entity == member]
        doubted = _doubted(seen, books, keys[0], EntityId(str(member))) if keys else None
        yield None if doubted is None else f"{doubted[0].login} comes into a group for {doubted[1].login}, unapproved"


# --- which are on -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Invariant:
    """*off* says why it isn't expected to hold yet, "" where it is."""

    says: str
    holds: Holds
    off: str = ""


_TIME = "time is counted by the wall clock, which may jump"
_READS = "a read whose cycle failed later, or tripped a guard, clears no mark"
_SMALL = "fewer than 20 let 2 pass, and emptying an organization or a kind asks nobody"
_WINDOWS = "guards count one cycle only"
_LOOKS = "a key whose look has changed is not doubted"

#: An `off` is taken away where its rule is built; from then on a violation is an error.
INVARIANTS: tuple[Invariant, ...] = (
    Invariant(says="foreign entities are untouched", holds=foreign_untouched),
    Invariant(says="who is frozen is untouched", holds=frozen_untouched),
    Invariant(says="who is protected is untouched", holds=protected_untouched),
    Invariant(says="nothing is changed without a complete read", holds=nothing_without_a_read),
    Invariant(says="nobody who is wanted is removed", holds=nobody_wanted_is_removed),
    Invariant(says="missing in enough reads before a removal", holds=missing_in_enough_reads),
    Invariant(says="missing for long enough before a removal", holds=missing_for_long_enough),
    Invariant(says="seen in none of the last reads before a removal", holds=seen_lately_is_not_removed),
    Invariant(says="a row without key protects the missing", holds=unreadable_row_protects),
    Invariant(says="nothing destructive rests on an old read", holds=not_on_old_reads),
    Invariant(says="removals within the guard", holds=removals_within_guards),
    Invariant(says="removals within the windows", holds=removals_within_windows),
    Invariant(says="emptying a group asks", holds=emptying_asks),
    Invariant(says="what was revoked is not sent", holds=revoked_is_not_sent),
    Invariant(says="every mutation has an earlier intent", holds=mutation_has_intent),
    Invariant(says="calls name opaque ids only", holds=names_ids_only),
    Invariant(says="what is applied was shown", holds=applied_was_shown),
    Invariant(says="a cycle with nothing to do mutates nothing", holds=idle_mutates_nothing),
    Invariant(says="no secret anywhere", holds=no_secret),
    Invariant(says="no address is owned twice", holds=one_owner),
    Invariant(says="no mailbox is opened to somebody else", holds=no_mailbox_opened_to_another),
    Invariant(says="no mailbox is renamed to somebody else", holds=nobody_renamed_to_another),
    Invariant(says="nobody joins groups for somebody else", holds=nobody_joined_for_another),
)
