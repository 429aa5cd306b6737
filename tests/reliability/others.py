"""What admins do in WorkMail by hand, what the operator of syncd does, and what happens to its machine."""

from syncd.model.names import EntityId
from syncd.model.policy import Adopt, Manage, Mode, Pilot
from tests.reliability.directory import DOMAIN
from tests.reliability.events import event
from tests.reliability.settings import GUARDS, MAPPINGS
from tests.reliability.world import SimWorld, options

# --- admins of WorkMail -----------------------------------------------------------------------------------------------


def _entity(world: SimWorld, which: int, kind: str = "") -> EntityId | None:
    known = sorted(identity for identity, one in world.documents().items() if not kind or one["kind"] == kind)
    return known[which % len(known)] if known else None


def _name(world: SimWorld, identity: EntityId) -> str:
    return str(world.documents()[identity]["name"])


def _by_hand(world: SimWorld, said: str, operation: str, **parameters: object) -> str:
    return f"an admin {said}" if world.meddle(operation, **parameters) else ""


@event
def admin_adds_an_alias(world: SimWorld, which: int, number: int) -> str:
    entity = _entity(world, which)
    if entity is None:
        return ""
    alias = f"alias{number % 4}@{DOMAIN}"
    return _by_hand(world, f"gives {_name(world, entity)} {alias}", "CreateAlias", EntityId=entity, Alias=alias)


@event
def admin_removes_an_alias(world: SimWorld, which: int) -> str:
    entity = _entity(world, which)
    aliases = world.documents()[entity].get("aliases", ()) if entity else ()
    if not aliases or entity is None:
        return ""
    said = f"takes {aliases[0]} from {_name(world, entity)}"
    return _by_hand(world, said, "DeleteAlias", EntityId=entity, Alias=aliases[0])


@event
def admin_renames(world: SimWorld, which: int) -> str:
    entity = _entity(world, which, "users")
    if entity is None:
        return ""
    said = f"calls {_name(world, entity)} Mallory, of Sales"
    return _by_hand(world, said, "UpdateUser", UserId=entity, DisplayName="Mallory", Department="Sales")


@event
def admin_changes_the_primary(world: SimWorld, which: int, number: int) -> str:
    entity = _entity(world, which)
    if entity is None:
        return ""
    address = f"hand{number % 3}@{DOMAIN}"
    said = f"makes {address} the address of {_name(world, entity)}"
    return _by_hand(world, said, "UpdatePrimaryEmailAddress", EntityId=entity, Email=address)


@event
def admin_deregisters(world: SimWorld, which: int) -> str:
    entity = _entity(world, which)
    if entity is None:
        return ""
    return _by_hand(world, f"deregisters {_name(world, entity)}", "DeregisterFromWorkMail", EntityId=entity)


@event
def admin_registers(world: SimWorld, which: int) -> str:
    entity = _entity(world, which)
    if entity is None or world.documents()[entity]["state"] == "ENABLED":
        return ""
    name = _name(world, entity)
    return _by_hand(world, f"registers {name}", "RegisterToWorkMail", EntityId=entity, Email=f"{name}@{DOMAIN}")


@event
def admin_deletes(world: SimWorld, which: int) -> str:
    entity = _entity(world, which)
    if entity is None:
        return ""
    name, kind = _name(world, entity), world.documents()[entity]["kind"]
    deregistered = world.meddle("DeregisterFromWorkMail", EntityId=entity)
    operation = {"users": "DeleteUser", "groups": "DeleteGroup", "resources": "DeleteResource"}[kind]
    member = {"users": "UserId", "groups": "GroupId", "resources": "ResourceId"}[kind]
    deleted = _by_hand(world, f"deletes {name}", operation, **{member: entity})
    return deleted or (f"an admin deregisters {name}, and can't delete it yet" if deregistered else "")


@event
def admin_changes_a_group(world: SimWorld, group: int, which: int) -> str:
    chosen, member = _entity(world, group, "groups"), _entity(world, which)
    if chosen is None or member is None or member == chosen:
        return ""
    inside = member in world.documents()[chosen]["members"]
    operation = "DisassociateMemberFromGroup" if inside else "AssociateMemberToGroup"
    said = f"{'takes' if inside else 'puts'} {_name(world, member)} {'out of' if inside else 'into'}"
    return _by_hand(world, f"{said} {_name(world, chosen)}", operation, GroupId=chosen, MemberId=member)


@event
def admin_makes_a_user(world: SimWorld, slot: int, *, registered: bool = True) -> str:
    """Somebody makes by hand, in WorkMail, the user that the directory is about to want; or one of another name."""
    person = world.directory.people.get(slot)
    name = person.login if person is not None else f"guest{slot}"
    call = {"Name": name, "DisplayName": name.title(), "Password": "Sl0rm-C0la!"}
    if not world.meddle("CreateUser", **call):
        return ""
    world.made_by_hand.add(name)
    if registered:
        world.meddle("RegisterToWorkMail", EntityId=name, Email=f"{name}@{DOMAIN}")
    return f"an admin makes the user {name}"


# --- the operator of syncd --------------------------------------------------------------------------------------------


@event
def approves(world: SimWorld) -> str:
    """Yes to what the last plan withholds."""
    plan = world.last_plan()
    return f"the operator approves {plan.digest[:8]}" if plan is not None and world.yes(plan.digest) else ""


@event
def approves_an_old_plan(world: SimWorld, ago: int) -> str:
    """Yes to a plan that others came after."""
    stored = world.stored.history.plans(ago % 5 + 2)
    if len(stored) < 2:
        return ""
    digest = stored[-1].digest
    return f"the operator approves the old plan {digest[:8]}" if world.yes(digest) else ""


@event
def revokes(world: SimWorld) -> str:
    digest = world.revoke()
    return f"the operator revokes {digest[:8]}" if digest else ""


@event
def plans_only(world: SimWorld) -> str:
    ended = world.cycle(options("plan", dry_run=True))
    return f"the operator looks at a plan: {ended.failed or 'made'}"


def _policy(world: SimWorld, said: str, **changes: object) -> str:
    before = world.policy
    world.policy = world.policy.model_copy(update=changes)
    return f"the configuration changes: {said}" if world.policy != before else ""


@event
def changes_mode(world: SimWorld, mode: str) -> str:
    return _policy(world, f"mode {mode}", mode=Mode(mode))


@event
def changes_adoption(world: SimWorld, adopt: str) -> str:
    return _policy(world, f"adopt {adopt}", adopt=Adopt(adopt))


@event
def changes_management(world: SimWorld, aliases: str, members: str) -> str:
    manage = Manage.model_validate({"aliases": aliases or False, "members": members or False})
    return _policy(world, f"manage aliases {aliases or 'not'}, members {members or 'not'}", manage=manage)


@event
def changes_guards(world: SimWorld, which: str) -> str:
    return _policy(world, f"guards {which}", guards=GUARDS[which])


@event
def protects(world: SimWorld, slot: int) -> str:
    person = world.directory.people.get(slot)
    if person is None:
        return _policy(world, "nobody is protected", protected=())
    return _policy(world, f"{person.login} is protected", protected=(f"user:{person.login}",))


@event
def begins_a_pilot(world: SimWorld, slot: int) -> str:
    person = world.directory.someone(slot)
    if person is None:
        return ""
    return _policy(world, f"a pilot with {person.full_name} only", only=Pilot(keys=(f"user:{person.employee_id}",)))


@event
def ends_the_pilot(world: SimWorld) -> str:
    return _policy(world, "no pilot any more", only=Pilot())


@event
def changes_mapping(world: SimWorld, which: str) -> str:
    before = world.mapping
    world.mapping = MAPPINGS[which]
    return f"the configuration changes: mapping {which}" if world.mapping != before else ""


# --- the machine ------------------------------------------------------------------------------------------------------


@event
def hours_pass(world: SimWorld, hours: float) -> str:
    world.clock.advance(hours=hours)
    return f"{hours:g} hours pass"


@event
def clock_jumps(world: SimWorld, hours: float) -> str:
    world.clock.jump(hours=hours)
    return f"the clock of the machine jumps by {hours:+g} hours"


@event
def is_restarted(world: SimWorld) -> str:
    world.restart()
    world.line.forget()
    return "syncd is started again"


@event
def backs_up(world: SimWorld) -> str:
    world.back_up()
    return "the store is backed up"


@event
def restores_the_backup(world: SimWorld) -> str:
    if not world.backups:
        return ""
    world.restore()
    return "the store is restored from the backup"
