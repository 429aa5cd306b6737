"""What people at the directory do: joining, leaving, marrying, moving; and what goes wrong with their export."""

from dataclasses import replace

from tests.reliability.directory import DOMAIN, FAMILY, GROUP_NAMES, GROUPS, TEAMS, WRONG, Person, Team
from tests.reliability.events import event
from tests.reliability.world import SimWorld


def _present(world: SimWorld, slot: int) -> Person | None:
    return world.directory.someone(slot)


@event
def joins(world: SimWorld, slot: int) -> str:
    """A new person in a slot that is free, or whose person has left the file."""
    if _present(world, slot):
        return ""
    person = world.directory.hire(slot)
    return f"{person.full_name} ({person.employee_id}, {person.mail}) joins"


@event
def is_marked_left(world: SimWorld, slot: int) -> str:
    person = _present(world, slot)
    if person is None or person.status == "left":
        return ""
    world.directory.change(slot, status="left")
    return f"{person.full_name} ({person.employee_id}) leaves: the status says left"


@event
def vanishes(world: SimWorld, slot: int) -> str:
    person = _present(world, slot)
    if person is None:
        return ""
    world.directory.absent.add(slot)
    return f"{person.full_name} ({person.employee_id}) leaves: the row is gone"


@event
def returns(world: SimWorld, slot: int) -> str:
    """The same person with the same row as before."""
    person = world.directory.people.get(slot)
    if person is None or (slot not in world.directory.absent and person.status == "active"):
        return ""
    world.directory.absent.discard(slot)
    world.directory.change(slot, status="active")
    return f"{person.full_name} ({person.employee_id}) is back"


@event
def is_rehired(world: SimWorld, slot: int) -> str:
    """The same person under a new id."""
    person = world.directory.people.get(slot)
    if person is None or (slot not in world.directory.absent and person.status == "active"):
        return ""
    key = str(int(person.employee_id) + 500)
    world.directory.absent.discard(slot)
    world.directory.change(slot, employee_id=key, badge=f"{key}0", status="active")
    return f"{person.full_name} is hired again, as {key} instead of {person.employee_id}"


@event
def marries(world: SimWorld, slot: int, name: int) -> str:
    person = _present(world, slot)
    if person is None:
        return ""
    family = FAMILY[name % len(FAMILY)]
    if family == person.family:
        return ""
    world.directory.change(slot, family=family)
    return f"{person.full_name} ({person.employee_id}) marries, and is now called {family}"


@event
def marries_and_moves(world: SimWorld, slot: int, name: int) -> str:
    """A new family name, and with it a new login and address: only the first name stays."""
    person = _present(world, slot)
    if person is None:
        return ""
    family = FAMILY[name % len(FAMILY)]
    login = f"{person.given}.{family}".lower()
    if family == person.family or any(other.login == login for other in world.directory.people.values()):
        return ""
    world.directory.change(slot, family=family, login=login, mail=f"{login}@{DOMAIN}")
    return f"{person.full_name} ({person.employee_id}) marries: {family}, login and address {login}"


@event
def changes_team(world: SimWorld, slot: int, team: int) -> str:
    person = _present(world, slot)
    chosen = TEAMS[team % len(TEAMS)]
    if person is None or person.team == chosen:
        return ""
    world.directory.change(slot, team=chosen)
    return f"{person.full_name} moves to {chosen}"


@event
def changes_phone(world: SimWorld, slot: int, phone: int) -> str:
    person = _present(world, slot)
    if person is None:
        return ""
    world.directory.change(slot, phone=f"+1 555 9{phone:03}", quota=("", "2048", "51200")[phone % 3])
    return f"{person.full_name} has another phone and another mailbox size"


@event
def gets_an_alias(world: SimWorld, slot: int, number: int) -> str:
    person = _present(world, slot)
    if person is None:
        return ""
    alias = f"alias{number % 4}@{DOMAIN}"
    aliases = tuple(one for one in person.aliases if one != alias)
    if aliases == person.aliases and any(alias in other.aliases for other in world.directory.rows()):
        return ""
    world.directory.change(slot, aliases=(*aliases, alias) if aliases == person.aliases else aliases)
    return f"{person.full_name} {'gets' if aliases == person.aliases else 'gives up'} the alias {alias}"


@event
def swap_addresses(world: SimWorld, one: int, other: int) -> str:
    first, second = _present(world, one), _present(world, other)
    if first is None or second is None or one == other:
        return ""
    world.directory.change(one, mail=second.mail)
    world.directory.change(other, mail=first.mail)
    return f"{first.full_name} and {second.full_name} exchange their addresses"


@event
def inherits(world: SimWorld, slot: int, leaver: int) -> str:
    """A person gets the address of somebody who leaves."""
    person, gone = _present(world, slot), world.directory.people.get(leaver)
    if person is None or gone is None or slot == leaver:
        return ""
    world.directory.change(leaver, status="left")
    world.directory.change(slot, mail=gone.mail)
    return f"{gone.full_name} leaves, and {person.full_name} gets the address {gone.mail}"


@event
def id_is_reused(world: SimWorld, slot: int) -> str:
    """A leaver's id is given to somebody new."""
    gone = world.directory.people.get(slot)
    if gone is None or slot not in world.directory.absent:
        return ""
    person = world.directory.hire(slot, employee_id=gone.employee_id)
    return f"{person.full_name} ({person.mail}) joins, with the id {gone.employee_id} that {gone.full_name} had"


@event
def ids_are_exchanged(world: SimWorld, one: int, other: int) -> str:
    first, second = _present(world, one), _present(world, other)
    if first is None or second is None or one == other:
        return ""
    world.directory.change(one, employee_id=second.employee_id)
    world.directory.change(other, employee_id=first.employee_id)
    return f"by mistake, {first.full_name} has the id {second.employee_id}, {second.full_name} {first.employee_id}"


@event
def is_misspelt(world: SimWorld, slot: int) -> str:
    """A row that can't be used: its address is on a domain that isn't ours."""
    person = _present(world, slot)
    if person is None or not person.mail.endswith(DOMAIN):
        return ""
    world.directory.change(slot, mail=person.mail.replace(DOMAIN, "elsewhere.example"))
    return f"the address of {person.full_name} is on a domain that isn't ours"


@event
def is_corrected(world: SimWorld, slot: int) -> str:
    person = _present(world, slot)
    if person is None or person.mail.endswith(DOMAIN):
        return ""
    world.directory.change(slot, mail=person.mail.replace("elsewhere.example", DOMAIN))
    return f"the address of {person.full_name} is right again"


@event
def group_is_founded(world: SimWorld, slot: int) -> str:
    slot %= GROUPS
    directory = world.directory
    if slot in directory.teams and slot not in directory.absent_teams:
        return ""
    rows = directory.rows()
    members = tuple(person.employee_id for person in rows[slot::2])
    directory.teams[slot] = Team(group_id=f"g{slot}", name=GROUP_NAMES[slot], members=members)
    directory.absent_teams.discard(slot)
    return f"the group {GROUP_NAMES[slot]} is founded with {', '.join(members) or 'nobody'}"


@event
def group_is_dissolved(world: SimWorld, slot: int) -> str:
    slot %= GROUPS
    directory = world.directory
    if slot not in directory.teams or slot in directory.absent_teams:
        return ""
    directory.absent_teams.add(slot)
    return f"the group {directory.teams[slot].name} is dissolved"


@event
def changes_group(world: SimWorld, slot: int, group: int) -> str:
    """Somebody enters or leaves a group."""
    person, team = _present(world, slot), world.directory.teams.get(group % GROUPS)
    if person is None or team is None:
        return ""
    rest = tuple(one for one in team.members if one != person.employee_id)
    joins_it = rest == team.members
    members = (*rest, person.employee_id) if joins_it else rest
    world.directory.teams[group % GROUPS] = replace(team, members=members)
    return f"{person.full_name} {'enters' if joins_it else 'leaves'} the group {team.name}"


@event
def group_is_nested(world: SimWorld, group: int) -> str:
    """A group is put into the one after it, or taken out."""
    inner, outer = world.directory.teams.get(group % 2), world.directory.teams.get(group % 2 + 1)
    if inner is None or outer is None:
        return ""
    name = f"group:{inner.group_id}"
    rest = tuple(one for one in outer.members if one != name)
    world.directory.teams[group % 2 + 1] = replace(outer, members=(*rest, name) if rest == outer.members else rest)
    return f"the group {inner.name} is {'put into' if rest == outer.members else 'taken out of'} {outer.name}"


@event
def group_is_hidden(world: SimWorld, group: int) -> str:
    """A group goes out of the address book, or comes back."""
    team = world.directory.teams.get(group % GROUPS)
    if team is None:
        return ""
    world.directory.teams[group % GROUPS] = replace(team, unlisted=not team.unlisted)
    return f"the group {team.name} is {'listed' if team.unlisted else 'unlisted'}"


@event
def has_a_row_without_key(world: SimWorld) -> str:
    world.directory.nameless = not world.directory.nameless
    return "a row without id " + ("stands in the file" if world.directory.nameless else "is out of the file")


@event
def export_goes_wrong(world: SimWorld, how: str) -> str:
    assert how in WRONG
    world.directory.wrong = how
    return f"the export is {how}"


@event
def export_is_mended(world: SimWorld) -> str:
    if not world.directory.wrong:
        return ""
    world.directory.wrong = ""
    return "the export is right again"
