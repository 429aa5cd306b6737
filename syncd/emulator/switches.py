"""What to assume where the service's behaviour is not known: one field per row of `workmail.md` K."""

from dataclasses import dataclass
from typing import Literal

MAX_ALIASES = 100
MAX_DOMAINS = 1_000
MAX_ORGANIZATIONS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    """The answers to open questions; the defaults are the conservative ones of `workmail.md` K.

    Replace them while the emulator runs: `emulator.switches = replace(emulator.switches, settle=2)`.
    Rates of throttling and other faults are no switches: they belong to the fault rules.
    """

    # --- registration ---
    register_enabled: Literal["refused", "unchanged"] = "refused"
    """B4: registering an ENABLED entity with another address is refused, or changes nothing."""
    deregister_disabled: Literal["refused", "unchanged"] = "refused"
    """B11: deregistering a DISABLED entity is refused, or changes nothing."""
    deregistered_addresses: Literal["reserved", "released", "kept"] = "reserved"
    """B13: hidden but reserved to the entity until it is deleted; free at once; or shown and kept."""
    settle: float = 0.0
    """B6, B17: seconds for which Describe and List show the state before a Create, Register, Deregister or
    Delete, while the next one of these answers EntityState (or EntityNotFound after a Create)."""

    # --- deletion ---
    delete_unknown: Literal["success", "refused"] = "success"
    """B18: deleting what is unknown or DELETED already."""
    describe_deleted: Literal["state", "not_found"] = "state"
    """B16: describing a DELETED entity gives its state, or EntityNotFound."""
    ghosts_listed: bool = True
    """C: lists show DELETED entities during the grace time."""
    ghost_s: float = 3_600.0
    """C: the grace time, in seconds, after which nothing remembers a DELETED entity or organization."""
    reuse_names: bool = True
    """B2: the name of a DELETED entity is free at once; else after the grace time."""
    reuse_addresses: bool = True
    """The addresses of a DELETED entity are free at once; else after the grace time."""
    deleted_members: Literal["removed", "kept"] = "removed"
    """B34: a DELETED member leaves its groups, or stays listed there as DELETED for the grace time."""

    # --- changes ---
    omitted_clears: bool = False
    """B20: fields that UpdateUser and UpdateResource omit are cleared."""
    update_disabled: bool = True
    """B19: DISABLED entities can be updated."""
    reset_password_disabled: bool = True
    """B21: the password of a DISABLED user can be reset."""

    # --- addresses ---
    aliases_of_disabled: bool = False
    """B22: aliases of a DISABLED entity can be created, deleted and listed."""
    primary_among_aliases: bool = True
    """C: ListAliases shows the primary address too."""
    alias_limit_counts_primary: bool = False
    """B25: the primary address is one of the 100."""
    describe_entity_aliases: bool = True
    """DescribeEntity finds the owner of an alias, not of a primary address only."""
    describe_entity_disabled: bool = False
    """DescribeEntity finds DISABLED entities."""

    # --- members and permissions ---
    members_disabled: bool = False
    """B32: a DISABLED group or member may be associated and disassociated."""
    group_cycles: bool = False
    """B33: a group may contain itself, directly or through others."""
    full_access_for_groups: bool = False
    """B41: FULL_ACCESS can be granted to a group."""
    empty_permissions: Literal["refused", "clears"] = "refused"
    """B39: PutMailboxPermissions with an empty list."""

    # --- lists ---
    shuffle: bool = False
    """C: each listing comes in an order of its own. A page then costs a sort of the whole list."""
    short_pages: bool = False
    """C: pages hold fewer entries than asked for."""
    empty_pages: bool = False
    """C: each page with entries comes after an empty one with a token."""

    # --- names and limits ---
    reserved_names: tuple[str, ...] = ("administrator", "guest", "krbtgt", "system", "awsadmin*")
    """F: names that no entity can have, compared without case; a final * stands for anything."""
    short_user_names: bool = False
    """E: outside a WorkMail directory, user names over 20 characters are refused."""
    users_limit: int | None = 1_000
    """D: users per organization, neither DELETED nor SYSTEM_USER; the service raises it on request."""
    groups_limit: int | None = None
    """D: groups per organization; the underlying directory's, no number is published."""
    members_limit: int | None = None
    """D: members per group; the underlying directory's, no number is published."""

    # --- organization ---
    directory_type: str = "VpcDirectory"
    """E: what DescribeOrganization calls the directory."""
    directory_fault: (
        Literal["DirectoryUnavailableException", "DirectoryServiceAuthenticationFailedException"] | None
    ) = None
    """E: the directory can't be used: every operation that declares this code answers it."""
    domain_verification_s: float = 0.0
    """B7: seconds for which a domain registered through the API is PENDING."""
    organization_s: float = 2.0
    """Seconds that CreateOrganization and DeleteOrganization take (half of them Requested, half Creating)."""
