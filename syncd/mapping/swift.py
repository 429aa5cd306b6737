"""The mapping of an entry with nothing special about it, at a fraction of the cost.

Nearly every entry has at most one value in each attribute, trimmed and normalized. That is asked of all values at once,
as one text; whatever is in doubt is left to `record.py`, whose answer is the same (tests/unit/mapping/test_swift.py).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import gt
from typing import Protocol
from unicodedata import is_normalized

from syncd.mapping.expressions import Attribute, Attributes, Expression, Fetch
from syncd.mapping.record import TRUTH
from syncd.mapping.rules import EntityRules
from syncd.model.entry import Entry
from syncd.model.limits import Limits, TextLimit
from syncd.model.names import Key, Kind
from syncd.model.state import HIDDEN, Wanted

#: Returns the entity, or None when the entry deserves a closer look.
Swift = Callable[[Entry], Wanted | None]
_NOBODY: frozenset[Key] = frozenset()
#: What is raised where a closer look is due.
_IN_DOUBT = (ValueError, KeyError)


class Singles(Protocol):
    """What the attributes of an entry may offer besides being a mapping: several answers to one question."""

    def singles(self, names: tuple[str, ...]) -> Sequence[str] | None:
        """Return the value of each of *names*, at least two, "" where there is none; None if one has several."""
        ...


class _Doubt(ValueError):
    """The entry deserves a closer look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """Which attributes are asked for, in which order: what rules compute with, personal attributes, aliases."""

    names: tuple[str, ...]
    #: Where the attributes that rules compute with stand.
    places: Mapping[str, int]
    #: Personal attributes that are attributes of the entry; their values stand in one piece.
    plain: tuple[str, ...]
    plain_at: slice
    has_aliases: bool


def compile_swift(rules: EntityRules, limits: Limits) -> Swift:
    """Return the quick mapping of *rules*; where they allow none, one that always asks for a closer look."""
    layout = _layout(rules)
    get_name, get_primary = rules.name.quick(layout.places), rules.primary.quick(layout.places)
    get_display_name = _optional(rules.display_name, layout)
    get_enabled = _optional(rules.enabled, layout)
    if get_name is None or get_primary is None or not _may_be_joined(rules, limits):
        return lambda _: None
    add_others = _others(rules, limits, layout)
    take = _taker(layout)
    is_name = _checker(limits.user_name if rules.kind is Kind.USER else limits.group_name)
    is_address, is_display_name = _checker(limits.address), _checker(limits.display_name)
    are_aliases = _alias_checker(limits)
    plain, plain_at = layout.plain, layout.plain_at
    maxima = [limits.profile.get(field, TextLimit()).maximum for field in plain]
    longest = min(maxima, default=1 << 30)
    everyone, prefix, kind, reserved = rules.enabled is True, f"{rules.kind.value}:", rules.kind, limits.reserved_names

    def swift(entry: Entry) -> Wanted | None:
        try:
            values, aliases = take(entry.attributes)
            text = " ".join(filter(None, values))
            name, primary = get_name(values), get_primary(values)
            display_name = get_display_name(values) if get_display_name else ""
            enabled = TRUTH[get_enabled(values)] if get_enabled else everyone
            profile = dict(zip(plain, values[plain_at], strict=True))
            if add_others:
                add_others(values, profile)
        except _IN_DOUBT:
            return None
        if (
            not _is_plain(text)
            or (len(text) > longest and any(map(gt, map(len, values[plain_at]), maxima)))
            or not is_name(name)
            or not is_address(primary)
            or name.casefold() in reserved
            or (get_display_name and not is_display_name(display_name))
            or (aliases and not are_aliases(aliases, primary))
        ):
            return None
        key = Key(prefix + entry.identity)
        return Wanted(key, kind, entry.origin, name, display_name, enabled, primary, aliases, profile, _NOBODY)

    return swift


def _layout(rules: EntityRules) -> _Layout:
    plain = {field: rule.text for field, rule in rules.profile if isinstance(rule, Attribute)}
    computing = [rules.name, rules.display_name, rules.primary, rules.enabled, rules.hidden]
    computing += [rule for _, rule in rules.profile if not isinstance(rule, Attribute)]
    used = frozenset().union(*(rule.attributes for rule in computing if not isinstance(rule, bool | None)))
    first = sorted(used)
    aliases = [rules.aliases.text] if isinstance(rules.aliases, Attribute) else []
    return _Layout(
        names=(*first, *plain.values(), *aliases),
        places={name: place for place, name in enumerate(first)},
        plain=tuple(plain),
        plain_at=slice(len(first), len(first) + len(plain)),
        has_aliases=bool(aliases),
    )


def _taker(layout: _Layout) -> Callable[[Attributes], tuple[Sequence[str], tuple[str, ...]]]:
    """Return what takes the values of the layout from an entry, and its aliases."""
    # At least two, as `Singles` wants them: asking for one of them twice does no harm.
    names = layout.names if len(layout.names) > 1 else layout.names * 2
    has_aliases = layout.has_aliases
    singular = names[:-1] if has_aliases else names

    def take(attributes: Attributes) -> tuple[Sequence[str], tuple[str, ...]]:
        singles = getattr(attributes, "singles", None)
        found: Sequence[str] | None = singles(names) if singles is not None else None
        if found is not None:
            return found, ((found[-1],) if has_aliases and found[-1] else ())
        values: list[str] = []
        for name in singular:
            several = attributes.get(name) or ("",)
            if len(several) != 1:
                raise _Doubt
            values += several
        aliases = (attributes.get(names[-1]) or ()) if has_aliases else ()
        return [*values, " ".join(aliases)], aliases

    return take


def _optional(rule: Expression | bool | None, layout: _Layout) -> Fetch | None:  # noqa: FBT001 - as rules have it
    """Return the quick form of a rule that computes something, one that always doubts if it has none."""

    def doubt(_: Sequence[str]) -> str:
        raise _Doubt

    return None if rule is None or isinstance(rule, bool) else rule.quick(layout.places) or doubt


def _others(
    rules: EntityRules, limits: Limits, layout: _Layout
) -> Callable[[Sequence[str], dict[str, str]], None] | None:
    """Return what adds the personal attributes that are computed, and whether someone is hidden; None for none."""
    made = [
        (field, fetch, limits.profile.get(field, TextLimit()).maximum)
        for field, rule in rules.profile
        if not isinstance(rule, Attribute) and (fetch := _optional(rule, layout))
    ]
    get_hidden, hidden = _optional(rules.hidden, layout), rules.hidden
    if not made and hidden is None:
        return None

    def add(values: Sequence[str], profile: dict[str, str]) -> None:
        for field, fetch, maximum in made:
            profile[field] = value = fetch(values)
            if len(value) > maximum:
                raise _Doubt
        if hidden is not None:
            is_hidden = TRUTH[get_hidden(values)] if get_hidden else hidden
            profile[HIDDEN] = "true" if is_hidden else "false"

    return add


def _is_plain(text: str) -> bool:
    """Return whether values joined by spaces are all trimmed, normalized, and without a character that deceives."""
    return (
        text.isprintable()
        and "  " not in text
        and text == text.strip()
        and (text.isascii() or is_normalized("NFC", text))
    )


def _checker(limit: TextLimit) -> Callable[[str], bool]:
    """Return whether a value is within *limit*, as a function; an empty one never is."""
    minimum, maximum = max(limit.minimum, 1), limit.maximum
    if limit.pattern is None:
        return lambda value: minimum <= len(value) <= maximum
    matches = limit.pattern.fullmatch
    return lambda value: minimum <= len(value) <= maximum and matches(value) is not None


def _alias_checker(limits: Limits) -> Callable[[tuple[str, ...], str], bool]:
    is_address, most = _checker(limits.address), limits.aliases

    def check(aliases: tuple[str, ...], primary: str) -> bool:
        distinct = len({primary.casefold(), *map(str.casefold, aliases)})
        return (
            distinct == len(aliases) + 1
            and len(aliases) <= most
            and all(is_address(alias) and ";" not in alias for alias in aliases)
        )

    return check


def _may_be_joined(rules: EntityRules, limits: Limits) -> bool:
    """Return whether there is a quick way to aliases, and personal attributes have no limit but their length."""
    profile = [limits.profile[field] for field, _ in rules.profile if field in limits.profile]
    return (rules.aliases is None or isinstance(rules.aliases, Attribute)) and all(
        limit.pattern is None and limit.minimum == 0 for limit in profile
    )
