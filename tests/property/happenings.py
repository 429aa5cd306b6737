"""What may happen between two cycles: changes of the directory, of the organization, and by the operator."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import strategies as st

from syncd.model.names import Key
from syncd.model.policy import Pilot
from syncd.model.state import Wanted
from tests.property.worlds import (
    GROUPS,
    KEYS,
    NAMES,
    USERS,
    Directory,
    LivingWorld,
    addresses,
    newcomers,
    people,
    profiles,
    teams,
)

keys = st.sampled_from(KEYS)
users = st.sampled_from(USERS)
pick = st.integers(0, 11)


@dataclass(kw_only=True)
class Stage:
    """Where things happen: a directory, an organization, and syncd between them."""

    world: LivingWorld
    directory: Directory = field(default_factory=Directory)

    def entity(self, which: int) -> str:
        """An entity of the organization, the same for the same number while nothing changes."""
        known = sorted(self.world.documents())
        return known[which % len(known)] if known else "nobody"

    def opens(self, before: Iterable["Happening"] = ()) -> None:
        """The directory begins with a few people; *before* that, somebody was at work in WorkMail."""
        for row in newcomers():
            self.directory.put(row)
        self.live(before)

    def live(self, happened: Iterable["Happening"]) -> None:
        for happening in happened:
            happening(self)
        self.world.desired = self.directory.mapped()


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that changes the scene; *said* is what a failing example shows."""

    said: str
    change: Callable[["Stage"], None] = field(repr=False)

    def __call__(self, stage: "Stage") -> None:
        self.change(stage)


def _of_directory(change: Callable[..., None], *arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[Happening]:
    def happening(drawn: tuple[Any, ...]) -> Happening:
        said = f"{change.__name__}{tuple(map(_short, drawn))}"
        return Happening(said, lambda stage: change(stage.directory, *drawn))

    return st.tuples(*arguments).map(happening)


def _short(value: object) -> object:
    if isinstance(value, Wanted):
        members = sorted(value.members)
        return f"{value.key} {value.name} {value.primary} {value.aliases} {dict(value.profile)} {members}"
    return sorted(value) if isinstance(value, frozenset) else value


def _swap_addresses(directory: Directory, one: Key, other: Key) -> None:
    """Two exchange their primary addresses."""
    if one in directory.rows and other in directory.rows:
        first, second = directory.rows[one].primary, directory.rows[other].primary
        directory.change(one, primary=second)
        directory.change(other, primary=first)


def _hand_over(directory: Directory, leaver: Key, newcomer: Key, how: str) -> None:
    """A leaver's address goes to somebody else."""
    if leaver in directory.rows and leaver != newcomer:
        directory.change(newcomer, primary=directory.rows[leaver].primary)
        directory.set_status(leaver, how)


def _rekey(directory: Directory, old: Key, new: Key) -> None:
    """The same person appears under another key."""
    if old in directory.rows and old != new:
        row = directory.rows[old]
        directory.set_status(old, "absent")
        directory.put(replace(row, key=new))


def _change_members(directory: Directory, number: int, members: frozenset[Key], nested: frozenset[Key]) -> None:
    """Others are in a group; nested ones come before it, so that the directory has no circle."""
    directory.change(GROUPS[number], members=members | nested.intersection(GROUPS[:number]))


def _change_profile(directory: Directory, key: Key, profile: dict[str, str]) -> None:
    directory.change(key, profile=profile)


def _unreadable(directory: Directory, unreadable: bool) -> None:
    directory.unreadable = unreadable


directory_changes = st.one_of(
    _of_directory(Directory.put, people()),
    _of_directory(Directory.put, people() | teams()),
    _of_directory(Directory.set_status, keys, st.sampled_from(["enabled", "disabled", "absent", "absent", "rejected"])),
    _of_directory(Directory.set_status, keys, st.just("enabled")),
    _of_directory(_unreadable, st.booleans()),
    _of_directory(_swap_addresses, keys, keys),
    _of_directory(_hand_over, keys, keys, st.sampled_from(["disabled", "absent"])),
    _of_directory(_rekey, users, users),
    _of_directory(_change_profile, users, profiles),
    _of_directory(
        _change_members,
        st.integers(0, len(GROUPS) - 1),
        st.frozensets(st.sampled_from(USERS), max_size=4),
        st.frozensets(st.sampled_from(GROUPS)),
    ),
)


def _of_admin(operation: str, **parameters: st.SearchStrategy[Any]) -> st.SearchStrategy[Happening]:
    """An admin of WorkMail calls *operation*; a number stands for an entity."""

    def happening(drawn: Mapping[str, Any]) -> Happening:
        def call(stage: "Stage") -> None:
            named = {
                name: stage.entity(value) if isinstance(value, int) and not isinstance(value, bool) else value
                for name, value in drawn.items()
            }
            stage.world.meddle(operation, **named)

        return Happening(f"{operation}{drawn}", call)

    return st.fixed_dictionaries(parameters).map(happening)


def _deleted(number: int) -> Happening:
    def delete(stage: "Stage") -> None:
        entity = stage.entity(number)
        stage.world.meddle("DeregisterFromWorkMail", EntityId=entity)
        stage.world.meddle("DeleteUser", UserId=entity)
        stage.world.meddle("DeleteGroup", GroupId=entity)

    return Happening(f"delete {number}", delete)


def _founded(kind: str, name: str, address: str | None) -> Happening:
    extra = {"User": {"DisplayName": "X", "Password": "Sl0rm-C0la!"}, "Resource": {"Type": "ROOM"}, "Group": {}}[kind]

    def found(stage: "Stage") -> None:
        stage.world.meddle(f"Create{kind}", Name=name, **extra)
        if address is not None:
            stage.world.meddle("RegisterToWorkMail", EntityId=name, Email=address)

    return Happening(f"found {kind} {name} {address}", found)


admin_changes = st.one_of(
    _of_admin("CreateAlias", EntityId=pick, Alias=addresses),
    _of_admin("DeleteAlias", EntityId=pick, Alias=addresses),
    _of_admin("UpdatePrimaryEmailAddress", EntityId=pick, Email=addresses),
    _of_admin("AssociateMemberToGroup", GroupId=pick, MemberId=pick),
    _of_admin("AssociateMemberToGroup", GroupId=pick, MemberId=pick),
    _of_admin("DisassociateMemberFromGroup", GroupId=pick, MemberId=pick),
    _of_admin("UpdateUser", UserId=pick, DisplayName=st.sampled_from(["Mallory", ""]), Department=st.just("Sales")),
    _of_admin("UpdateGroup", GroupId=pick, HiddenFromGlobalAddressList=st.booleans()),
    _of_admin("DeregisterFromWorkMail", EntityId=pick),
    _of_admin("RegisterToWorkMail", EntityId=pick, Email=addresses),
    pick.map(_deleted),
    st.builds(
        _founded,
        st.sampled_from(["User", "User", "Group", "Resource"]),
        st.sampled_from((*NAMES, "mom", "planet")),
        st.none() | addresses,
    ),
)


def _after(hours: int) -> Happening:
    return Happening(f"{hours} hours pass", lambda stage: stage.world.clock.advance(hours=hours))


def _pilot(chosen: tuple[Key, ...]) -> Happening:
    def choose(stage: "Stage") -> None:
        stage.world.policy = stage.world.policy.model_copy(update={"only": Pilot(keys=chosen)})

    return Happening(f"pilot {chosen}", choose)


def _approve(stage: "Stage") -> None:
    stage.world.desired = stage.directory.mapped()
    stage.world.approve(stage.world.fresh_plan())


operator_changes = st.one_of(
    st.just(Happening("approve", _approve)),
    st.just(Happening("approve", _approve)),
    st.sampled_from([1, 24, 24 * 31]).map(_after),
    st.just(()).map(_pilot),
    st.lists(keys, min_size=3, max_size=6).map(lambda chosen: _pilot(tuple(chosen))),
)
happenings = st.one_of(directory_changes, directory_changes, admin_changes, admin_changes, operator_changes)
