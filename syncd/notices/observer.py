"""Hears the cycles of one organization, for whoever tells of them."""

from collections.abc import Callable
from datetime import datetime

from syncd.model.report import Report
from syncd.ports import Observer


class NoticeObserver(Observer):
    """Hands reports and errors on; what goes wrong there is an event and ends no cycle."""

    def __init__(
        self,
        *,
        heard: Callable[[Report], None],
        crashed: Callable[[Exception], None] = lambda _error: None,
        event: Callable[..., None],
    ) -> None:
        self._heard = heard
        self._crashed = crashed
        self._event = event
        self._told = False

    def began(self, at: datetime) -> None:  # noqa: ARG002 - the port tells it
        """Forget the cycle before."""
        self._told = False

    def finished(self, report: Report) -> None:
        """Hand a report on."""
        self._told = True
        try:
            self._heard(report)
        except Exception as error:  # noqa: BLE001 - who tells of a cycle must not end it
            self._event("notice_not_made", error_type=type(error).__name__)

    def failed(self, error: Exception) -> None:
        """Hand on an error of which there was no report."""
        if self._told:
            return
        try:
            self._crashed(error)
        except Exception as inner:  # noqa: BLE001 - the same
            self._event("notice_not_made", error_type=type(inner).__name__)
