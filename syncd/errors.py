"""Every error that a user of syncd can meet, and the exit code it ends a command with.

SyncdError                      1   something we did not expect
├── UsageError                 64   the command line makes no sense
├── ConfigurationError         78   the configuration file is wrong; carries every problem at once
├── SourceError
│   ├── SourceIncomplete       65   the source was read but is incomplete or malformed
│   └── SourceUnreachable      69   the source could not be read at all
├── TargetError
│   ├── TargetUnreachable      69   no answer, or not a usable one
│   ├── TargetMismatch         78   another organization than the configured one, or one that is not usable
│   ├── PermissionDenied       77   credentials missing, expired or without the right
│   └── CallError                   one call failed; carries the service's code
│       ├── TransientCallError 69   the same call may succeed later
│       │   ├── Throttled           the service asks for less
│       │   └── OutcomeUnknown      no answer came back: the call may have had its effect
│       └── PermanentCallError  1   the same call will fail again
├── StoreError                 69   the store can't be read or written (disk full, locked, newer schema)
├── Locked                     75   another instance holds the organization
├── OtherInstance              78   the store is another instance's, or a copy of it
├── Interrupted               130   told to stop before there was a plan; what shells say of an interrupted command
└── StalePlan                   5   the approved plan does not describe the world any more
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


class SyncdError(Exception):
    """Base of all errors that syncd raises on purpose; *hint* says what to do next."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message


class UsageError(SyncdError):
    """The command line makes no sense."""

    exit_code = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong in a file: *where* is `file:line[:column]` and, for settings, the key path."""

    where: str
    reason: str
    remedy: str = ""

    def __str__(self) -> str:
        text = f"{self.where}: {self.reason}" if self.where else self.reason
        return f"{text}; {self.remedy}" if self.remedy else text


class _WithProblems(SyncdError):
    """An error that lists all problems found, not the first."""

    def __init__(self, message: str, problems: Sequence[Problem] = (), *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.problems = tuple(problems)

    def __str__(self) -> str:
        lines = [self.message, *(f"  {problem}" for problem in self.problems)]
        return "\n".join([*lines, f"  {self.hint}"] if self.hint else lines)


class ConfigurationError(_WithProblems):
    """The configuration is wrong; nothing was done."""

    exit_code = 78


class SourceError(_WithProblems):
    """The source could not be used in this cycle; nothing was changed."""


class SourceIncomplete(SourceError):
    """The source answered, but not with a complete and well-formed directory."""

    exit_code = 65


class SourceUnreachable(SourceError):
    """The source did not answer."""

    exit_code = 69


class TargetError(SyncdError):
    """The service could not be used."""


class TargetUnreachable(TargetError):
    """The service did not answer, or not with a usable answer, after all retries."""

    exit_code = 69


class TargetMismatch(TargetError):
    """The organization isn't the configured one, or is in a state in which it can't be synchronized."""

    exit_code = 78


class PermissionDenied(TargetError):
    """Credentials are missing, expired, wrong, or lack a right."""

    exit_code = 77


class CallError(TargetError):
    """One call to the service failed.

    *operation* is the API operation, *code* the service's error code (`workmail.md` A), which is what
    decisions are made on; the message text is for people only.
    """

    def __init__(self, operation: str, code: str, message: str, *, request_id: str = "") -> None:
        super().__init__(f"{operation} failed: {code}: {message}")
        self.operation = operation
        self.code = code
        self.service_message = message
        self.request_id = request_id


class TransientCallError(CallError):
    """The same call may succeed later."""

    exit_code = 69


class Throttled(TransientCallError):
    """The service asks for fewer calls; *retry_after* in seconds when it said so."""

    def __init__(self, operation: str, code: str, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(operation, code, message)
        self.retry_after = retry_after


class OutcomeUnknown(TransientCallError):
    """No answer came back: the call may have had its effect."""


class PermanentCallError(CallError):
    """The same call will fail again."""


class StoreError(SyncdError):
    """The store can't be read or written."""

    exit_code = 69


class Locked(SyncdError):
    """Another instance holds the organization."""

    exit_code = 75


class OtherInstance(SyncdError):
    """The store belongs to another instance: it may be a copy, and the other one at work."""

    exit_code = 78


class Interrupted(SyncdError):
    """Told to stop before there was a plan; nothing was changed."""

    exit_code = 130


class StalePlan(SyncdError):
    """The named plan does not describe the world any more."""

    exit_code = 5


#: Where several organizations end differently, the first of these wins (design.md section 9).
EXIT_PRECEDENCE = (1, 78, 77, 69, 65, 75, 5, 4, 3, 2)


def worst_exit_code(codes: Sequence[int]) -> int:
    """Return the exit code that stands for all of *codes*; 0 for none."""
    present = set(codes)
    return next((code for code in EXIT_PRECEDENCE if code in present), max(present, default=0))
