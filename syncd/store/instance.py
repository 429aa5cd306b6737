"""Which syncd does a store belong to? So that a copy of it, on a second machine, is not worked with by both.

| the store belongs to  | then                                                                       |
|-----------------------|----------------------------------------------------------------------------|
| nobody yet            | it is this one's from its first cycle on                                   |
| this one              | it works                                                                   |
| another one           | no cycle is begun before `syncd store accept`; what only tells, tells      |
| anybody, and this one | it works: without name and machine id nobody can be told apart             |
| has no name           |                                                                            |
"""

import hashlib
from datetime import datetime
from pathlib import Path

from sqlalchemy import delete, insert, select

from syncd.errors import OtherInstance
from syncd.store.engine import Database
from syncd.store.schema import instance as table

MACHINE_ID = Path("/etc/machine-id")


def instance_name(configured: str | None, machine_id: Path = MACHINE_ID) -> str:
    """Return the name of this instance: the *configured* one, else one made of the machine's id; "" where it has none.

    The id itself is nobody's business (machine-id(5)).
    """
    if configured:
        return configured
    try:
        found = machine_id.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
    if not found or found == "uninitialized":
        return ""
    return f"machine {hashlib.sha256(f'syncd {found}'.encode()).hexdigest()[:12]}"


def owner_of(database: Database) -> str:
    """Return the name of the instance to which the store belongs, "" while it is nobody's."""
    with database.reading("read whose store it is") as connection:
        return connection.execute(select(table.c.name)).scalar() or ""


def take_over(database: Database, name: str, now: datetime) -> None:
    """Let the store belong to the instance called *name*; with "" to nobody."""
    with database.writing("write whose store it is") as connection:
        connection.execute(delete(table))
        if name:
            connection.execute(insert(table).values(id=1, name=name, since=now))


def claim(database: Database, name: str, now: datetime) -> None:
    """Take a store that is nobody's; with the lock held.

    Raises:
        OtherInstance: it belongs to another instance.
    """
    owner = owner_of(database)
    if not name or owner == name:
        return
    if not owner:
        take_over(database, name, now)
        return
    raise OtherInstance(
        f"the store {database.path} belongs to the instance {owner!r}, and this one is {name!r}: two that work with "
        "copies of one store undo each other's work",
        hint="Stop syncd there for good, then let this one take the store over with `syncd store accept`; or, if it is "
        "the same one under another name, set `instance:` in the configuration to a name that stays.",
    )
