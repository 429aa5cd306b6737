"""One entry -> one entity, or everything that is wrong with it.

This is what the mapping means; `swift.py` is the same for entries with nothing special about them.
"""

from dataclasses import dataclass, field

from syncd.mapping.expressions import Absent, Expression, Unmappable, several
from syncd.mapping.rules import EntityRules
from syncd.mapping.values import deceiving, shown, to_ascii
from syncd.model.entry import Entry, Rejection
from syncd.model.limits import Limits, TextLimit
from syncd.model.names import Kind, fold, make_key
from syncd.model.state import HIDDEN, Wanted

TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """What became of an entry: an entity, a rejection, or neither (a group without address).

    A rejected entry still wants its *name* and *addresses*, as far as they could be read: nobody else may have them.
    """

    wanted: Wanted | None = None
    rejection: Rejection | None = None
    name: str = ""
    addresses: tuple[str, ...] = ()


@dataclass(slots=True)
class _Sheet:
    """An entry while it is mapped."""

    entry: Entry
    rules: EntityRules
    limits: Limits
    faults: list[tuple[str, str]] = field(default_factory=list)

    def fault(self, what: str, expression: Expression, reason: str, remedy: str) -> None:
        self.faults.append((f"{what} ({self.rules.where[what]}: {expression.text}): {reason}", remedy))

    def one(self, what: str, expression: Expression, limit: TextLimit, *, required: bool) -> str:
        """Return the value of a property that has one, "" when there is none or it can't be used."""
        try:
            values = expression.values(self.entry.attributes)
            if len(values) > 1:
                raise several(_several_name(expression), len(values))
            if not values and required:
                raise Absent(expression.text)
        except Unmappable as error:
            self.fault(what, expression, error.reason, error.remedy)
            return ""
        value = values[0] if values else ""
        return value if not value or self.fits(what, expression, value, limit) else ""

    def fits(self, what: str, expression: Expression, value: str, limit: TextLimit) -> bool:
        """Return whether *value* is one that the target takes; if it isn't, note why."""
        if what not in _PROSE:
            hidden = deceiving(value, joiners=what not in _COMPARED)
            if hidden:
                self.fault(what, expression, f"{shown(value)} contains {hidden}", "remove that character")
                return False
        complaint = limit.complaint(value)
        if complaint:
            self.fault(what, expression, f"{shown(value)} {complaint}", _remedy(value, limit))
        return not complaint

    def choice(self, what: str, expression: Expression | bool) -> bool | None:  # noqa: FBT001 - the settings allow both
        """Return a yes or no, None when it is neither."""
        if isinstance(expression, bool):
            return expression
        try:
            values = expression.values(self.entry.attributes)
        except Unmappable as error:
            self.fault(what, expression, error.reason, error.remedy)
            return None
        found = TRUTH.get(values[0].casefold()) if len(values) == 1 else None
        if found is None:
            given = " and ".join(map(shown, values)) or "nothing"
            remedy = "give true or false (yes or no, 1 or 0), for instance {{ status == 'active' }}"
            self.fault(what, expression, f"{given} is neither yes nor no", remedy)
        return found

    def alias_list(self, expression: Expression, primary: str) -> tuple[str, ...]:
        """Return the aliases, each once, without the primary address."""
        try:
            values = expression.values(self.entry.attributes)
        except Unmappable as error:
            self.fault("aliases", expression, error.reason, error.remedy)
            return ()
        found: dict[str, str] = {}
        for value in values:
            for text in value.split(";"):
                address = text.strip()
                if address and self.fits("aliases", expression, address, self.limits.address):
                    found.setdefault(fold(address), address)
        found.pop(fold(primary), None)
        if len(found) > self.limits.aliases:
            reason = f"there are {len(found)}, {self.limits.aliases} are allowed"
            self.fault("aliases", expression, reason, "give the others to a group")
        return tuple(found.values())


_COMPARED = frozenset({"name", "primary_email", "aliases"})
#: Properties that people read and nobody compares: only their length and the target's own pattern matter.
_PROSE = frozenset({f"profile.{name}" for name in ("street", "city", "job_title", "department", "company", "office")})


def map_entry(entry: Entry, rules: EntityRules, limits: Limits) -> Mapped:
    """Return what becomes of *entry* by itself; what others want is looked at in `conflicts`.

    A disabled entry wants nothing: what it says wrongly is left empty, so that an emptied mail address never keeps
    somebody who left.
    """
    sheet = _Sheet(entry, rules, limits)
    key = make_key(entry.kind, entry.identity)
    is_user = entry.kind is Kind.USER
    if not is_user and _has_no_address(entry, rules):
        return Mapped()
    name = sheet.one("name", rules.name, limits.user_name if is_user else limits.group_name, required=True)
    if fold(name) in limits.reserved_names:
        sheet.fault("name", rules.name, f"{shown(name)} is reserved by the service", "choose another name")
    display_name = ""
    if rules.display_name is not None:
        display_name = sheet.one("display_name", rules.display_name, limits.display_name, required=True)
    primary = sheet.one("primary_email", rules.primary, limits.address, required=True)
    aliases = sheet.alias_list(rules.aliases, primary) if rules.aliases else ()
    enabled = sheet.choice("enabled", rules.enabled)
    profile = {}
    for property_name, expression in rules.profile:
        limit = limits.profile.get(property_name, _ANY)
        value = sheet.one(f"profile.{property_name}", expression, limit, required=False)
        profile[property_name] = value
    if rules.hidden is not None:
        profile[HIDDEN] = "true" if sheet.choice("hidden", rules.hidden) else "false"
    addresses = tuple(address for address in (primary, *aliases) if address)
    if sheet.faults and enabled is not False:
        reason = "; ".join(reason for reason, _ in sheet.faults)
        remedy = "; ".join(dict.fromkeys(remedy for _, remedy in sheet.faults))
        rejection = Rejection(key=key, origin=entry.origin, reason=reason, remedy=remedy)
        return Mapped(rejection=rejection, name=name, addresses=addresses)
    known_name = name or entry.identity
    wanted = Wanted(
        key, entry.kind, entry.origin, known_name, display_name, bool(enabled), primary, aliases, profile, frozenset()
    )
    return Mapped(wanted=wanted, name=name, addresses=addresses if enabled else ())


_ANY = TextLimit()


def _has_no_address(entry: Entry, rules: EntityRules) -> bool:
    try:
        return not rules.primary.values(entry.attributes)
    except Absent:
        return True
    except Unmappable as error:
        return error.reason.endswith(" is absent")


def _several_name(expression: Expression) -> str:
    return next(iter(expression.attributes)) if len(expression.attributes) == 1 else "value"


def _remedy(value: str, limit: TextLimit) -> str:
    if len(value) > limit.maximum:
        return "shorten it"
    if not value.isascii() and limit.pattern is not None and limit.pattern.fullmatch(to_ascii(value)):
        return f"write it in ASCII letters: {shown(to_ascii(value))}, which the template filter `ascii` makes"
    return "correct it where the directory is kept, or in the template"
