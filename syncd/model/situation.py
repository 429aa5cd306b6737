"""Everything a facet or a guard may look at in one cycle: one frozen value."""

from dataclasses import dataclass
from datetime import datetime

from syncd.model.limits import Limits
from syncd.model.memory import Memory
from syncd.model.observed import Observed
from syncd.model.page import Pages
from syncd.model.policy import Policy
from syncd.model.standing import Standings
from syncd.model.state import Desired


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """*source* names source type and key attribute (`csv:employee_id`), as bindings remember it.

    *pages* say what the target stores. *configuration* stands for all settings of the organization: it is the same as
    long as they are.
    """

    organization: str
    source: str
    configuration: str
    policy: Policy
    limits: Limits
    desired: Desired
    observed: Observed
    memory: Memory
    standings: Standings
    now: datetime
    pages: Pages

    @property
    def service_now(self) -> datetime:
        """What the service's own clock says, by which windows are counted: nobody sets that one by mistake.

        Where it told none, ours.
        """
        return self.observed.answered_at or self.now
