"""The mapping of an entry with nothing special about it, at a fraction of the cost.

Nearly every entry has one plain value in each attribute. That is asked of all values at once, as one text; whatever is
in doubt is left to `record.py`, which gives the same answer (tests/unit/mapping/test_swift.py).
"""

from collections.abc import Callable
from unicodedata import is_normalized

from syncd.mapping.expressions import Attribute, Expression, Get
from syncd.mapping.record import TRUTH
from syncd.mapping.rules import EntityRules
from syncd.model.entry import Entry
from syncd.model.limits import Limits, TextLimit
from syncd.model.names import Key, Kind
from syncd.model.state import HIDDEN, Profile, Wanted

#: Returns the entity, or None when the entry deserves a closer look.
Swift = Callable[[Entry], Wanted | None]
Fetch = Callable[[Get], str]
_NOBODY: frozenset[Key] = frozenset()
#: What a fetcher raises when there is not exactly one plain value.
_IN_DOUBT = (TypeError, ValueError, KeyError)


class _Doubt(ValueError):
    """The entry deserves a closer look."""


def compile_swift(rules: EntityRules, limits: Limits) -> Swift:
    """Return the quick mapping of *rules*; where they allow none, one that always asks for a closer look."""
    fetchers = _fetchers(rules)
    if fetchers is None or not _may_be_joined(rules, limits):
        return lambda _: None
    get_name, get_display_name, get_primary, get_enabled = fetchers
    get_profile, get_aliases = _profile_maker(rules), _alias_maker(rules, limits)
    is_name = _checker(limits.user_name if rules.kind is Kind.USER else limits.group_name)
    is_address = _checker(limits.address)
    longest = min(limit.maximum for limit in (limits.display_name, *limits.profile.values()))
    prefix, kind, reserved = f"{rules.kind.value}:", rules.kind, limits.reserved_names

    def swift(entry: Entry) -> Wanted | None:
        get: Get = entry.attributes.get
        try:
            name, primary = get_name(get), get_primary(get)
            display_name = get_display_name(get) if get_display_name else ""
            enabled = TRUTH[get_enabled(get)] if get_enabled else True
            profile = get_profile(get)
            aliases = get_aliases(get, primary) if get_aliases else ()
        except _IN_DOUBT:
            return None
        text = " ".join(filter(None, (name, display_name, primary, *profile.values())))
        if (
            len(text) > longest
            or not _is_plain(text)
            or not is_name(name)
            or not is_address(primary)
            or name.casefold() in reserved
            or (not display_name and get_display_name)
        ):
            return None
        key = Key(prefix + entry.identity)
        return Wanted(key, kind, entry.origin, name, display_name, enabled, primary, aliases, profile, _NOBODY)

    return swift


def _is_plain(text: str) -> bool:
    """Return whether values joined by spaces are all trimmed, normalized, and without a character that deceives."""
    return (
        text.isprintable()
        and "  " not in text
        and text == text.strip()
        and (text.isascii() or is_normalized("NFC", text))
    )


def _fetchers(rules: EntityRules) -> tuple[Fetch, Fetch | None, Fetch, Fetch | None] | None:
    """Return the quick forms for name, display name, primary and enabled; None if one of them has none."""
    name, primary = rules.name.quick(), rules.primary.quick()
    display_name = rules.display_name.quick() if rules.display_name else None
    enabled = None if isinstance(rules.enabled, bool) else rules.enabled.quick()
    if name is None or primary is None or (display_name is None) is not (rules.display_name is None):
        return None
    if rules.enabled is not True and enabled is None:
        return None
    return name, display_name, primary, enabled


def _profile_maker(rules: EntityRules) -> Callable[[Get], Profile]:
    """Return what makes the profile, or raises one of `_IN_DOUBT`."""
    plain = [(field, rule.text) for field, rule in rules.profile if isinstance(rule, Attribute)]
    others = [(field, _or_doubt(rule)) for field, rule in rules.profile if not isinstance(rule, Attribute)]
    hidden = rules.hidden if isinstance(rules.hidden, bool | None) else _or_doubt(rules.hidden)

    def make(get: Get) -> Profile:
        profile = {}
        for field, attribute in plain:
            values = get(attribute)
            if values is None:
                profile[field] = ""
            else:
                (profile[field],) = values
        for field, fetch in others:
            profile[field] = fetch(get)
        if hidden is not None:
            is_hidden = hidden if isinstance(hidden, bool) else TRUTH[hidden(get)]
            profile[HIDDEN] = "true" if is_hidden else "false"
        return profile

    return make


def _or_doubt(expression: Expression) -> Fetch:
    """Return the quick form of *expression*, or one that always asks for a closer look."""

    def doubt(_: Get) -> str:
        raise _Doubt

    return expression.quick() or doubt


def _alias_maker(rules: EntityRules, limits: Limits) -> Callable[[Get, str], tuple[str, ...]] | None:
    """Return what gives the aliases, or raises one of `_IN_DOUBT`; None when nobody has any."""
    if rules.aliases is None:
        return None
    attribute = rules.aliases.text if isinstance(rules.aliases, Attribute) else None
    is_address, most = _checker(limits.address), limits.aliases

    def make(get: Get, primary: str) -> tuple[str, ...]:
        if attribute is None:
            raise _Doubt
        values = get(attribute)
        if not values:
            return ()
        text = " ".join(values)
        distinct = len({primary.casefold(), *map(str.casefold, values)})
        if distinct != len(values) + 1 or len(values) > most or ";" in text or not _is_plain(text):
            raise _Doubt
        if not all(map(is_address, values)):
            raise _Doubt
        return values

    return make


def _checker(limit: TextLimit) -> Callable[[str], bool]:
    """Return whether a value is within *limit*, as a function; an empty one never is."""
    minimum, maximum = max(limit.minimum, 1), limit.maximum
    if limit.pattern is None:
        return lambda value: minimum <= len(value) <= maximum
    matches = limit.pattern.fullmatch
    return lambda value: minimum <= len(value) <= maximum and matches(value) is not None


def _may_be_joined(rules: EntityRules, limits: Limits) -> bool:
    """Return whether the length of all values together tells that each is short enough, and nothing else is asked."""
    optional = [limits.profile[field] for field, _ in rules.profile if field in limits.profile]
    required = [limits.display_name] if rules.display_name else []
    return all(limit.pattern is None and limit.minimum == 0 for limit in optional) and all(
        limit.pattern is None and limit.minimum <= 1 for limit in required
    )
