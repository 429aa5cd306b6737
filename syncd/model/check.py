"""What `syncd doctor` looked at, how it is, and what to do about it."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from syncd.errors import Problem, SyncdError

#: From here on clocks differ too much, and from here on AWS and Kerberos refuse (5 minutes, SigV4).
_SKEW_TOLD, _SKEW_REFUSED = timedelta(seconds=60), timedelta(minutes=5)


class Health(StrEnum):
    """How one thing is: WARN works today."""

    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at. *remedy* is the next step, "" where none is needed.

    *exit_code* is what a command would end with that needs this; only what fails has one. *area* is the part of the
    surroundings it belongs to, which whoever puts the checks together knows.
    """

    topic: str
    health: Health
    found: str
    remedy: str = ""
    exit_code: int = 0
    area: str = ""

    def __post_init__(self) -> None:
        """Hold health and exit code together: a warning never changes how a command ends."""
        if (self.health is Health.FAIL) != bool(self.exit_code):
            message = f"{self.topic}: {self.health.value} with exit code {self.exit_code}"
            raise ValueError(message)


def ok(topic: str, found: str) -> Check:
    """Return that all is well."""
    return Check(topic=topic, health=Health.OK, found=found)


def warn(topic: str, found: str, remedy: str) -> Check:
    """Return what works today, and should be looked at."""
    return Check(topic=topic, health=Health.WARN, found=found, remedy=remedy)


def fail(topic: str, found: str, remedy: str, exit_code: int) -> Check:
    """Return what keeps syncd from its work."""
    return Check(topic=topic, health=Health.FAIL, found=found, remedy=remedy, exit_code=exit_code)


def failed(topic: str, error: SyncdError) -> Check:
    """Return that *error* keeps syncd from its work; of several problems, each has its line with its remedy."""
    problems: tuple[Problem, ...] = getattr(error, "problems", ())
    if len(problems) == 1 and not error.hint and problems[0].remedy:
        (problem,) = problems
        return fail(topic, f"{error.message}\n{problem.where}: {problem.reason}", problem.remedy, error.exit_code)
    remedy = error.hint or ("mend each of these" if problems else "the message tells why")
    return fail(topic, "\n".join([error.message, *map(str, problems)]), remedy, error.exit_code)


def not_asked(topic: str, reason: str) -> Check:
    """Return that nobody can tell, because of something else."""
    return warn(topic, f"not looked at: {reason}", "mend that first, then run syncd doctor again")


def clock_skew(topic: str, whose: str, ahead: timedelta, *, exit_code: int) -> Check:
    """Return what it means that our clock is *ahead* of another's; *exit_code* 0: nobody refuses us for it."""
    seconds = round(ahead.total_seconds())
    if abs(ahead) <= _SKEW_TOLD:
        return ok(topic, f"within {max(abs(seconds), 1)} s of {whose}")
    found = f"this machine is {abs(seconds):,} s {'ahead of' if seconds > 0 else 'behind'} {whose}"
    remedy = "set it by NTP (timedatectl status; chronyc tracking)"
    if exit_code and abs(ahead) > _SKEW_REFUSED:
        return fail(topic, f"{found}: beyond 5 minutes everything is refused", remedy, exit_code)
    return warn(topic, found, remedy)
