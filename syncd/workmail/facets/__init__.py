"""One file per kind of thing WorkMail stores: pure. A decision table and constructors each."""

from syncd.ports import Facet
from syncd.workmail.facets.accounts import Accounts
from syncd.workmail.facets.addresses import Addresses
from syncd.workmail.facets.members import Members
from syncd.workmail.facets.profile import ProfileFacet
from syncd.workmail.facets.quota import Quotas

#: How each page of `PAGES` is planned. Addresses come first: whoever waits for an address is blocked for the others.
FACETS: tuple[Facet, ...] = (Addresses(), Accounts(), ProfileFacet(), Members(), Quotas())
