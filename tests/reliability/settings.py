"""The configurations that stories begin with and change to."""

from datetime import timedelta

from syncd.model.policy import GuardSettings, Removal, Threshold
from tests.builders import WIDE_OPEN
from tests.reliability.world import Columns

_TIGHT = Threshold(percent=0, count=0, minimum_population=0)

GUARDS = {
    "as usual": GuardSettings(),
    "wide open": WIDE_OPEN,
    "tight": GuardSettings(removals=_TIGHT, membership_removals=_TIGHT, alias_removals=_TIGHT, primary_changes=_TIGHT),
}
REMOVALS = {
    "at once": Removal(after_cycles=1, after=timedelta(0)),
    "in a day": Removal(),
    "in two reads": Removal(after_cycles=2, after=timedelta(hours=1), disabled_after=timedelta(hours=1)),
}
MAPPINGS = {
    "as it was": Columns(),
    "family name first": Columns(display_name="{{ family }}, {{ given }}"),
    "new addresses": Columns(primary="{{ given | lower }}.{{ family | lower }}@planetexpress.example"),
    "by badge": Columns(key="badge"),
}
