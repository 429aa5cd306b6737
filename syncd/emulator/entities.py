"""The users, groups and resources of an organization, as small as a hundred thousand of them must be."""

from collections.abc import Mapping
from typing import ClassVar, Final, Literal

State = Literal["ENABLED", "DISABLED", "DELETED"]

MAILBOX_GRACE_S: Final = 30 * 86_400.0
"""How long the mailbox of a DISABLED user can be had back (`workmail.md` B10, B12)."""

MAX_QUOTA_MB: Final = 51_200

PROFILE: Final[Mapping[str, str]] = {
    "FirstName": "first_name",
    "LastName": "last_name",
    "Initials": "initials",
    "Telephone": "telephone",
    "Street": "street",
    "JobTitle": "job_title",
    "City": "city",
    "Company": "company",
    "ZipCode": "zip_code",
    "Department": "department",
    "Country": "country",
    "Office": "office",
}
"""The personal attributes of a user: member of the calls -> attribute here."""


class Entity:
    """What users, groups and resources have in common. Addresses are kept as given and compared folded."""

    __slots__ = (
        "aliases",
        "deleted",
        "disabled",
        "email",
        "enabled",
        "grants",
        "groups",
        "hidden",
        "id",
        "name",
        "state",
    )
    kind: ClassVar[Literal["USER", "GROUP", "RESOURCE"]]

    def __init__(self, entity_id: str, name: str) -> None:
        self.id = entity_id
        self.name = name
        self.state: State = "DISABLED"
        self.email: str | None = None
        self.aliases: tuple[str, ...] = ()
        self.enabled: float | None = None
        self.disabled: float | None = None
        self.deleted: float | None = None
        self.hidden = False
        self.groups: list[str] = []
        """Ids of the groups that contain it directly, sorted."""
        self.grants: dict[str, tuple[str, ...]] | None = None
        """Grantee id -> permissions on this entity's mailbox."""


class User(Entity):
    """A person, a remote person, an imported resource, or one of the service's own users."""

    __slots__ = ("display_name", "idp_user_id", "provisioned", "quota", "role", "size", *PROFILE.values())
    kind = "USER"
    first_name: str | None
    last_name: str | None

    def __init__(self, entity_id: str, name: str) -> None:
        super().__init__(entity_id, name)
        self.display_name: str | None = None
        self.role = "USER"
        self.provisioned: float | None = None
        self.idp_user_id: str | None = None
        self.quota = MAX_QUOTA_MB
        self.size = 0.0
        for attribute in _PROFILE_ATTRIBUTES:
            setattr(self, attribute, None)

    def mailbox_gone_at(self, now: float) -> float | None:
        """Tell when the mailbox was destroyed, thirty days after the user was disabled, if it was."""
        if self.state == "ENABLED" or self.provisioned is None or self.disabled is None:
            return None
        end = self.disabled + MAILBOX_GRACE_S
        return end if end <= now else None


class Group(Entity):
    """A group of users and groups."""

    __slots__ = ("members",)
    kind = "GROUP"

    def __init__(self, entity_id: str, name: str) -> None:
        super().__init__(entity_id, name)
        self.members: list[str] = []
        """Ids of the direct members, sorted."""


class Resource(Entity):
    """A room or a piece of equipment that can be booked."""

    __slots__ = ("booking", "delegates", "description", "type")
    kind = "RESOURCE"

    def __init__(self, entity_id: str, name: str) -> None:
        super().__init__(entity_id, name)
        self.type = "ROOM"
        self.description: str | None = None
        self.booking = (True, False, True)
        """Accept requests, decline recurring ones, decline conflicting ones: each by itself."""
        self.delegates: list[str] = []
        """Ids of the delegates, sorted."""


BOOKING: Final = ("AutoAcceptRequests", "AutoDeclineRecurringRequests", "AutoDeclineConflictingRequests")

_PROFILE_ATTRIBUTES: Final = tuple(PROFILE.values())
