"""A program that writes until it is killed: `python writer.py STORE`; it says each intent that was recorded."""

import sys
from functools import partial
from pathlib import Path

from syncd.model.action import Action
from syncd.model.names import EntityId, Key
from syncd.model.operation import Call, Operation, single
from syncd.model.report import Outcome, Result
from syncd.planning.document import dumps, loads
from syncd.store.store import Store
from syncd.workmail.pages import PAGES
from tests.builders import ORGANIZATION_ID, binding, verb
from tests.fakes.clock import FakeClock


def change(number: int) -> Operation:
    """The operation number *number*: it touches the details of the entity of that number."""
    entity = EntityId(f"id-{number}")
    return Operation(
        verb=verb("alias.add"),
        action=Action.ADD,
        subject=Key(f"user:{number}"),
        entity=entity,
        bundle=single(""),
        effect={},
        summary="",
        reason="",
        call=Call("CreateAlias", {"EntityId": entity, "Alias": f"{number}@planetexpress.example"}),
    )


def main(path: Path) -> None:
    with Store(
        path, clock=FakeClock(), encode=dumps, decode=partial(loads, pages=PAGES), details=PAGES.details
    ) as store:
        ours = store.organization(ORGANIZATION_ID)
        journal = ours.journal("c1")
        with ours.lock.held("sync"):
            for number in range(1_000_000):
                operation = change(number)
                journal.intend(operation, operation.call, binding=binding(operation.subject))
                print(number, flush=True)
                journal.settle(Outcome(operation=operation, result=Result.APPLIED))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
