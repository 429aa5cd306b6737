"""One file per refusal: pure. Each counts entities and says what, how many, the limit and the way out."""

from syncd.guards.access import FullAccess
from syncd.guards.addresses import AliasRemovals, PrimaryChanges
from syncd.guards.memberships import AllMembershipRemovals, MembershipRemovals
from syncd.guards.others import OtherRemovals
from syncd.guards.profiles import Clearings, ProfileChanges
from syncd.guards.registrations import Registrations
from syncd.guards.removals import Deletions, Removals
from syncd.guards.source import EmptySource, Rejections, SourceShrink
from syncd.ports import Guard

_COUNTING: tuple[Guard, ...] = (
    Removals(),
    Deletions(),
    MembershipRemovals(),
    AllMembershipRemovals(),
    AliasRemovals(),
    PrimaryChanges(),
    Registrations(),
    ProfileChanges(),
    Clearings(),
    FullAccess(),
)
_OF_THE_SOURCE: tuple[Guard, ...] = (Rejections(), EmptySource(), SourceShrink())
#: All guards, in the order in which their budgets are shown.
GUARDS: tuple[Guard, ...] = (*_COUNTING, OtherRemovals(_COUNTING), *_OF_THE_SOURCE)
#: Guards about the source itself: a read that trips one leaves no marks and withholds whatever destroys.
SOURCE_GUARDS = frozenset(guard.name for guard in _OF_THE_SOURCE)
