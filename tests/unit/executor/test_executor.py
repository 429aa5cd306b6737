"""Runs a plan's graph: one bad entity never blocks the others, and nothing is sent that rests on what failed."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from threading import Event
from typing import Any

import pytest

from syncd.errors import CallError, OutcomeUnknown, PermanentCallError, StoreError, Throttled, TransientCallError
from syncd.executor import IDENTICAL_ERRORS, STALE_AFTER_S, Executor
from syncd.model.action import Action
from syncd.model.memory import Binding
from syncd.model.names import EntityId, Key
from syncd.model.operation import Bundle, Call, Operation, Ref
from syncd.model.report import Outcome, Refusal, Result
from syncd.workmail.terms import TERMS
from tests.builders import NOW, binding, operation
from tests.fakes.clock import FakeClock
from tests.fakes.observer import RecordingObserver
from tests.fakes.stores import FakeStores


class Service:
    """Answers calls; *fails* says which call (by the value of `X`) fails how, try after try."""

    def __init__(self, fails: Mapping[str, list[CallError]] | None = None) -> None:
        self.sent: list[str] = []
        self.calls: list[Call] = []
        self.fails = {name: list(errors) for name, errors in (fails or {}).items()}
        self._lock = threading.Lock()

    def __call__(self, call: Call) -> EntityId | None:
        with self._lock:
            name = str(call.parameters.get("X", call.operation))
            self.sent.append(name)
            self.calls.append(call)
            errors = self.fails.get(name)
            if errors:
                raise errors.pop(0)
            return EntityId(f"id-of-{name}") if call.operation.startswith("Create") and name != call.operation else None


def step(
    name: str,
    *needs: Operation,
    call: str = "CreateAlias",
    follows: tuple[Operation, ...] = (),
    **more: Any,  # noqa: ANN401 - Operation's own
) -> Operation:
    return operation(
        more.pop("kind", "user.create" if call == "CreateUser" else "alias.add"),
        f"user:{name}",
        call=Call(call, {"X": name, **more.pop("parameters", {})}),
        needs=frozenset(need.id for need in needs),
        follows=frozenset(one.id for one in follows),
        after={"alias": name},
        summary=f"step {name}",
        **more,
    )


class Run:
    """An executor over fakes."""

    def __init__(self, service: Service, *, workers: int = 1) -> None:
        self.clock = FakeClock()
        self.stores = FakeStores(self.clock)
        self.observer = RecordingObserver()
        self.stop = Event()
        self.executor = Executor(
            send=service,
            journal=self.stores,
            observer=self.observer,
            clock=self.clock,
            before=lambda _: None,
            after=_binds,
            failure=lambda _, code: None,
            terms=TERMS,
            workers=workers,
            stop=self.stop,
        )

    def __call__(self, *operations: Operation, read_at: float | None = None) -> dict[str, Outcome]:
        at = self.clock.monotonic() if read_at is None else read_at
        outcomes = self.executor.run(operations, read_at=at)
        assert [one.operation for one in outcomes] == list(operations)
        return {one.operation.subject.removeprefix("user:"): one for one in outcomes}


def _binds(operation: Operation, created: EntityId | None) -> tuple[Binding | None, Key | None]:
    if created is None:
        return None, None
    return Binding(key=operation.subject, entity=created, source="csv:id", since=NOW), None


def denied(call: str = "CreateAlias", code: str = "AccessDeniedException") -> PermanentCallError:
    return PermanentCallError(call, code, "no")


def refused(code: str = "LimitExceededException") -> PermanentCallError:
    return PermanentCallError("CreateAlias", code, "too many")


def busy() -> TransientCallError:
    return TransientCallError("CreateAlias", "InternalFailure", "oops")


def lost() -> OutcomeUnknown:
    return OutcomeUnknown("CreateUser", "NoAnswer", "timeout")


def results(outcomes: Mapping[str, Outcome]) -> dict[str, str]:
    return {name: str(one.result) for name, one in outcomes.items()}


# --- what fails, and what goes on ------------------------------------------------------------------------------------


def test_a_failure_skips_only_what_needs_it() -> None:
    """What needs the failed one is skipped and says why, however far; everything else is done."""
    a = step("a")
    b = step("b", a)
    c = step("c", b)
    outcomes = Run(Service({"a": [refused()]}))(a, b, c, step("d"))
    assert results(outcomes) == {"a": "failed", "b": "skipped", "c": "skipped", "d": "applied"}
    assert outcomes["b"].message == "it needs 'step a', which did not succeed"
    assert (outcomes["a"].code, outcomes["a"].message) == ("LimitExceededException", "too many")
    assert outcomes["b"].code == "NeedFailed"


def test_what_only_follows_goes_on() -> None:
    """Following is waiting for the end, not for success: a leaver never stays because an exit failed."""
    exit_ = step("exit")
    service = Service({"exit": [refused()]})
    assert results(Run(service)(step("leave", follows=(exit_,)), exit_)) == {"leave": "applied", "exit": "failed"}
    assert service.sent == ["exit", "leave"]


def test_a_need_that_isnt_part_of_the_run_is_a_failed_one() -> None:
    """A plan applied in part doesn't send what rests on the other part."""
    outcomes = Run(Service())(step("b", step("a")))
    assert outcomes["b"].result is Result.SKIPPED
    assert "not part of this run" in outcomes["b"].message


def test_access_denied_stops_that_name_at_once() -> None:
    """The same name isn't tried again in this cycle, others are; the message names the permission."""
    service = Service({"a": [denied()]})
    outcomes = Run(service)(step("a"), step("b"), step("c", call="DeleteAlias"))
    assert results(outcomes) == {"a": "failed", "b": "skipped", "c": "applied"}
    assert "allow workmail:CreateAlias" in outcomes["b"].message
    assert service.sent == ["a", "c"]


@pytest.mark.parametrize(("count", "stops"), [(IDENTICAL_ERRORS - 1, False), (IDENTICAL_ERRORS, True)])
def test_twenty_identical_errors_stop_that_name(count: int, stops: bool) -> None:
    """Nineteen in a row don't, twenty do; other names go on."""
    service = Service({f"{n:02}": [refused()] for n in range(count)})
    steps = [step(f"{n:02}") for n in range(count)]
    outcomes = Run(service)(*steps, step("last"), step("other", call="DeleteAlias"))
    assert results(outcomes)["last"] == ("skipped" if stops else "applied")
    assert results(outcomes)["other"] == "applied"
    if stops:
        assert "failed 20 times in a row with LimitExceededException" in outcomes["last"].message


@pytest.mark.parametrize("between", [[], [PermanentCallError("CreateAlias", "EmailAddressInUseException", "taken")]])
def test_something_else_in_between_starts_the_count_anew(between: list[CallError]) -> None:
    """In a row means in a row: a success, or another error, in between, and nothing is stopped."""
    errors: dict[str, list[CallError]] = {f"{n:02}": [refused()] for n in range(2 * IDENTICAL_ERRORS - 2)}
    errors[f"{IDENTICAL_ERRORS - 1:02}"] = between
    outcomes = Run(Service(errors))(*(step(name) for name in sorted(errors)), step("last"))
    assert outcomes["last"].result is Result.APPLIED


def test_bad_credentials_stop_everything() -> None:
    """Nothing else would succeed either: the rest is skipped, for the next cycle."""
    service = Service({"a": [denied(code="ExpiredTokenException")]})
    run = Run(service)
    outcomes = run(step("a"), step("b"), step("c", call="DeleteAlias"))
    assert results(outcomes) == {"a": "failed", "b": "skipped", "c": "skipped"}
    assert "ExpiredTokenException" in outcomes["b"].message
    assert service.sent == ["a"]


# --- trying again ----------------------------------------------------------------------------------------------------


def test_what_may_pass_is_tried_again() -> None:
    """Server faults are repeated, with growing pauses, six times in all."""
    run = Run(Service({"a": [busy()] * 5}))
    assert run(step("a"))["a"].attempts == 6
    assert run.clock.slept == sorted(run.clock.slept)
    assert Run(Service({"a": [busy()] * 6}))(step("a"))["a"].result is Result.FAILED


def test_every_repetition_is_told() -> None:
    """Five failures and a success are five repetitions; the last failure of a call that is given up is none."""
    run = Run(Service({"a": [busy()] * 5, "b": [busy()] * 6}))
    run(step("a"), step("b"))
    told = [fields for name, fields in run.observer.events if name == "api_call_retried"]

    assert told == [{"call": "CreateAlias", "code": busy().code}] * 10


def test_throttles_are_patiently_tried_again() -> None:
    """A throttle says nothing about the operation: thirty of them before it is given up."""
    slow: list[CallError] = [Throttled("CreateAlias", "ThrottlingException", "slow down")] * 29
    assert Run(Service({"a": slow}))(step("a"))["a"].result is Result.APPLIED
    assert Run(Service({"a": [*slow, *slow]}))(step("a"))["a"].result is Result.FAILED


def test_what_is_permanent_is_not_tried_again() -> None:
    """LimitExceeded stays (`workmail.md` 0.4)."""
    service = Service({"a": [refused()]})
    Run(service)(step("a"))
    assert service.sent == ["a"]


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ("RegisterToWorkMail", "EntityAlreadyRegisteredException"),
        ("DeregisterFromWorkMail", "EntityStateException"),
    ],
)
def test_a_call_whose_answer_was_lost_may_be_done(call: str, code: str) -> None:
    """The second try says that it is done already: that is success (`workmail.md` B4, B11). A first try, no."""
    error = (TransientCallError if code == "EntityStateException" else PermanentCallError)(call, code, "already")
    assert Run(Service({"a": [lost(), error]}))(step("a", call=call))["a"].result is Result.APPLIED
    assert Run(Service({"a": [error] * 6}))(step("a", call=call))["a"].result is Result.FAILED


CREATION: dict[str, Any] = {"call": "CreateUser", "kind": "user.create"}


def creation(name: str = "a") -> Operation:
    return operation(
        "user.create",
        f"user:{name}",
        call=Call("CreateUser", {"X": name}),
        after={"name": name},
        summary=f"make {name}",
    )


@pytest.mark.parametrize(
    "errors",
    [
        [lost()],
        [busy(), PermanentCallError("CreateUser", "NameAvailabilityException", "in use")],
        [busy()] * 6,
    ],
)
def test_a_creation_that_may_have_happened_is_not_repeated_blindly(errors: list[CallError]) -> None:
    """Unknown is unknown: the intent stays open, so that the next match finds the entity by its name."""
    service, made = Service({"a": errors}), creation()
    run = Run(service)
    outcomes = run(made, step("b", made))
    assert (outcomes["a"].result, outcomes["b"].result) == (Result.UNKNOWN, Result.SKIPPED)
    assert list(run.stores.open) == [made.id]
    assert service.sent.count("a") == len(errors)


def test_a_creation_that_was_refused_is_settled() -> None:
    """A name in use without any lost answer before it is somebody else's."""
    run = Run(Service({"a": [PermanentCallError("CreateUser", "NameAvailabilityException", "in use")]}))
    assert run(creation())["a"].result is Result.FAILED
    assert run.stores.open == {}


def test_the_new_id_is_passed_on_and_bound() -> None:
    """What needs the creation is sent with the id that it returned."""
    service, made = Service(), creation("a")
    run = Run(service)
    run(made, step("b", made, parameters={"EntityId": Ref(Key("user:a"))}))
    assert service.calls[-1].parameters["EntityId"] == "id-of-a"
    assert run.stores.bindings[Key("user:a")].entity == "id-of-a"


# --- stopping --------------------------------------------------------------------------------------------------------


def _stopping(run: Run, service: Service) -> Callable[[Call], EntityId | None]:
    """The process is told to stop while a call is under way."""

    def send(call: Call) -> EntityId | None:
        run.stop.set()
        return service(call)

    return send


def test_told_to_stop_it_ends_the_call_in_flight() -> None:
    """The call under way is finished and settled; the rest is skipped."""
    service = Service()
    run = Run(service)
    run.executor.send = _stopping(run, service)
    assert results(run(step("a"), step("b"))) == {"a": "applied", "b": "skipped"}
    assert run.stores.intents[0].subject == "user:a"
    assert len(run.stores.intents) == 1


@pytest.mark.parametrize(("bundle", "ends"), [("removal:user:fry", True), ("move:user:fry", False)])
def test_a_changed_configuration_ends_a_removal_that_has_begun(bundle: str, ends: bool) -> None:
    """Who has just been protected isn't deregistered for the sake of the exit before; half a move is ended."""
    service = Service()
    run = Run(service)
    run.executor.send = _stopping(run, service)
    run.executor.halt.set()
    run.executor.begun.add(Bundle.parse(bundle))
    first, second = step("a", bundle=bundle), step("b", bundle=bundle)

    assert results(run(first, second)) == dict.fromkeys("ab", "skipped" if ends else "applied")


def test_told_to_stop_it_tries_nothing_again() -> None:
    """A retry would keep the process waiting."""
    service = Service({"a": [busy()]})
    run = Run(service)
    run.executor.send = _stopping(run, service)
    assert run(step("a"))["a"].result is Result.FAILED
    assert service.sent == ["a"]


@pytest.mark.parametrize(("age", "sent"), [(STALE_AFTER_S, True), (STALE_AFTER_S + 1, False)])
def test_nothing_destructive_rests_on_an_old_read(age: float, sent: bool) -> None:
    """After half an hour what takes away waits for a new read; what adds goes on."""
    run = Run(Service())
    takes = step("takes", call="DeleteAlias", kind="alias.remove", action=Action.REMOVE)
    outcomes = run(takes, step("adds"), read_at=run.clock.monotonic() - age)
    assert outcomes["takes"].result is (Result.APPLIED if sent else Result.SKIPPED)
    assert outcomes["adds"].result is Result.APPLIED
    assert (outcomes["takes"].code == "StaleRead") is not sent


def test_without_journal_nothing_is_sent() -> None:
    """An intent that can't be written ends the cycle before the call."""
    service = Service()
    run = Run(service)

    class Full(FakeStores):
        def intend(self, *what: object, **more: object) -> Refusal | None:
            raise StoreError("disk full")

    run.executor.journal = Full(run.clock)
    with pytest.raises(StoreError):
        run(step("a"), step("b"))
    assert service.sent == []


# --- order -----------------------------------------------------------------------------------------------------------


def graph() -> list[Operation]:
    """Sixty steps in twenty chains, and one that all of them follow into."""
    chains = [[step(f"{n:02}a")] for n in range(20)]
    for n, chain in enumerate(chains):
        chain.append(step(f"{n:02}b", chain[0]))
        chain.append(step(f"{n:02}c", chain[1], follows=(chains[n - 1][0],)))
    return [one for chain in chains for one in chain]


def test_one_worker_has_one_trace() -> None:
    """The same plan is always sent in the same order: the first that is ready, in the plan's order."""
    first, second = Service(), Service()
    Run(first)(*graph())
    Run(second)(*graph())
    assert first.sent == second.sent
    assert first.sent[:4] == ["00a", "00b", "01a", "01b"]


@pytest.mark.parametrize("workers", [2, 8])
def test_many_workers_do_what_one_does(workers: int) -> None:
    """Same outcomes as with one, no need sent after what needs it, each exactly once."""
    fails: dict[str, list[CallError]] = {"03a": [refused()], "07b": [refused()], "09a": [busy(), busy()]}
    serial = results(Run(Service(fails))(*graph()))
    service = Service(fails)
    assert results(Run(service, workers=workers)(*graph())) == serial
    applied = [name for name in service.sent if serial[name] == "applied"]
    assert len(set(applied)) == sum(result == "applied" for result in serial.values())
    for n in range(20):
        chain = [name for name in applied if name.startswith(f"{n:02}")]
        assert sorted(chain) == chain


def test_an_error_of_the_store_ends_many_workers_too() -> None:
    """However many workers: nothing is sent any more once the journal can't be written."""
    service = Service()
    run = Run(service, workers=4)

    class Filling(FakeStores):
        def settle(self, outcome: Outcome, **written: object) -> None:
            raise StoreError("disk full")

    run.executor.journal = Filling(run.clock)
    with pytest.raises(StoreError):
        run(*graph())
    assert len(service.sent) <= 8


# --- removals ---------------------------------------------------------------------------------------------------------


def leaver(name: str) -> tuple[Operation, Operation]:
    """Park and deregister: a removal of two calls."""
    whole: dict[str, Any] = {"bundle": f"removal:user:{name}", "entity": f"id-{name}"}
    parked = step(name, call="UpdatePrimaryEmailAddress", kind="address.park", **whole)
    return parked, step(f"{name}-ends", parked, call="DeregisterFromWorkMail", kind="deregister", **whole)


def test_no_removal_begins_whose_end_is_not_allowed() -> None:
    """The first leaver's end is refused: nobody else is parked in vain, and what was sent of the first is known."""
    first, second = leaver("a"), leaver("b")
    service = Service({"a-ends": [denied("DeregisterFromWorkMail")]})
    follows = frozenset({first[1].id})
    outcomes = Run(service)(*first, replace(second[0], follows=follows), second[1])
    assert results(outcomes) == {"a": "applied", "a-ends": "failed", "b": "skipped", "b-ends": "skipped"}
    assert outcomes["b"].code == "OperationStopped"
    assert service.sent == ["a", "a-ends"]


def test_a_removal_that_has_begun_hears_its_own_refusal() -> None:
    """Somebody else's refusal stops no removal halfway: its own does, so that it is given back at once."""
    _, end = leaver("a")
    _, other = leaver("b")
    begun, late = replace(end, needs=frozenset()), replace(other, needs=frozenset(), follows=frozenset({end.id}))
    service = Service({name: [denied("DeregisterFromWorkMail")] for name in ("a-ends", "b-ends")})
    run = Run(service)
    run.executor.begun = {end.bundle, other.bundle}
    assert results(run(begun, late)) == {"a-ends": "failed", "b-ends": "failed"}
    assert service.sent == ["a-ends", "b-ends"]


def test_a_stop_lets_a_removal_of_an_earlier_cycle_end() -> None:
    """Begun is begun, whichever cycle did it."""
    _, end = leaver("a")
    run = Run(Service())
    run.executor.begun = {end.bundle}
    run.stop.set()
    assert results(run(replace(end, needs=frozenset()))) == {"a-ends": "applied"}


@pytest.mark.parametrize(
    ("error", "told"), [(Throttled("X", "ThrottlingException", "slow down"), "skipped"), (busy(), "unknown")]
)
def test_a_call_whose_approval_is_revoked_between_two_tries_is_not_tried_again(error: CallError, told: str) -> None:
    """Who says no while the service is busy has said it in time, unless a try may have had its effect."""
    _, end = leaver("a")
    service = Service({"a-ends": [error, error]})
    run = Run(service)

    def revoked_meanwhile(call: Call) -> EntityId | None:
        run.stores.revoked[1] = NOW
        return service(call)

    run.executor.before = lambda _: binding("user:a", approval=1)
    run.executor.send = revoked_meanwhile
    outcome = run(replace(end, needs=frozenset()))["a-ends"]
    assert (str(outcome.result), outcome.code, outcome.attempts) == (told, "Revoked", 1)


def test_what_gives_back_goes_on_beside_a_call_that_is_stopped() -> None:
    """One of its calls isn't allowed: the others still give back what they can."""
    whole: dict[str, Any] = {"bundle": "rollback:user:a", "entity": "id-a"}
    alias = step("a-alias", call="CreateAlias", **whole)
    primary = step("a-primary", call="UpdatePrimaryEmailAddress", kind="primary.change", **whole)
    other = step("b", call="CreateAlias")
    run = Run(Service({"b": [denied()]}))
    run.executor.begun = {alias.bundle}
    late = (replace(one, follows=frozenset({other.id})) for one in (alias, primary))
    assert results(run(other, *late)) == {"b": "failed", "a-alias": "skipped", "a-primary": "applied"}
