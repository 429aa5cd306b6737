"""Which types of source are there? Each is a package with a row, and a line here."""

from typing import TYPE_CHECKING, Annotated, Any, Union

from pydantic import Field

from syncd.model.policy import Section
from syncd.sources.csv.row import CSV
from syncd.sources.ldap.row import LDAP
from syncd.sources.row import SourceRow

ROWS: tuple[SourceRow[Any], ...] = (
    CSV,
    LDAP,
)

_BY_SETTINGS = {row.settings: row for row in ROWS}

if TYPE_CHECKING:
    SourceSettings = Section
else:
    #: The `source` section of an organization; `type` says which.
    SourceSettings = Annotated[Union[tuple(_BY_SETTINGS)], Field(discriminator="type")]  # noqa: UP007 - made of rows


def row_of(settings: Section) -> SourceRow[Any]:
    """Return the row of the type of source that *settings* describe."""
    return _BY_SETTINGS[type(settings)]
