"""What names a thing: keys of the source, ids of the service, addresses."""

from enum import StrEnum
from typing import NewType

#: An entry's immutable identity with its kind, written `user:4711` or `group:sales`: user 7 is not group 7.
Key = NewType("Key", str)

#: The service's opaque id of an entity. Never a name, never an address (`workmail.md` 0.8; `ops.md` F15).
EntityId = NewType("EntityId", str)


class Kind(StrEnum):
    """What an entity is. Resources are observed only: they hold names and addresses."""

    USER = "user"
    GROUP = "group"
    RESOURCE = "resource"


#: The kinds that a source may state, in the order in which they are read and mapped.
STATED = (Kind.USER, Kind.GROUP)


def user_key(identity: str) -> Key:
    """Return the key of the user whose identity in the source is *identity*."""
    return Key(f"user:{identity}")


def group_key(identity: str) -> Key:
    """Return the key of the group whose identity in the source is *identity*."""
    return Key(f"group:{identity}")


def make_key(kind: Kind, identity: str) -> Key:
    """Return the key of the entity of *kind* whose identity in the source is *identity*."""
    return Key(f"{kind.value}:{identity}")


def kind_of(key: Key) -> Kind:
    """Return the kind that *key* names."""
    return Kind(key.partition(":")[0])


def identity_of(key: Key) -> str:
    """Return the source's own identity within *key*."""
    return key.partition(":")[2]


def fold(address_or_name: str) -> str:
    """Return the form in which addresses and names are compared: case alone is no difference."""
    return address_or_name.casefold()


def domain_of(address: str) -> str:
    """Return the folded domain of *address*; "" where there is none."""
    return address.rpartition("@")[2].casefold() if "@" in address else ""
