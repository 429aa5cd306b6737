"""What a person can do about an operation that didn't succeed."""

from syncd.model.report import Outcome, Result

_BY_RESULT = {
    Result.FAILED: "the next cycle tries again; if it keeps failing, look at `syncd explain {key}`",
    Result.UNKNOWN: "nothing: the next cycle reads what became of it",
    Result.SKIPPED: "nothing: it is planned again in the next cycle",
    Result.APPLIED: "",
}


def advice(outcome: Outcome) -> str:
    """Return the next step after *outcome*, "" when there is nothing to do."""
    return outcome.advice or _BY_RESULT[outcome.result].format(key=outcome.operation.subject)
