"""One file per kind of thing WorkMail stores: pure. A decision table and constructors each."""

from syncd.model.page import Pages
from syncd.ports import Facet
from syncd.workmail import pages
from syncd.workmail.facets.accounts import Accounts
from syncd.workmail.facets.addresses import Addresses
from syncd.workmail.facets.members import Members
from syncd.workmail.facets.profile import ProfileFacet
from syncd.workmail.facets.quota import Quotas

#: Everything that is synchronized; a new thing is a page, a facet, and a line in each of the two.
PAGES = Pages((pages.ACCOUNTS, pages.OWNER, pages.ADDRESSES, pages.ATTRIBUTES, pages.MEMBERSHIPS, pages.QUOTAS))
#: Addresses come first: whoever waits for an address is blocked for the others.
FACETS: tuple[Facet, ...] = (Addresses(), Accounts(), ProfileFacet(), Members(), Quotas())
