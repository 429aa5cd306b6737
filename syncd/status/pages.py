"""The pages of a board, for whoever serves them. What is called here asks nobody, and doesn't block."""

from collections.abc import Sequence

from syncd.model.status import Shown
from syncd.status.board import Board
from syncd.status.lamps import icon
from syncd.status.page import policy, render_asked, render_organization, render_overview


class StatusPages:
    """What *board* says, as HTML."""

    def __init__(self, board: Board) -> None:
        self._board = board

    @property
    def names(self) -> tuple[str, ...]:
        """The organizations that have a page."""
        return tuple(one.name for one in self._board.snapshot().organizations)

    def overview(self, shown: Shown) -> str:
        """Return the page over all organizations."""
        return render_overview(self._board.snapshot(), shown)

    def organization(self, name: str, shown: Shown) -> str | None:
        """Return the page of the organization *name*; None: there is none."""
        found = next((one for one in self._board.snapshot().organizations if one.name == name), None)
        return None if found is None else render_organization(found, shown)

    def asked(self, names: Sequence[str], shown: Shown) -> str:
        """Return the page that answers whoever asked for a cycle of *names*."""
        return render_asked(names, shown, self._board.snapshot().as_of)

    def policy(self, *, actions: bool) -> str:
        """Return the Content-Security-Policy of each page."""
        return policy(actions=actions)

    def icon(self, light: str) -> str | None:
        """Return the picture of *light* as SVG; None: there is no such light."""
        return icon(light)
