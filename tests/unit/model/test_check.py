"""What a check may say."""

from datetime import timedelta

import pytest

from syncd.errors import Problem, SourceUnreachable
from syncd.model.check import Check, Health, clock_skew, fail, failed, ok, warn


def test_only_a_failure_has_an_exit_code() -> None:
    """A warning that ended a command, or a failure that didn't, can't be made."""
    with pytest.raises(ValueError, match="WARN with exit code 69"):
        Check(topic="tls", health=Health.WARN, found="it ends", exit_code=69)
    with pytest.raises(ValueError, match="FAIL with exit code 0"):
        Check(topic="tls", health=Health.FAIL, found="it has ended")
    assert [ok("a", "b").exit_code, warn("a", "b", "c").exit_code, fail("a", "b", "c", 77).exit_code] == [0, 0, 77]


def test_an_error_is_told_with_all_its_problems() -> None:
    """Each problem has its line, the hint is the next step, the exit code is the error's."""
    problems = [Problem(where="dc1", reason="no answer", remedy="start it"), Problem(where="dc2", reason="refused")]
    check = failed("read", SourceUnreachable("no server could be used", problems, hint="look at the network"))

    assert check.found == "no server could be used\ndc1: no answer; start it\ndc2: refused"
    assert (check.remedy, check.exit_code) == ("look at the network", 69)


def test_a_failure_always_has_a_next_step() -> None:
    """That of the only problem; of several, each line has its own; without any, the message must do."""
    one = failed("read", SourceUnreachable("no answer", [Problem(where="dc1", reason="silent", remedy="start it")]))
    two = failed("read", SourceUnreachable("no answer", [Problem(where="a", reason="b")] * 2))

    assert (one.found, one.remedy) == ("no answer\ndc1: silent", "start it")
    assert two.remedy == "mend each of these"
    assert failed("read", SourceUnreachable("no answer")).remedy == "the message tells why"


@pytest.mark.parametrize(
    ("seconds", "code", "health", "found"),
    [
        (0, 77, Health.OK, "within 1 s of AWS"),
        (60, 77, Health.OK, "within 60 s of AWS"),
        (61, 77, Health.WARN, "this machine is 61 s ahead of AWS"),
        (-61, 77, Health.WARN, "this machine is 61 s behind AWS"),
        (300, 77, Health.WARN, "this machine is 300 s ahead of AWS"),
        (-301, 77, Health.FAIL, "this machine is 301 s behind AWS: beyond 5 minutes everything is refused"),
        (7200, 0, Health.WARN, "this machine is 7,200 s ahead of AWS"),
    ],
)
def test_clocks_may_differ_by_a_minute(seconds: int, code: int, health: Health, found: str) -> None:
    """Beyond a minute it is told, beyond five it fails where somebody refuses us for it."""
    check = clock_skew("clock", "AWS", timedelta(seconds=seconds), exit_code=code)

    assert (check.health, check.found) == (health, found)
    assert bool(check.remedy) is (health is not Health.OK)
