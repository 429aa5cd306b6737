"""Whatever an entry says and however its source keeps it, one meaning comes of it."""

from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from syncd.mapping.record import Mapper
from syncd.mapping.values import clean, deceiving
from syncd.model.entry import Entry
from syncd.model.names import Kind
from syncd.model.state import Wanted
from tests.unit.mapping.mapping_builders import LIMITS, person, rules

VALUES = st.one_of(
    st.sampled_from(
        [
            "ada",
            "a b",
            "",
            " ",
            " ada",
            "ada ",
            "a  b",
            "e\u0301",
            "\u00e9",
            "\u200b",
            "a\u200db",
            "\x07",
            "x" * 41,
            "y" * 14,
        ]
    ),
    st.sampled_from(["true", "no", "YES", "active", "administrator", "a;b", "\u00df", "\u00a0", "a\nb", "a\u2028b"]),
    st.sampled_from(["ada@corp.example", "ADA@corp.example", "b@corp.example", "b@corp", "\u00e9@corp.example"]),
    st.text(max_size=6),
)
ATTRIBUTES = st.sampled_from(["login", "full", "mail", "other", "city", "status", "hide"])
ENTRIES = st.dictionaries(
    ATTRIBUTES,
    st.lists(VALUES, min_size=1, max_size=3).map(tuple) | VALUES.map(lambda value: (value,)),
)
NAMES = st.sampled_from(
    [
        "login",
        "{{ login }}",
        "{{ login }}1",
        "x{{ login }}",
        "{{ login }} {{ full }}",
        "{{ login | lower }}",
        "{{ 'x' }}",
        " login ",
    ]
)
ADDRESSES = st.sampled_from(["mail", "{{ login }}@corp.example", "{{ mail }}", "{{ mail | lower }}", "x.{{ mail }}"])
CHOICES = st.sampled_from(
    [True, False, "status", "{{ status == 'active' }}", "{{ status != 'active' }}", "{{ not status }}"]
)
MAPPINGS = st.fixed_dictionaries(
    {
        "name": NAMES,
        "display_name": NAMES,
        "primary_email": ADDRESSES,
        "aliases": st.sampled_from([None, "other", "{{ other }}"]),
        "enabled": CHOICES,
        "hidden": CHOICES | st.none(),
        "profile": st.dictionaries(st.sampled_from(["city", "country"]), NAMES | st.just("city")),
    }
)


class Together(dict[str, tuple[str, ...]]):
    """Attributes that answer several questions at once, as a row of a CSV file does."""

    def singles(self, names: tuple[str, ...]) -> Sequence[str] | None:
        found = [self.get(name, ("",)) for name in names]
        return [values[0] for values in found] if all(len(values) == 1 for values in found) else None


@given(MAPPINGS, ENTRIES)
def test_attributes_that_answer_at_once_mean_the_same(
    mapping: dict[str, Any], attributes: dict[str, tuple[str, ...]]
) -> None:
    """People: what is asked one by one and what is asked together give one answer."""
    people = Mapper(rules(mapping).entities[Kind.USER], LIMITS)

    assert people.map(person_of(Together(attributes))) == people.map(person_of(attributes))


@given(ENTRIES, st.sampled_from(["mail", "{{ login }}@corp.example", "{{ mail | lower }}"]))
def test_groups_that_answer_at_once_mean_the_same(attributes: dict[str, tuple[str, ...]], primary: str) -> None:
    """Groups have fewer properties, and may have no address; the answers agree all the same."""
    by = rules(groups={"name": "login", "primary_email": primary, "aliases": "other"}).entities[Kind.GROUP]
    one_by_one = Entry(Kind.GROUP, "1", "groups.csv:2", attributes)
    at_once = Entry(Kind.GROUP, "1", "groups.csv:2", Together(attributes))

    assert Mapper(by, LIMITS).map(at_once) == Mapper(by, LIMITS).map(one_by_one)


@given(MAPPINGS, st.dictionaries(ATTRIBUTES, VALUES.map(lambda value: (value,)), max_size=2))
def test_nothing_that_the_target_refuses_comes_through(
    mapping: dict[str, Any], attributes: dict[str, tuple[str, ...]]
) -> None:
    """Who is enabled has names and addresses within the limits, tidy, without a character that deceives."""
    entry = person_of({**person().attributes, "status": ("true",), **attributes})
    mapped = Mapper(rules(mapping).entities[Kind.USER], LIMITS).map(entry)
    wanted = mapped.wanted

    assert (wanted is None) is (mapped.rejection is not None)
    if wanted is not None and wanted.enabled:
        assert complaints(wanted) == []
        assert len({wanted.primary.casefold(), *map(str.casefold, wanted.aliases)}) == len(wanted.aliases) + 1
        texts = [wanted.name, wanted.display_name, wanted.primary, *wanted.aliases, wanted.profile.get("country", "")]
        assert [text for text in texts if deceiving(text, joiners=True) or clean(text) != text] == []


def person_of(attributes: dict[str, tuple[str, ...]]) -> Entry:
    return Entry(Kind.USER, "1", "people.csv:2", attributes)


def complaints(wanted: Wanted) -> list[str]:
    limited = [
        (wanted.name, LIMITS.user_name),
        (wanted.display_name, LIMITS.display_name),
        *((address, LIMITS.address) for address in (wanted.primary, *wanted.aliases)),
        *((value, LIMITS.profile[field]) for field, value in wanted.profile.items() if field != "hidden"),
    ]
    return [complaint for text, limit in limited if (complaint := limit.complaint(text))]
