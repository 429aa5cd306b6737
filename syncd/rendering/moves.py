"""What an address move comes to: who had which address and who has it afterwards, its detours left out.

| steps of one party  | shown for who stays                                | shown for who leaves |
|---------------------|----------------------------------------------------|----------------------|
| primary a -> p -> b | ~ address a -> b                                   | –                    |
| alias a taken       | + alias a                                          | –                    |
| alias a released    | - alias a, unless another party of the move has it | - address a          |
| p only on the way   | named once, at the end                             | –                    |
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from syncd.model.names import Key
from syncd.model.operation import Operation
from syncd.rendering.safe import safe
from syncd.rendering.view import Line, Symbol, counted

_ADDRESSES = frozenset({"primary", "alias", "state"})


@dataclass(slots=True)
class _Party:
    """What one party had (*primary*) and has (*becomes*), takes and releases; each with its reason."""

    primary: str = ""
    becomes: str = ""
    reason: str = ""
    takes: list[str] = field(default_factory=list)
    releases: dict[str, str] = field(default_factory=dict)


def is_step(operation: Operation) -> bool:
    """Return whether *operation* changes nothing but who holds which address."""
    changed = operation.before.keys() | operation.after.keys()
    if operation.call is None or operation.ends_entity:
        return False
    return bool(changed & {"primary", "alias"}) and changed <= _ADDRESSES


def move(steps: Sequence[Operation], title: Callable[[str], str]) -> Iterator[Line]:
    """Yield what *steps* among several parties come to; each step is in the plan's document."""
    parties, detours = _outcome(steps)
    for key, party in parties.items():
        who, reason = title(key), safe(party.reason)
        if party.primary and party.becomes:
            before, after = safe(party.primary), safe(party.becomes)
            yield Line(symbol=Symbol.CHANGE, label=f"{who}: address", before=before, after=after, reason=reason)
        elif party.becomes:
            yield Line(symbol=Symbol.ADD, label=f"{who}: address", names=(safe(party.becomes),))
        for address in party.takes:
            yield Line(symbol=Symbol.ADD, label=f"{who}: alias", names=(safe(address),))
        for address, why in party.releases.items():
            yield Line(symbol=Symbol.REMOVE, label=f"{who}: alias", names=(safe(address),), reason=safe(why))
    if steps:
        by_way = f", by way of {', '.join(map(safe, detours))}" if detours else ""
        yield Line(symbol=Symbol.NOTE, text=f"in {counted(len(steps), 'step')}{by_way}")


def farewell(steps: Sequence[Operation], others: Iterable[Operation]) -> Iterator[Line]:
    """Yield the addresses that a leaver gives up in *steps*, and where the mailbox is parked for it.

    Where *others* take the mailbox itself, the address it is called by and the parking go without saying.
    """
    named = {_address(operation.before, "primary") for operation in others} - {""}
    for step in steps:
        address = _address(step.before, "alias")
        if address and address not in named:
            yield Line(symbol=Symbol.REMOVE, label="address", names=(safe(address),), reason=safe(step.reason))
    for step in steps:
        parked = _address(step.after, "primary")
        if parked and not named:
            yield Line(symbol=Symbol.REMOVE, text=f"parked on {safe(parked)}", reason=safe(step.reason))


def _outcome(steps: Iterable[Operation]) -> tuple[Mapping[Key, _Party], Sequence[str]]:
    """Return what *steps* come to for each subject, and the addresses that were only used on the way."""
    parties: dict[Key, _Party] = {}
    passed: dict[str, None] = {}
    for step in steps:
        party = parties.setdefault(step.subject, _Party())
        after = _address(step.after, "primary")
        if after:
            party.primary = party.primary or _address(step.before, "primary")
            party.becomes, party.reason = after, step.reason
            passed[after] = None
        if taken := _address(step.after, "alias"):
            party.takes.append(taken)
        if released := _address(step.before, "alias"):
            party.releases[released] = step.reason
    held = {address for party in parties.values() for address in (party.becomes, *party.takes)}
    for party in parties.values():
        party.releases = {a: why for a, why in party.releases.items() if a not in held and a not in passed}
    ends = {address for party in parties.values() for address in (party.primary, party.becomes)}
    return parties, [address for address in passed if address not in ends]


def _address(change: Mapping[str, object], name: str) -> str:
    value = change.get(name)
    return value if isinstance(value, str) else ""
