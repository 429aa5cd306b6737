from collections.abc import Sequence

import pytest

from syncd.emulator import Emulator, ServiceFault
from syncd.emulator.calllog import CallLog
from syncd.emulator.faults import (
    ConnectionDropped,
    ErrorAnswer,
    Fault,
    FaultyService,
    Moment,
    Refused,
    Throttle,
    TimedOut,
    parse_rules,
)
from syncd.errors import ConfigurationError
from tests.fakes.clock import FakeClock

DOMAIN = "planetexpress.example"


class Company:
    """An organization behind faults, without HTTP."""

    def __init__(self, *rules: Fault) -> None:
        self.clock = FakeClock()
        self.emulator = Emulator()
        self.organization_id = self.emulator.create_organization(alias="planetexpress", domains=(DOMAIN,))
        self.log = CallLog(self.clock)
        self.service = FaultyService(self.emulator, rules, clock=self.clock, log=self.log)

    def call(self, operation: str, **params: object) -> dict[str, object]:
        return self.service.call(operation, {"OrganizationId": self.organization_id, **params})

    def outcome(self, operation: str, **params: object) -> str:
        try:
            self.call(operation, **params)
        except ServiceFault as fault:
            return fault.code
        except (ConnectionDropped, TimedOut) as cut:
            return type(cut).__name__
        return "ok"

    def outcomes(self, count: int, operation: str = "ListUsers") -> list[str]:
        return [self.outcome(operation) for _ in range(count)]

    def create(self, name: str = "fry") -> str:
        return self.outcome("CreateUser", Name=name, DisplayName=name)

    def has(self, name: str) -> bool:
        listed = self.emulator.call(
            "ListUsers", {"OrganizationId": self.organization_id, "Filters": {"UsernamePrefix": name}}
        )
        return bool(listed["Users"])


BUSY = ErrorAnswer(code="ServiceUnavailable", status=503)


def test_without_rules_calls_go_through() -> None:
    """Without rules the service behaves as the emulator behind it."""
    company = Company()

    assert (company.create(), company.create()) == ("ok", "NameAvailabilityException")


def test_an_error_keeps_the_call_from_its_effect() -> None:
    """An error rule answers with its code and status, and nothing is carried out."""
    company = Company(Fault(operation="CreateUser", error=BUSY))

    with pytest.raises(ServiceFault) as fault:
        company.call("CreateUser", Name="fry", DisplayName="Fry")

    assert (fault.value.code, fault.value.status) == ("ServiceUnavailable", 503)
    assert not company.has("fry")


def test_a_pattern_matches_operations() -> None:
    """An operation may be a pattern: `Create*` matches creations, and not lists."""
    company = Company(Fault(operation="Create*", error=BUSY))

    assert (company.create(), company.outcome("CreateGroup", Name="crew")) == ("ServiceUnavailable",) * 2
    assert company.outcome("ListUsers") == "ok"


def test_an_entity_matches_any_parameter() -> None:
    """A rule for an entity strikes the calls that name it, whichever parameter does."""
    company = Company(Fault(entity="fry", error=BUSY))

    assert company.create("leela") == "ok"
    assert company.create("fry") == "ServiceUnavailable"
    assert company.outcome("DescribeUser", UserId="fry") == "ServiceUnavailable"


def test_nth_counts_matching_calls() -> None:
    """The n-th call that matches is struck, the others are not."""
    company = Company(Fault(operation="ListUsers", nth=3, error=BUSY))
    company.outcome("ListGroups")

    assert company.outcomes(4) == ["ok", "ok", "ServiceUnavailable", "ok"]


def test_times_limits_how_often() -> None:
    """A rule strikes at most as often as it says."""
    company = Company(Fault(times=2, error=BUSY))

    assert company.outcomes(4) == ["ServiceUnavailable", "ServiceUnavailable", "ok", "ok"]


def test_a_seed_replays_chance() -> None:
    """A seed strikes the same calls again, as many as the probability says; another seed strikes others."""
    first, again, other = (Company(Fault(probability=0.3, seed=seed, error=BUSY)).outcomes(200) for seed in (7, 7, 8))

    assert first == again != other
    assert 40 <= first.count("ServiceUnavailable") <= 80


def test_a_throttle_lets_its_rate_through() -> None:
    """After the burst, as many calls go through as the rate gives back in the time that passes."""
    company = Company(Fault(throttle=Throttle(rate=2, burst=3)))

    assert company.outcomes(5) == ["ok", "ok", "ok", "ThrottlingException", "ThrottlingException"]
    company.clock.advance(seconds=0.5)
    assert company.outcomes(2) == ["ok", "ThrottlingException"]
    company.clock.advance(seconds=60)
    assert company.outcomes(4) == ["ok", "ok", "ok", "ThrottlingException"]


def test_a_throttle_says_when_to_come_back() -> None:
    """The refusal carries the code and the waiting time that the rule gives."""
    company = Company(Fault(throttle=Throttle(rate=0.1, code="TooManyRequestsException", retry_after_ms=900)))
    company.call("ListUsers")

    with pytest.raises(Refused) as refused:
        company.call("ListUsers")

    assert (refused.value.code, refused.value.retry_after_ms) == ("TooManyRequestsException", 900)


@pytest.mark.parametrize(("moment", "made"), [("before", False), ("after", True)])
@pytest.mark.parametrize("cut", ["TimedOut", "ConnectionDropped"])
def test_a_cut_comes_before_or_after_the_effect(cut: str, moment: Moment, made: bool) -> None:
    """Time-outs and dropped connections happen before the effect or after it, as the rule says."""
    rule = Fault(operation="CreateUser", timeout=moment) if cut == "TimedOut" else Fault(drop=moment)
    company = Company(rule)

    assert company.create() == cut
    assert company.has("fry") is made


def test_a_cut_hides_the_error_too() -> None:
    """After a call that would have failed, a client that gets no answer doesn't learn that either."""
    company = Company(Fault(timeout="after"))

    assert company.outcome("DescribeUser", UserId="nobody") == "TimedOut"


def test_slow_answers_wait_on_the_clock() -> None:
    """A delay takes the clock's time, adds up with other delays, and lets later rules decide."""
    company = Company(Fault(delay_s=2), Fault(delay_s=3), Fault(operation="ListUsers", error=BUSY))

    assert company.outcome("ListUsers") == "ServiceUnavailable"
    assert company.clock.slept == [5]


def test_the_first_rule_that_strikes_ends_the_call() -> None:
    """A later rule doesn't count a call that an earlier one ended."""
    company = Company(Fault(times=1, drop="before"), Fault(error=BUSY, nth=1))

    assert company.outcomes(3) == ["ConnectionDropped", "ServiceUnavailable", "ok"]
    assert company.service.fired() == ((3, 1), (2, 1))


def test_switches_hold_while_the_rule_is_in_force() -> None:
    """A rule turns switches of the emulator, which turn back with it, whatever else changed meanwhile."""
    company = Company(Fault(switches={"shuffle": True, "settle": 2.5}))
    assert (company.emulator.switches.shuffle, company.emulator.switches.settle) == (True, 2.5)

    company.service.set_switches({"group_cycles": True})
    company.service.set_rules(())

    switches = company.emulator.switches
    assert (switches.shuffle, switches.settle, switches.group_cycles) == (False, 0.0, True)


def test_calls_are_logged_with_their_outcome() -> None:
    """Each call is noted once, with what the client saw and how long it took."""
    company = Company(Fault(nth=2, delay_s=1.5), Fault(nth=3, timeout="before"))

    company.outcomes(2)
    company.outcome("ListUsers")

    assert [(record.outcome, record.took_s) for record in company.log.recent()] == [
        ("ok", 0.0),
        ("ok", 1.5),
        ("no answer, stopped before the effect", 0.0),
    ]


def test_rules_are_read_from_plain_data() -> None:
    """Rules read from a document are the rules one would write in code."""
    rules = parse_rules(
        {
            "faults": [
                {"operation": "Create*", "nth": 2, "timeout": "after"},
                {"throttle": {"rate": 5, "burst": 10}},
                {"switches": {"settle": 1}},
            ]
        },
        "faults.json",
    )

    assert rules == (
        Fault(operation="Create*", nth=2, timeout="after"),
        Fault(throttle=Throttle(rate=5, burst=10)),
        Fault(switches={"settle": 1}),
    )


@pytest.mark.parametrize(
    ("rules", "complaint"),
    [
        (
            [{"operation": "CreateUsr", "drop": "after"}],
            "faults[0].operation: 'CreateUsr' matches no operation",
        ),
        (
            [{"opration": "CreateUser", "drop": "after"}],
            "faults[0].opration: unknown member; did you mean operation?",
        ),
        ([{"operation": "CreateUser"}], "faults[0]: exactly one of error, throttle"),
        ([{"drop": "after", "delay_s": 1}], "faults[0]: exactly one of error, throttle"),
        ([{"timeout": "sometimes"}], "faults[0].timeout: Input should be 'before' or 'after'"),
        ([{"drop": "after", "probability": 2}], "faults[0]: probability lies above 0, at most at 1: 2"),
        ([{"drop": "after", "nth": 0}], "faults[0]: nth counts from 1"),
        ([{"drop": "after", "nth": "2"}], "faults[0].nth: Input should be a valid integer"),
        ([{"drop": "after", "times": 0}], "faults[0]: times must be at least 1"),
        ([{"delay_s": -1}], "faults[0]: delay_s can't be negative"),
        ([{"gate": ""}], "faults[0]: gate is a name"),
        ([{"error": {"code": "X", "status": 200}}], "faults[0].error: status must be between 400 and 599"),
        ([{"error": {}}], "faults[0].error.code: Field required"),
        ([{"throttle": {"rate": 0}}], "faults[0].throttle: rate must be above 0"),
        ([{"throttle": {"rate": 1, "burst": 0}}], "faults[0].throttle: burst must be at least 1"),
        ([{"switches": {"settle": 1}, "nth": 2}], "faults[0]: switches hold for all calls"),
        ({"rules": []}, "faults: Input should be a valid array"),
    ],
)
def test_a_wrong_rule_is_refused(rules: object, complaint: str) -> None:
    """A rule that makes no sense is refused, with its place and what is wrong."""
    with pytest.raises(ConfigurationError) as error:
        parse_rules(rules, "faults")

    assert complaint in str(error.value)


@pytest.mark.parametrize(
    ("switches", "complaint"),
    [
        ({"setle": 2}, "switches.setle: unknown member; did you mean settle?"),
        ({"shuffle": "yes"}, "switches.shuffle: Input should be a valid boolean"),
    ],
)
def test_a_wrong_switch_changes_nothing(switches: dict[str, object], complaint: str) -> None:
    """A rule with an unknown switch or a wrong value is refused, and the rules before stay in force."""
    company = Company(Fault(error=BUSY))
    wanted: Sequence[Fault] = [Fault(switches=switches)]

    with pytest.raises(ConfigurationError) as error:
        company.service.set_rules(wanted)

    assert complaint in str(error.value)
    assert company.outcomes(1) == ["ServiceUnavailable"]
