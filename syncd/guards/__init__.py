"""One file per refusal: pure. Each counts entities and says what, how many, the limit and the way out."""

from syncd.guards.addresses import AliasRemovals, PrimaryChanges
from syncd.guards.memberships import MembershipRemovals
from syncd.guards.removals import Removals
from syncd.guards.source import EmptySource, Rejections, SourceShrink
from syncd.ports import Guard

#: All guards, in the order in which their budgets are shown.
GUARDS: tuple[Guard, ...] = (
    Removals(),
    MembershipRemovals(),
    AliasRemovals(),
    PrimaryChanges(),
    Rejections(),
    EmptySource(),
    SourceShrink(),
)
#: Guards about the source itself: a read that trips one leaves no marks and withholds every removal.
SOURCE_GUARDS = frozenset({EmptySource.name, SourceShrink.name, Rejections.name})
