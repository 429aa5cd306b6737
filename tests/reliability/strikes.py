"""What strikes a call of the service or an entry of the store, and when: the faults of the simulator.

A *cell* is one operation with one kind of fault. A strike is data: it says which operation, the how-manieth in that
cycle, and how often; so that a story can be played again without it.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from syncd.emulator import ServiceFault
from syncd.errors import StoreError

Params = Mapping[str, object]
Answer = dict[str, object]


class Died(BaseException):
    """The process is gone: nothing of it catches this."""


class Struck(Protocol):
    """The way to the service, as a kind of fault sees it."""

    def through(self, operation: str, params: Params) -> Answer:
        """Let the call have its effect."""
        ...

    def stale(self, operation: str, params: Params) -> Answer:
        """Answer as the service was some time ago."""
        ...

    def stop(self) -> None:
        """Tell syncd to stop."""
        ...


def _error(code: str, status: int = 400) -> "Kind":
    def strike(line: Struck, operation: str, params: Params) -> Answer:
        raise ServiceFault(code, "as the simulator wants it", status=status)

    return strike


def _error_after(line: Struck, operation: str, params: Params) -> Answer:
    line.through(operation, params)
    raise ServiceFault("InternalFailure", "although it was done", status=500)


def _cut_before(line: Struck, operation: str, params: Params) -> Answer:
    raise ConnectionError("never arrived")


def _cut_after(line: Struck, operation: str, params: Params) -> Answer:
    _quietly(line, operation, params)
    raise ConnectionError("the answer is lost")


def _late_before(line: Struck, operation: str, params: Params) -> Answer:
    raise TimeoutError("never arrived")


def _late_after(line: Struck, operation: str, params: Params) -> Answer:
    _quietly(line, operation, params)
    raise TimeoutError("the answer is late")


def _quietly(line: Struck, operation: str, params: Params) -> None:
    with suppress(ServiceFault):
        line.through(operation, params)


def _dies_before(line: Struck, operation: str, params: Params) -> Answer:
    raise Died


def _dies_after(line: Struck, operation: str, params: Params) -> Answer:
    _quietly(line, operation, params)
    raise Died


def _stops(line: Struck, operation: str, params: Params) -> Answer:
    answer = line.through(operation, params)
    line.stop()
    return answer


def _partial(line: Struck, operation: str, params: Params) -> Answer:
    answer = line.through(operation, params)
    for name, rows in answer.items():
        if isinstance(rows, list) and rows:
            return {**answer, name: rows[:-1]}
    return answer


def _stale(line: Struck, operation: str, params: Params) -> Answer:
    return line.stale(operation, params)


Kind = Callable[[Struck, str, Params], Answer]

#: What can happen to any call of the service.
CALLS: Mapping[str, Kind] = {
    "throttled": _error("ThrottlingException"),
    "server fault": _error("InternalFailure", 500),
    "error after the effect": _error_after,
    "state not settled": _error("EntityStateException"),
    "refused": _error("InvalidParameterException"),
    "access denied": _error("AccessDeniedException"),
    "token expired": _error("ExpiredTokenException"),
    "cut off before": _cut_before,
    "cut off after": _cut_after,
    "timeout before": _late_before,
    "timeout after": _late_after,
    "dies before": _dies_before,
    "dies after": _dies_after,
    "told to stop": _stops,
}
#: What can happen to a list besides.
LISTS: Mapping[str, Kind] = {"partial": _partial, "stale": _stale}
#: What can happen to an entry of the store.
STORE = ("dies before", "dies after", "disk full before", "disk full after")

#: Every call that syncd makes, and every entry of its store: the rows of the table of cells.
WRITES = [
    "CreateUser",
    "CreateGroup",
    "RegisterToWorkMail",
    "DeregisterFromWorkMail",
    "CreateAlias",
    "DeleteAlias",
    "UpdatePrimaryEmailAddress",
    "UpdateUser",
    "UpdateGroup",
    "AssociateMemberToGroup",
    "DisassociateMemberFromGroup",
    "UpdateMailboxQuota",
]
READS = [
    "DescribeOrganization",
    "ListMailDomains",
    "GetMailDomain",
    "ListUsers",
    "ListGroups",
    "ListResources",
    "DescribeUser",
    "DescribeGroup",
    "ListAliases",
    "ListGroupMembers",
    "GetMailboxDetails",
]
ENTRIES = [
    "memory.load",
    "memory.record_marks",
    "memory.begun",
    "memory.bind",
    "details.load",
    "details.keep",
    "details.prune",
    "journal.intend",
    "journal.settle",
    "history.save_plan",
    "history.record",
]
#: What a strike may call each call.
_NAMES = (
    {one: (one, "*") for one in READS}
    | {one: (one, "*", "write") for one in WRITES}
    | {one: (one, "entry") for one in ENTRIES}
)


def kinds_of(operation: str) -> tuple[str, ...]:
    """Return every kind of fault that *operation* can meet."""
    if "." in operation:
        return STORE
    return (*CALLS, *LISTS) if operation.startswith("List") else tuple(CALLS)


#: Every cell there is.
CELLS = tuple((operation, kind) for operation in (*WRITES, *READS, *ENTRIES) for kind in kinds_of(operation))


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """*kind* happens to the *nth* call of *operation* in a cycle, and to *times* - 1 after it.

    `*` is any call, `write` any that changes something, `entry` any entry of the store.
    """

    operation: str
    kind: str
    nth: int = 1
    times: int = 1

    def __str__(self) -> str:
        calls = f"{'call' if self.operation == '*' else self.operation} {self.nth}"
        return f"{calls}: {self.kind}" + (f", {self.times} times" if self.times > 1 else "")


@dataclass
class Script:
    """The strikes of one cycle; *cells* counts those that came to it."""

    strikes: tuple[Strike, ...] = ()
    seen: Counter[str] = field(default_factory=Counter)
    cells: Counter[tuple[str, str]] = field(default_factory=Counter)
    fired: int = 0

    def begin(self, strikes: tuple[Strike, ...]) -> None:
        self.strikes, self.fired = strikes, 0
        self.seen.clear()

    def kind_for(self, operation: str) -> str:
        """Return what happens to this call of *operation*, "" for nothing."""
        names = _NAMES.get(operation, (operation,))
        self.seen.update(names)
        for strike in self.strikes:
            if strike.operation not in names:
                continue
            if strike.nth <= self.seen[strike.operation] < strike.nth + strike.times:
                if strike.kind not in kinds_of(operation):
                    continue
                self.cells[operation, strike.kind] += 1
                self.fired += 1
                return strike.kind
        return ""

    def around_entry(self, entry: str, write: Callable[[], object]) -> object:
        """Let *entry* of the store happen, or what strikes it."""
        kind = self.kind_for(entry)
        if kind.endswith("before"):
            raise _store_trouble(kind)
        result = write()
        if kind.endswith("after"):
            raise _store_trouble(kind)
        return result


def _store_trouble(kind: str) -> BaseException:
    return Died() if kind.startswith("dies") else StoreError("the disk is full", hint="as the simulator wants it")
