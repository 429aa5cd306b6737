"""A story: a configuration and what happens, event by event, all of it decided by a seed before it begins.

Nothing is drawn while a story is played, so that it can be played again with some of its events left out.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from syncd.emulator import Switches
from syncd.model.policy import Adopt, Manage, Mode, Policy
from tests.reliability.directory import GROUPS, PEOPLE, WRONG
from tests.reliability.events import Argument, Event
from tests.reliability.settings import GUARDS, MAPPINGS, REMOVALS
from tests.reliability.strikes import CALLS, CELLS, ENTRIES, LISTS, READS, WRITES, Strike, kinds_of


@dataclass(frozen=True, kw_only=True)
class Setting:
    """The configuration that a story begins with, and the answers to open questions about the service."""

    guards: str
    removal: str
    policy: Policy
    switches: Switches
    verify_within: timedelta
    every_hours: float

    def __str__(self) -> str:
        manage = self.policy.manage
        changed = [
            f"{name}={getattr(self.switches, name)}"
            for name in Switches.__dataclass_fields__
            if getattr(self.switches, name) != getattr(Switches(), name)
        ]
        return (
            f"guards {self.guards}, removals {self.removal}, adopt {self.policy.adopt}, aliases {manage.aliases},"
            f" members {manage.members}, a cycle every {self.every_hours:g} h, details kept {self.verify_within}"
            + (f"; the service: {', '.join(changed)}" if changed else "")
        )


@dataclass(frozen=True, kw_only=True)
class Story:
    """What happens, in order; each event is data."""

    seed: int
    setting: Setting
    events: tuple[Event, ...]

    def without(self, leave_out: frozenset[int]) -> "Story":
        """Return the story without the events at these places."""
        return replace(self, events=tuple(one for at, one in enumerate(self.events) if at not in leave_out))


Draw = Callable[[random.Random], tuple[Argument, ...]]


def _slot(dice: random.Random) -> int:
    return dice.randrange(PEOPLE)


def _slots(dice: random.Random) -> tuple[int, int]:
    return _slot(dice), _slot(dice)


def _number(dice: random.Random) -> int:
    return dice.randrange(40)


def _chosen(*choices: Argument) -> Draw:
    return lambda dice: (dice.choice(choices),)


def _nothing(dice: random.Random) -> tuple[Argument, ...]:
    return ()


def _one(dice: random.Random) -> tuple[Argument, ...]:
    return (_slot(dice),)


def _one_and_number(dice: random.Random) -> tuple[Argument, ...]:
    return (_slot(dice), _number(dice))


def _number_only(dice: random.Random) -> tuple[Argument, ...]:
    return (_number(dice),)


def _managed(dice: random.Random) -> tuple[Argument, ...]:
    return (dice.choice(["exact", "additive", ""]), dice.choice(["exact", "additive", ""]))


#: What happens, how often among all, and with which arguments.
CHURN: Mapping[str, tuple[int, Draw]] = {
    "joins": (10, _one),
    "is_marked_left": (8, _one),
    "vanishes": (8, _one),
    "returns": (9, _one),
    "is_rehired": (3, _one),
    "marries": (4, _one_and_number),
    "marries_and_moves": (3, _one_and_number),
    "changes_team": (4, _one_and_number),
    "changes_phone": (5, _one_and_number),
    "gets_an_alias": (7, _one_and_number),
    "swap_addresses": (4, _slots),
    "inherits": (3, _slots),
    "id_is_reused": (2, _one),
    "ids_are_exchanged": (1, _slots),
    "is_misspelt": (3, _one),
    "is_corrected": (4, _one),
    "group_is_founded": (5, _chosen(*range(GROUPS))),
    "group_is_dissolved": (2, _chosen(*range(GROUPS))),
    "changes_group": (8, lambda dice: (_slot(dice), dice.randrange(GROUPS))),
    "group_is_hidden": (2, _chosen(*range(GROUPS))),
    "group_is_nested": (2, _chosen(0, 1)),
    "has_a_row_without_key": (1, _nothing),
    "export_goes_wrong": (4, _chosen(*WRONG)),
    "export_is_mended": (6, _nothing),
    "admin_adds_an_alias": (3, _one_and_number),
    "admin_removes_an_alias": (2, _number_only),
    "admin_renames": (2, _number_only),
    "admin_changes_the_primary": (2, _one_and_number),
    "admin_deregisters": (2, _number_only),
    "admin_registers": (2, _number_only),
    "admin_deletes": (1, _number_only),
    "admin_changes_a_group": (4, lambda dice: (_number(dice), _number(dice))),
    "admin_makes_a_user": (3, _one),
    "approves": (12, _nothing),
    "approves_an_old_plan": (2, _number_only),
    "revokes": (2, _nothing),
    "plans_only": (2, _nothing),
    "changes_mode": (3, _chosen("full", "full", "full", "upsert", "create", "observe")),
    "changes_adoption": (1, _chosen(*(str(one) for one in Adopt))),
    "changes_management": (1, _managed),
    "changes_guards": (2, _chosen(*GUARDS)),
    "protects": (1, _one),
    "begins_a_pilot": (1, _one),
    "ends_the_pilot": (2, _nothing),
    "changes_mapping": (2, _chosen(*MAPPINGS)),
    "hours_pass": (5, _chosen(1, 6, 24, 24, 72, 24 * 31)),
    "clock_jumps": (2, _chosen(-48, -1, 1, 30, 24 * 8)),
    "is_restarted": (2, _nothing),
    "backs_up": (2, _nothing),
    "restores_the_backup": (1, _nothing),
}


def setting(dice: random.Random) -> Setting:
    """Draw a configuration."""
    guards = dice.choice(["as usual", "wide open", "wide open", "tight"])
    removal = dice.choice(["at once", "in two reads", "in a day"])
    manage = Manage.model_validate(
        {"aliases": dice.choice(["exact", "additive", False]), "members": dice.choice(["exact", "exact", "additive"])}
    )
    policy = Policy(
        mode=Mode.FULL,
        adopt=dice.choice(list(Adopt)),
        manage=manage,
        removal=REMOVALS[removal],
        guards=GUARDS[guards],
    )
    odd = dice.random() < 0.5
    switches = Switches(
        deregistered_addresses=dice.choice(["reserved", "released", "kept"]),
        deleted_members=dice.choice(["removed", "kept"]),
        ghosts_listed=dice.random() < 0.5,
        omitted_clears=odd,
        register_enabled=dice.choice(["refused", "unchanged"]),
        shuffle=dice.random() < 0.3,
        short_pages=odd,
        empty_pages=odd and dice.random() < 0.5,
        settle=dice.choice([0.0, 0.0, 0.0, 0.5, 5.0]),
    )
    return Setting(
        guards=guards,
        removal=removal,
        policy=policy,
        switches=switches,
        verify_within=timedelta(hours=dice.choice([0, 24, 24])),
        every_hours=dice.choice([0.25, 6.0, 12.0]),
    )


def strike(dice: random.Random) -> Strike:
    """Draw a fault: of any call, of any that changes something, or of a certain one, if that comes to be made."""
    roll = dice.random()
    if roll < 0.25:
        return Strike(operation="*", kind=dice.choice([*CALLS, *LISTS]), nth=dice.randint(1, 50))
    times = dice.choice([1, 1, 1, 2, 7, 40])
    if roll < 0.6:
        kind = dice.choice(list(CALLS))
        nth = dice.choice([1, 1, 2, 3, 5, 8])
        return Strike(operation="write", kind=kind, nth=nth, times=1 if kind.startswith("dies") else times)
    operation = dice.choice([*WRITES, *READS, *ENTRIES])
    kind = dice.choice(kinds_of(operation))
    nth = dice.choice([1, 1, 1, 2, 3])
    return Strike(operation=operation, kind=kind, nth=nth, times=1 if kind.startswith("dies") else times)


#: What makes a certain call, or entry of the store, likely to be made in the next cycle.
_CAUSES: Mapping[str, tuple[str, ...]] = {
    "CreateUser": ("joins",),
    "CreateGroup": ("group_is_dissolved", "group_is_founded"),
    "RegisterToWorkMail": ("joins", "returns", "admin_deregisters"),
    "DeregisterFromWorkMail": ("is_marked_left", "group_is_dissolved"),
    "CreateAlias": ("gets_an_alias", "admin_removes_an_alias"),
    "DeleteAlias": ("gets_an_alias", "swap_addresses", "admin_adds_an_alias"),
    "UpdatePrimaryEmailAddress": ("swap_addresses", "admin_changes_the_primary"),
    "UpdateUser": ("marries", "changes_team"),
    "UpdateGroup": ("group_is_hidden",),
    "AssociateMemberToGroup": ("changes_group",),
    "DisassociateMemberFromGroup": ("changes_group", "admin_changes_a_group"),
    "UpdateMailboxQuota": ("changes_phone",),
    "memory.bind": ("swap_addresses", "returns"),
    "journal.intend": ("changes_phone",),
    "journal.settle": ("changes_phone",),
}


def _aimed(dice: random.Random, turn: int) -> list[Event]:
    """Return what is likely to make the call of a cell (these are taken in turn), and the cycle that is struck."""
    operation, kind = _TURNS[turn % len(_TURNS)]
    causes = _CAUSES.get(operation, ())
    events = [Event("export_is_mended"), Event("changes_mode", ("full",))] if causes else []
    for _ in range(3 if causes else 0):
        name = dice.choice(causes)
        events.append(Event(name, CHURN[name][1](dice)))
    times = 1 if kind.startswith("dies") else dice.choice([1, 1, 2, 40])
    return [*events, Event("cycle", (), (Strike(operation=operation, kind=kind, times=times),))]


#: Every cell; those thrice of what comes to be called only where something makes it.
_TURNS = [*CELLS, *(cell for cell in CELLS if cell[0] in _CAUSES for _ in range(2))]
random.Random("turns").shuffle(_TURNS)


def story(seed: int, cycles: int) -> Story:
    """Return the story of *seed*, with so many cycles."""
    dice = random.Random(seed)
    chosen = setting(dice)
    names = list(CHURN)
    weights = [CHURN[name][0] for name in names]
    events = [Event("joins", (slot,)) for slot in dice.sample(range(PEOPLE), dice.randint(4, 9))]
    events += [Event("group_is_founded", (slot,)) for slot in range(dice.randint(1, GROUPS))]
    if dice.random() < 0.5:
        events.append(Event("admin_makes_a_user", (99,)))
    for number in range(cycles):
        if number:
            for name in dice.choices(names, weights, k=dice.choice([0, 0, 1, 2, 4])):
                events.append(Event(name, CHURN[name][1](dice)))
        if number and dice.random() < 0.5:
            events += _aimed(dice, seed * cycles + number)
            continue
        strikes = tuple(strike(dice) for _ in range(dice.choice([0, 0, 1, 1, 2])))
        if not number and dice.random() < 0.5:
            # Groups are created once: those that are dissolved keep their name.
            strikes = (Strike(operation="CreateGroup", kind=list(CALLS)[seed % len(CALLS)]),)
        refresh: tuple[Argument, ...] = ("refresh",) if dice.random() < 0.1 else ()
        events.append(Event("cycle", refresh, strikes))
    return Story(seed=seed, setting=chosen, events=tuple(events))
