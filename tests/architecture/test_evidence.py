"""What evidence rests on can't be forgotten: dates that may lie in the future, and rows that may mean somebody."""

import ast
from pathlib import Path

from sqlalchemy import Column

from syncd.store.columns import Moment
from syncd.store.schema import metadata

ROOT = Path(__file__).resolve().parents[2]
SHOWN = "it is shown, and decides nothing"
#: What becomes of each kept date that lies in the future, since a clock was wrong when it was written or is wrong now.
IN_THE_FUTURE = {
    "approvals.approved_at": "frees nothing (store/memory.py)",
    "approvals.expires_at": "belongs there; an approval given in the future is not believed",
    "approvals.revoked_at": "a no is believed whenever it was said",
    "approved_operations.spent_at": "spent is spent",
    "bindings.began_at": "the removal is given up (model/half_removed.py)",
    "bindings.removed_at": "opening the mailbox again asks (planning/bound.py)",
    "bindings.since": SHOWN,
    "cycles.finished_at": SHOWN,
    "cycles.started_at": SHOWN,
    "details.read_at": "is read again, and replaced (planning/freshness.py, store/details.py)",
    "holds.held_at": SHOWN,
    "holds.until": "belongs there: the hold is over then",
    "instance.since": SHOWN,
    "journal.at": "hinders no detail from being kept (store/details.py)",
    "journal.settled_at": "hinders no detail from being kept (store/details.py)",
    "marks.disabled_since": "begins anew (planning/evidence.py)",
    "marks.last_at": "begins anew (planning/evidence.py)",
    "marks.last_service_at": "begins anew (planning/evidence.py)",
    "marks.missing_since": "begins anew (planning/evidence.py)",
    "organizations.first_seen_at": SHOWN,
    "organizations.paused_at": SHOWN,
    "organizations.paused_until": "belongs there: the pause is over then",
    "organizations.settled_at": "that the first load is over is believed whenever it was noted",
    "plans.created_at": SHOWN,
    "schema_version.applied_at": SHOWN,
    "source_reads.at": "counts, as the larger read to compare with",
    "tallies.at": "counts, as used up",
}


def is_date(column: Column[object]) -> bool:
    return isinstance(column.type, Moment) or column.name.endswith("_at")


def test_of_every_kept_date_it_is_decided_what_it_means_in_the_future() -> None:
    """A new date in the store says here what becomes of it: nothing dated in the future is believed by default."""
    kept = {
        f"{table.name}.{column.name}" for table in metadata.tables.values() for column in table.c if is_date(column)
    }

    assert kept == set(IN_THE_FUTURE)


def test_every_rejection_of_a_source_says_whom_it_may_mean() -> None:
    """A source that refuses a row gives the row, or what can be read of it: its key may be the wrong one."""
    silent = []
    for path in sorted((ROOT / "syncd" / "sources").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Rejection":
                told = {keyword.arg for keyword in node.keywords}
                if not told & {"names", "entry"}:
                    silent.append(f"{path.relative_to(ROOT)}:{node.lineno}")

    assert silent == []
