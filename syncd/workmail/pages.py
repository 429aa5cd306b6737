"""The pages of what WorkMail stores: a row for each thing, from which every table of the program is made.

| thing    | of                     | changes                                                 | what only a call tells |
|----------|------------------------|---------------------------------------------------------|------------------------|
| accounts | users, groups          | user.create, group.create, register, deregister         | –                      |
| owner    | users, groups          | adopt, rebind: what we remember                         | –                      |
| aliases  | users, groups          | alias.add, alias.remove, primary.change, address.park   | ListAliases            |
| profile  | users, groups          | profile.update                                          | DescribeUser, -Group   |
| members  | groups                 | member.add, member.remove                               | ListGroupMembers       |
| quota    | users                  | quota.update                                            | GetMailboxDetails      |
"""

from collections.abc import Mapping
from typing import Any

from syncd.model.action import Action
from syncd.model.detail import ALIASES, MEMBERS, PROFILE, Codec, Detail
from syncd.model.given import GivenField
from syncd.model.names import STATED, Kind
from syncd.model.page import EVERYTHING, LISTS, Count, Managed, Page, Pages, Rank, Right, Role, Verb
from syncd.workmail.observe import FUSE, read_aliases, read_members, read_profile, read_quota

_BOTH = frozenset(STATED)
_ENTITIES: Mapping[Kind, str] = {Kind.USER: "Mailboxes", Kind.GROUP: "Groups", Kind.RESOURCE: "Resources"}


def everyone(title: str) -> Mapping[Kind, str]:
    """Return *title* for every kind of entity."""
    return dict.fromkeys(Kind, title)


def _create(kind: Kind, call: str) -> Verb:
    return Verb(
        name=f"{kind.value}.create",
        role=Role.BEGINS,
        actions=frozenset({Action.ADD}),
        titles=_ENTITIES,
        rank=Rank.CREATION,
        counts_as=Count.REGISTRATIONS,
        rests_on=(LISTS,),
        calls={kind: call},
        right=Right.WRITE,
        destructive=False,
        believed=True,
        fuse={},
    )


def _own(name: str, action: Action, rests_on: str) -> Verb:
    return Verb(
        name=name,
        role=Role.OWNS,
        actions=frozenset({action}),
        titles=everyone("Ownership"),
        rank=Rank.OWNERSHIP,
        counts_as=Count.NOTHING,
        rests_on=(rests_on,),
        calls={},
        right=Right.WRITE,
        destructive=False,
        believed=True,
        fuse={},
    )


def _address(name: str, action: Action, call: str, counts_as: Count, right: Right) -> Verb:
    return Verb(
        name=name,
        role=Role.MOVES,
        actions=frozenset({action}),
        titles=everyone("Addresses"),
        rank=Rank.ADDRESS,
        counts_as=counts_as,
        rests_on=(ALIASES,),
        calls=dict.fromkeys(STATED, call),
        right=right,
        destructive=counts_as is not Count.NOTHING,
        believed=counts_as is Count.NOTHING,
        fuse={},
    )


def _membership(name: str, action: Action, call: str, counts_as: Count, right: Right) -> Verb:
    return Verb(
        name=name,
        role=Role.JOINS,
        actions=frozenset({action}),
        titles=everyone("Memberships"),
        rank=Rank.MEMBERSHIP,
        counts_as=counts_as,
        rests_on=(MEMBERS,),
        calls={Kind.GROUP: call},
        right=right,
        destructive=counts_as is not Count.NOTHING,
        believed=counts_as is Count.NOTHING,
        fuse={},
    )


def _setting(name: str, title: str, detail: Detail[Any], calls: Mapping[Kind, str]) -> Verb:
    """Return a verb that sets a value, which can be set again; but nothing follows from disbelief."""
    return Verb(
        name=name,
        role=Role.SETS,
        actions=frozenset({Action.ADD, Action.CHANGE}),
        titles=everyone(title),
        rank=Rank.ATTRIBUTE,
        counts_as=Count.PROFILE_CHANGES,
        rests_on=(detail,),
        calls=calls,
        right=Right.WRITE,
        destructive=False,
        believed=False,
        fuse={},
    )


CREATE: Mapping[Kind, Verb] = {
    Kind.USER: _create(Kind.USER, "CreateUser"),
    Kind.GROUP: _create(Kind.GROUP, "CreateGroup"),
}
REGISTER = Verb(
    name="register",
    role=Role.ENABLES,
    actions=frozenset({Action.ADD}),
    titles=_ENTITIES,
    rank=Rank.REGISTRATION,
    counts_as=Count.REGISTRATIONS,
    rests_on=(ALIASES,),
    calls=dict.fromkeys(STATED, "RegisterToWorkMail"),
    right=Right.WRITE,
    destructive=False,
    believed=True,
    fuse={},
)
DEREGISTER = Verb(
    name="deregister",
    role=Role.ENDS,
    actions=frozenset({Action.REMOVE}),
    titles=_ENTITIES,
    rank=Rank.END,
    counts_as=Count.REMOVALS,
    rests_on=(ALIASES,),
    calls=dict.fromkeys(STATED, "DeregisterFromWorkMail"),
    right=Right.DELETE,
    destructive=True,
    believed=False,
    fuse=FUSE,
)
ADOPT = _own("adopt", Action.ADD, EVERYTHING)
REBIND = _own("rebind", Action.CHANGE, LISTS)
ADD_ALIAS = _address("alias.add", Action.ADD, "CreateAlias", Count.NOTHING, Right.WRITE)
REMOVE_ALIAS = _address("alias.remove", Action.REMOVE, "DeleteAlias", Count.ALIAS_REMOVALS, Right.DELETE)
CHANGE_PRIMARY = _address(
    "primary.change", Action.CHANGE, "UpdatePrimaryEmailAddress", Count.PRIMARY_CHANGES, Right.WRITE
)
# Parking only serves to give an address up. Under a mode without removals it would do nothing but harm:
# the old primary could not be released, and everybody would see the parking address.
PARK = _address("address.park", Action.REMOVE, "UpdatePrimaryEmailAddress", Count.PRIMARY_CHANGES, Right.WRITE)
UPDATE_PROFILE = _setting("profile.update", "Profiles", PROFILE, {Kind.USER: "UpdateUser", Kind.GROUP: "UpdateGroup"})
ADD_MEMBER = _membership("member.add", Action.ADD, "AssociateMemberToGroup", Count.NOTHING, Right.WRITE)
REMOVE_MEMBER = _membership(
    "member.remove", Action.REMOVE, "DisassociateMemberFromGroup", Count.MEMBERSHIP_REMOVALS, Right.DELETE
)

_LARGEST = 51_200


def _megabytes(text: str) -> int:
    digits = text.lstrip("0")
    if not (text.isascii() and digits.isdecimal() and len(digits) <= len(str(_LARGEST)) and int(digits) <= _LARGEST):
        message = f"is no quota: a whole number of MB from 1 to {_LARGEST} is needed"
        raise ValueError(message)
    return int(digits)


def _as_it_lies(value: int, _: object) -> int:
    return value


#: In MB. What lies in a mailbox that can't be used can't be limited: only who is ENABLED has one (`workmail.md` B44).
QUOTA: Detail[int] = Detail(
    thing="quota", codec=Codec(encode=int, decode=_as_it_lies), kinds=frozenset({Kind.USER}), only_enabled=True
)
GIVEN_QUOTA = GivenField(
    thing=QUOTA.thing,
    name="quota",
    says="how many MB the mailbox may hold, 1 to 51200; not managed where it is empty",
    parse=_megabytes,
    remedy="correct it where the directory is kept, or in the template, for instance 10240",
)
UPDATE_QUOTA = _setting("quota.update", "Quotas", QUOTA, {Kind.USER: "UpdateMailboxQuota"})


def _always(_: Managed) -> bool:
    return True


def _profile_is_managed(what: Managed) -> bool:
    return what.manage.profile and PROFILE.thing in what.given


def _quota_is_given(what: Managed) -> bool:
    return QUOTA.thing in what.given


def _groups_are_read(what: Managed) -> bool:
    return Kind.GROUP in what.read


ACCOUNTS = Page(
    thing="accounts",
    kinds=_BOTH,
    verbs=(*CREATE.values(), REGISTER, DEREGISTER),
    detail=None,
    is_managed=_always,
    reads={},
    read=None,
    given=(),
)
OWNER = Page(
    thing="owner", kinds=_BOTH, verbs=(ADOPT, REBIND), detail=None, is_managed=_always, reads={}, read=None, given=()
)
#: Aliases are read always, whatever is managed: it must be known who holds what.
ADDRESSES = Page(
    thing=ALIASES.thing,
    kinds=_BOTH,
    verbs=(ADD_ALIAS, REMOVE_ALIAS, CHANGE_PRIMARY, PARK),
    detail=ALIASES,
    is_managed=_always,
    reads={"ListAliases": {"EntityId": "user", "MaxResults": 1}},
    read=read_aliases,
    given=(),
)
ATTRIBUTES = Page(
    thing=PROFILE.thing,
    kinds=_BOTH,
    verbs=(UPDATE_PROFILE,),
    detail=PROFILE,
    is_managed=_profile_is_managed,
    reads={"DescribeUser": {"UserId": "user"}, "DescribeGroup": {"GroupId": "group"}},
    read=read_profile,
    given=(),
)
MEMBERSHIPS = Page(
    thing=MEMBERS.thing,
    kinds=frozenset({Kind.GROUP}),
    verbs=(ADD_MEMBER, REMOVE_MEMBER),
    detail=MEMBERS,
    is_managed=_groups_are_read,
    reads={"ListGroupMembers": {"GroupId": "group", "MaxResults": 1}},
    read=read_members,
    given=(),
)
QUOTAS = Page(
    thing=QUOTA.thing,
    kinds=QUOTA.kinds,
    verbs=(UPDATE_QUOTA,),
    detail=QUOTA,
    is_managed=_quota_is_given,
    reads={"GetMailboxDetails": {"UserId": "user"}},
    read=read_quota,
    given=(GIVEN_QUOTA,),
)

#: Everything that is synchronized; a new thing is a page, a facet, and a line here and in `facets/__init__.py`.
PAGES = Pages((ACCOUNTS, OWNER, ADDRESSES, ATTRIBUTES, MEMBERSHIPS, QUOTAS))
