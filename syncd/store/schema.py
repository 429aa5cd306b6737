"""The tables. Nearly every row carries the organization id: one file serves several organizations.

    instance             whose store it is: one row, none while it is nobody's
    organizations        who has written here, whether nothing may be sent, and how many decisions people made
    bindings             key <-> entity: ownership
    marks                since when a bound key is missing or disabled
    source_counts        entries of the last good read
    holds                what stays as it is until a person releases it
    source_reads         entries of the good reads of the last week that were the largest since
    tallies              as what guards counted what was sent in the last week
    approvals            what a person freed ...
    approved_operations  ... operation by operation, each spent by its success or the first call of its removal
    details              what was read per entity
    journal              intent before the call, outcome after
    cycles               what came of each cycle
    plans                stored plans, by digest

`migrations.py` makes them; a test holds that both say the same.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from syncd.store.columns import Moment, Plain, Span

metadata = MetaData()


def _organization(*, primary_key: bool = True) -> Column[Any]:
    return Column("organization", Text, ForeignKey("organizations.id"), primary_key=primary_key, nullable=False)


schema_version = Table(
    "schema_version",
    metadata,
    Column("version", Integer, primary_key=True),
    Column("applied_at", Moment, nullable=False),
    Column("program", Text, nullable=False),
)

instance = Table(
    "instance",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("since", Moment, nullable=False),
)

organizations = Table(
    "organizations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("first_seen_at", Moment, nullable=False),
    Column("decisions", Integer, nullable=False, server_default=text("0")),
    Column("paused_at", Moment),
    Column("paused_until", Moment),
    Column("paused_by", Text, nullable=False, server_default=text("''")),
    Column("paused_why", Text, nullable=False, server_default=text("''")),
    Column("settled_at", Moment),
)

holds = Table(
    "holds",
    metadata,
    _organization(),
    Column("key", Text, primary_key=True),
    Column("held_by", Text, nullable=False),
    Column("held_at", Moment, nullable=False),
    Column("why", Text, nullable=False),
    Column("until", Moment),
)

bindings = Table(
    "bindings",
    metadata,
    _organization(),
    Column("key", Text, primary_key=True),
    Column("entity", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("adopted", Boolean, nullable=False),
    Column("since", Moment, nullable=False),
    Column("addresses", Plain),
    Column("removed_at", Moment),
    Column("groups", Plain),
    Column("began_at", Moment),
    Column("stuck", Text, nullable=False, server_default=text("''")),
    # The id of an approval, which may have been forgotten since.
    Column("approval", Integer),
    Column("stuck_under", Text, nullable=False, server_default=text("''")),
    Column("exchange", Plain),
    Column("seen_enabled", Boolean, nullable=False, server_default=text("0")),
    # How the directory showed it last: all four, or none.
    Column("look_login", Text),
    Column("look_display_name", Text),
    Column("look_primary", Text),
    Column("look_first_name", Text),
    Column("members_managed", Boolean, nullable=False, server_default=text("0")),
    UniqueConstraint("organization", "entity"),
    # A few among many, asked for at the end of each cycle.
    Index("bindings_begun", "organization", sqlite_where=text("began_at IS NOT NULL")),
)

marks = Table(
    "marks",
    metadata,
    _organization(),
    Column("key", Text, primary_key=True),
    Column("missing_since", Moment),
    Column("missing_cycles", Integer, nullable=False),
    Column("disabled_since", Moment),
    # Time that counts, and the last read that was counted, by every clock that told its time.
    Column("counted", Span, nullable=False, server_default=text("0")),
    Column("last_at", Moment),
    Column("last_boot", Text),
    Column("last_boot_s", Float),
    Column("last_service_at", Moment),
    Column("hole", Span),
    Column("anew", Text, nullable=False, server_default=text("''")),
)

source_counts = Table(
    "source_counts",
    metadata,
    _organization(),
    Column("kind", Text, primary_key=True),
    Column("entries", Integer, nullable=False),
)

source_reads = Table(
    "source_reads",
    metadata,
    _organization(),
    Column("kind", Text, primary_key=True),
    Column("at", Moment, primary_key=True),
    Column("entries", Integer, nullable=False),
)

tallies = Table(
    "tallies",
    metadata,
    _organization(),
    Column("cycle_id", Text, primary_key=True),
    Column("operation", Text, primary_key=True),
    Column("counted_as", Text, primary_key=True),
    Column("scope", Text, nullable=False),
    Column("counted", Text, nullable=False),
    Column("weight", Integer, nullable=False),
    Column("freed", Boolean, nullable=False),
    Column("at", Moment, nullable=False),
    # All that isn't too old, in each cycle.
    Index("tallies_by_time", "organization", "at"),
)

approvals = Table(
    "approvals",
    metadata,
    Column("id", Integer, primary_key=True),
    _organization(primary_key=False),
    Column("digest", Text, nullable=False),
    Column("approved_by", Text, nullable=False),
    Column("approved_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("revoked_at", Moment),
    Column("revoked_by", Text, nullable=False, server_default=text("''")),
    Column("why", Text, nullable=False, server_default=text("''")),
)

approved_operations = Table(
    "approved_operations",
    metadata,
    Column("approval", Integer, ForeignKey("approvals.id", ondelete="CASCADE"), primary_key=True),
    Column("operation", Text, primary_key=True),
    _organization(primary_key=False),
    Column("spent_at", Moment),
    Index("approved_operations_by_operation", "organization", "operation"),
)

details = Table(
    "details",
    metadata,
    _organization(),
    Column("detail", Text, primary_key=True),
    Column("entity", Text, primary_key=True),
    Column("value", Text, nullable=False),
    # Whole microseconds, read as they lie: a hundred thousand rows a cycle.
    Column("read_at", BigInteger, nullable=False),
    # Each intent drops all details of its entity, of whatever thing.
    Index("details_by_entity", "organization", "entity"),
    sqlite_with_rowid=False,
)

journal = Table(
    "journal",
    metadata,
    Column("id", Integer, primary_key=True),
    _organization(primary_key=False),
    Column("cycle_id", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("entity", Text),
    Column("touches", Text),
    Column("name", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("call", Plain),
    Column("before", Plain),
    Column("after", Plain),
    Column("at", Moment, nullable=False),
    Column("is_open", Boolean, nullable=False),
    Column("settled_at", Moment),
    Column("result", Text),
    Column("code", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("created", Text, nullable=False),
    # What of whom it changes (`Operation.place`); "" in rows that an earlier version wrote.
    Column("place", Text, nullable=False, server_default=text("''")),
    Index("journal_by_place", "organization", "place", sqlite_where=text("place <> ''")),
    Index("journal_by_subject", "organization", "subject"),
    Index("journal_by_operation", "organization", "cycle_id", "operation"),
    Index("journal_by_entity", "organization", "touches"),
    Index("journal_by_time", "organization", "at"),
    Index("journal_open", "organization", sqlite_where=text("is_open = 1")),
)

cycles = Table(
    "cycles",
    metadata,
    _organization(),
    Column("cycle_id", Text, primary_key=True),
    Column("command", Text, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("finished_at", Moment, nullable=False),
    Column("summary", Text, nullable=False),
    Column("exit_code", Integer, nullable=False),
    Column("error", Text, nullable=False),
    Column("digest", Text),
    Column("counts", Plain, nullable=False),
    Column("results", Plain, nullable=False),
    Column("calls", Plain, nullable=False),
    Column("took", Plain, nullable=False),
    Column("oldest_detail_s", Float, nullable=False),
    Index("cycles_by_time", "organization", "started_at"),
)

plans = Table(
    "plans",
    metadata,
    Column("id", Integer, primary_key=True),
    _organization(primary_key=False),
    Column("digest", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("operations", Integer, nullable=False),
    Column("document", LargeBinary, nullable=False),
    # Whether a command left most people out, so that it says nothing about those.
    Column("restricted", Boolean, nullable=False, server_default=text("0")),
    UniqueConstraint("organization", "digest"),
    # Else the last plan is found by sorting all documents.
    Index("plans_in_order", "organization", "id"),
)
