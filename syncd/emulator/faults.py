"""What goes wrong on purpose: rules, and a service that follows them, without HTTP.

    rule matches a call   operation (a name or a pattern such as `Create*`), entity (any parameter's
                          value), nth (the n-th call that matches so far), probability (with a seed),
                          times (how often at most)
    and then, exactly one error       a code and a status
                          throttle    a token bucket of hidden rate and burst
                          timeout     no answer, `before` or `after` the effect
                          drop        the connection breaks, `before` or `after` the effect
                          delay_s     a slow answer; later rules are still asked
                          gate        held at the gate of that name until somebody opens it, which the
                                      control API does (`gates.py`); later rules are still asked
                          switches    not of one call: the emulator's switches while the rule is in
                                      force (consistency lag, empty pages, shuffled lists, ...)

Rules are asked in order. The first that ends a call ends it: later rules don't see that call.
"""

import contextlib
import random
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, fields, replace
from fnmatch import fnmatchcase
from typing import Any, ClassVar, Literal, TypeAlias

from pydantic import TypeAdapter

from syncd import wire
from syncd.emulator.calllog import OK, CallLog
from syncd.emulator.documents import changed, read_as
from syncd.emulator.fault import ServiceFault
from syncd.emulator.gates import Gates
from syncd.emulator.service import Emulator
from syncd.emulator.switches import Switches
from syncd.errors import ConfigurationError, Problem
from syncd.ports import Clock

Params: TypeAlias = Mapping[str, object]
Moment: TypeAlias = Literal["before", "after"]

_ERRORS = range(400, 600)

#: How pydantic reads these rules from a document: unknown members and wrong types are errors.
_STRICT = {"extra": "forbid", "strict": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorAnswer:
    """Answer with an error; 5xx statuses are the service's own faults."""

    __pydantic_config__: ClassVar[dict[str, object]] = _STRICT

    code: str
    status: int = 400
    message: str = "This answer comes from a fault rule."

    def __post_init__(self) -> None:
        _demand(self.status in _ERRORS, f"status must be between 400 and 599, not {self.status}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttle:
    """Answer *rate* calls a second, after a first *burst*; refuse the others."""

    __pydantic_config__: ClassVar[dict[str, object]] = _STRICT

    rate: float
    burst: float = 1.0
    code: str = "ThrottlingException"
    status: int = 400
    #: Sent as header `x-amz-retry-after`; absent when None.
    retry_after_ms: int | None = None

    def __post_init__(self) -> None:
        _demand(self.rate > 0, f"rate must be above 0, not {self.rate}")
        _demand(self.burst >= 1, f"burst must be at least 1, not {self.burst}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One rule: which calls it matches and what happens to them (the module says how)."""

    __pydantic_config__: ClassVar[dict[str, object]] = _STRICT

    operation: str = "*"
    entity: str | None = None
    nth: int | None = None
    probability: float = 1.0
    seed: int = 0
    times: int | None = None

    error: ErrorAnswer | None = None
    throttle: Throttle | None = None
    timeout: Moment | None = None
    drop: Moment | None = None
    delay_s: float | None = None
    gate: str | None = None
    switches: Mapping[str, object] | None = None

    def __post_init__(self) -> None:
        effects = ("error", "throttle", "timeout", "drop", "delay_s", "gate", "switches")
        given = [name for name in effects if getattr(self, name) is not None]
        _demand(len(given) == 1, f"exactly one of {', '.join(effects)} is needed, not {len(given)}")
        _demand(0 < self.probability <= 1, f"probability lies above 0, at most at 1: {self.probability}")
        _demand(self.nth is None or self.nth >= 1, f"nth counts from 1, so it can't be {self.nth}")
        _demand(self.times is None or self.times >= 1, f"times must be at least 1, not {self.times}")
        _demand(self.delay_s is None or self.delay_s >= 0, f"delay_s can't be negative: {self.delay_s}")
        _demand(self.gate != "", "gate is a name, so it can't be empty")
        matchers = ("operation", "entity", "nth", "probability", "seed", "times")
        defaults = {member.name: member.default for member in fields(self)}
        _demand(
            self.switches is None or all(getattr(self, name) == defaults[name] for name in matchers),
            "switches hold for all calls: leave out operation, entity, nth, probability, seed and times",
        )


def parse_rules(document: object, where: str) -> tuple[Fault, ...]:
    """Read rules from plain data: a list of rules, or an object with the list as `faults`.

    Raises:
        ConfigurationError: with every problem and its place.
    """
    if isinstance(document, dict) and set(document) == {"faults"}:
        document = document["faults"]
    rules = read_as(TypeAdapter(tuple[Fault, ...]), document, where)
    known = wire.operation_names()
    problems = [
        Problem(
            where=f"{where}[{index}].operation",
            reason=f"{rule.operation!r} matches no operation of WorkMail",
            remedy="write its name as in the API, for example CreateUser or Create*",
        )
        for index, rule in enumerate(rules)
        if not any(fnmatchcase(name, rule.operation) for name in known)
    ]
    if problems:
        raise ConfigurationError(f"{where} can't be used.", problems)
    return rules


class ConnectionDropped(Exception):
    """The connection broke; with *after_effect* the call was carried out first."""

    def __init__(self, *, after_effect: bool) -> None:
        super().__init__(f"connection dropped {'after' if after_effect else 'before'} the effect")
        self.after_effect = after_effect


class TimedOut(Exception):
    """No answer comes; with *after_effect* the call was carried out first."""

    def __init__(self, *, after_effect: bool) -> None:
        super().__init__(f"no answer, stopped {'after' if after_effect else 'before'} the effect")
        self.after_effect = after_effect


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """What the rules make of one call: wait so long and at these gates, then end it so (None: it goes through)."""

    delay_s: float = 0.0
    #: Each is done when the call may go on: with False, it ends without effect.
    gates: tuple[Future[bool], ...] = ()
    ending: Fault | None = None


class FaultyService:
    """The emulator with faults: `call` is the plain object's `call`, and may raise two things more.

    Waiting goes through *clock*; a server that must not block asks `judge`, waits by itself, also at the
    gates, and then asks `conclude`. Calls may come from several threads. Each ended call is noted in *log*.
    """

    def __init__(
        self, emulator: Emulator, rules: Sequence[Fault] = (), *, clock: Clock, log: CallLog | None = None
    ) -> None:
        self.emulator = emulator
        self.log = log
        self.gates = Gates()
        self._clock = clock
        self._lock = threading.Lock()
        self._rules: tuple[_Rule, ...] = ()
        #: What the emulator's switches were before rules switched them.
        self._overlaid: dict[str, Any] = {}
        self.set_rules(rules)

    @property
    def rules(self) -> tuple[Fault, ...]:
        return tuple(rule.fault for rule in self._rules)

    def fired(self) -> tuple[tuple[int, int], ...]:
        """Return for each rule how many calls it matched, and how often it struck."""
        with self._lock:
            return tuple((rule.seen, rule.fired) for rule in self._rules)

    def set_rules(self, rules: Sequence[Fault]) -> None:
        """Put *rules* in force instead of the present ones, with counts and buckets anew.

        Raises:
            ConfigurationError: a rule names an unknown switch, or gives one a wrong value.
        """
        with self._lock:
            self._put(rules, self._underneath())

    def set_switches(self, members: Mapping[str, object]) -> None:
        """Change some of the emulator's own switches; what rules switch stays on top, counts begin anew.

        Raises:
            ConfigurationError: an unknown switch or a wrong value.
        """
        with self._lock:
            self._put(self.rules, changed(self._underneath(), members, "switches"))

    def _underneath(self) -> Switches:
        return replace(self.emulator.switches, **self._overlaid)

    def _put(self, rules: Sequence[Fault], own: Switches) -> None:
        wanted = {name: value for rule in rules for name, value in (rule.switches or {}).items()}
        self.emulator.switches = changed(own, wanted, "switches") if wanted else own
        self._overlaid = {name: getattr(own, name) for name in wanted}
        self._rules = tuple(_Rule(rule, self._clock) for rule in rules)
        self.gates.put(rule.gate for rule in rules if rule.gate is not None)

    def call(self, operation: str, params: Params) -> dict[str, object]:
        """Carry out one call, or fail as a rule says.

        Raises:
            ServiceFault: the service's answer is an error.
            ConnectionDropped: the connection broke.
            TimedOut: no answer came.
        """
        treatment = self.judge(operation, params)
        if treatment.delay_s:
            self._clock.sleep(treatment.delay_s)
        if not all(gate.result() for gate in treatment.gates):
            treatment = STOPPED
        return self.conclude(treatment, operation, params)

    def judge(self, operation: str, params: Params) -> Treatment:
        """Ask the rules about a call that has come in; each question counts as one call."""
        if not self._rules:
            return _UNHARMED
        with self._lock:
            delay = 0.0
            gates: list[Future[bool]] = []
            for rule in self._rules:
                if not rule.strikes(operation, params):
                    continue
                if rule.fault.gate is not None:
                    gates.append(self.gates.enter(rule.fault.gate))
                elif rule.fault.delay_s is not None:
                    delay += rule.fault.delay_s
                else:
                    return Treatment(delay_s=delay, gates=tuple(gates), ending=rule.fault)
            return Treatment(delay_s=delay, gates=tuple(gates))

    def conclude(self, treatment: Treatment, operation: str, params: Params) -> dict[str, object]:
        """End a judged call: carry it out or not, answer or not; in the log, time at gates doesn't count."""
        started = self._clock.monotonic() - treatment.delay_s
        outcome = OK
        try:
            return self._conclude(treatment.ending, operation, params)
        except ServiceFault as fault:
            outcome = fault.code
            raise
        except (ConnectionDropped, TimedOut) as cut:
            outcome = str(cut)
            raise
        except Exception as error:
            outcome = type(error).__name__
            raise
        finally:
            if self.log is not None:
                took = self._clock.monotonic() - started
                self.log.record(operation, params, outcome=outcome, took_s=took)

    def _conclude(self, ending: Fault | None, operation: str, params: Params) -> dict[str, object]:
        if ending is None:
            return self.emulator.call(operation, params)
        if ending.error:
            raise ServiceFault(ending.error.code, ending.error.message, status=ending.error.status)
        if ending.throttle:
            raise Refused(ending.throttle)
        moment = ending.timeout or ending.drop
        if moment == "after":
            # Whether the call would have failed is exactly what the client never learns.
            with contextlib.suppress(ServiceFault):
                self.emulator.call(operation, params)
        cut = TimedOut if ending.timeout else ConnectionDropped
        raise cut(after_effect=moment == "after")


class Refused(ServiceFault):
    """The answer of a throttle that has no token left."""

    def __init__(self, throttle: Throttle) -> None:
        super().__init__(throttle.code, "Rate exceeded", status=throttle.status)
        self.retry_after_ms = throttle.retry_after_ms


class _Rule:
    """A rule in force: its counts, its dice and its bucket."""

    __slots__ = ("_bucket", "_dice", "fault", "fired", "seen")

    def __init__(self, fault: Fault, clock: Clock) -> None:
        self.fault = fault
        self.seen = 0
        self.fired = 0
        self._dice = random.Random(fault.seed)  # noqa: S311 - replayable faults, no secrets
        self._bucket = _Bucket(fault.throttle, clock) if fault.throttle else None

    def strikes(self, operation: str, params: Params) -> bool:
        fault = self.fault
        if fault.switches is not None or not _matches(fault, operation, params):
            return False
        self.seen += 1
        if fault.nth is not None and self.seen != fault.nth:
            return False
        if fault.probability < 1 and self._dice.random() >= fault.probability:
            return False
        if fault.times is not None and self.fired >= fault.times:
            return False
        if self._bucket is not None and self._bucket.take():
            return False
        self.fired += 1
        return True


class _Bucket:
    """Tokens that come back at a steady rate."""

    __slots__ = ("_clock", "_filled_at", "_throttle", "_tokens")

    def __init__(self, throttle: Throttle, clock: Clock) -> None:
        self._throttle = throttle
        self._clock = clock
        self._tokens = throttle.burst
        self._filled_at = clock.monotonic()

    def take(self) -> bool:
        now = self._clock.monotonic()
        gained = (now - self._filled_at) * self._throttle.rate
        self._tokens = min(self._throttle.burst, self._tokens + gained)
        self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


_UNHARMED = Treatment()


def _matches(fault: Fault, operation: str, params: Params) -> bool:
    if fault.operation not in ("*", operation) and not fnmatchcase(operation, fault.operation):
        return False
    return fault.entity is None or fault.entity in params.values()


def _demand(holds: bool, otherwise: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not holds:
        raise ValueError(otherwise)


#: Of a call that was held at a gate when the server stopped.
STOPPED = Treatment(ending=Fault(drop="before"))
