"""One entry: what comes of it, and what is said when nothing can."""

from dataclasses import replace
from typing import Any

import pytest

from syncd.model.entry import Entry
from syncd.model.names import Key, Kind
from syncd.model.state import PROFILE_FIELDS, Wanted
from tests.unit.mapping.mapping_builders import Values, desired, group, members, person, reasons, rules


def only(result_of: Any, **mapping: Any) -> Wanted:  # noqa: ANN401 - anything a mapping may say
    result = desired(result_of, by=rules(mapping))
    assert result.rejections == ()
    (wanted,) = result.entities.values()
    return wanted


def rejected(entry: Any, **mapping: Any) -> tuple[str, str]:  # noqa: ANN401 - anything a mapping may say
    result = desired(entry, by=rules(mapping))
    assert result.entities == {}
    (rejection,) = result.rejections
    assert rejection.key == f"{entry.kind.value}:{entry.identity}"
    assert rejection.origin == entry.origin
    return rejection.reason, rejection.remedy


def changed(entry: Entry, attributes: dict[str, Values]) -> Entry:
    values = {name: (value,) if isinstance(value, str) else value for name, value in attributes.items()}
    return replace(
        entry, attributes={name: found for name, found in {**entry.attributes, **values}.items() if any(found)}
    )


def test_every_property_comes_from_its_attribute() -> None:
    """An entry becomes an entity with key, origin, names, addresses and every personal attribute."""
    profile = {name: f"{name} of ada" for name in PROFILE_FIELDS}
    entry = person("1", "ada", other=("al@corp.example", "a.l@corp.example"), visible="no", **profile)

    wanted = only(entry, profile={name: name for name in PROFILE_FIELDS}, hidden="{{ visible == 'no' }}")

    assert wanted == Wanted(
        Key("user:1"),
        Kind.USER,
        "people.csv:1",
        "ada",
        "Ada",
        True,
        "ada@corp.example",
        ("al@corp.example", "a.l@corp.example"),
        {**profile, "hidden": "true"},
        frozenset(),
    )


def test_an_empty_personal_attribute_is_wanted_empty() -> None:
    """What the mapping names is managed: an attribute that is gone empties its field."""
    assert only(person(), profile={"city": "city"}).profile == {"city": ""}


def test_what_the_mapping_does_not_name_is_not_managed() -> None:
    """A personal attribute without rule is in nobody's profile."""
    assert only(person(city="Paris")).profile == {}


def test_text_is_trimmed_and_composed() -> None:
    """Blanks around a value and decomposed letters make no difference."""
    wanted = only(person("1", " ada ", full=" A\u0308da  L ", other=" al@corp.example ", mail=" ada@corp.example"))

    assert (wanted.name, wanted.display_name, wanted.primary, wanted.aliases) == (
        "ada",
        "\u00c4da  L",
        "ada@corp.example",
        ("al@corp.example",),
    )


def test_aliases_are_each_once_and_never_the_primary() -> None:
    """Repetitions, and the primary address among the aliases, are dropped; case is no difference."""
    wanted = only(person("1", "ada", other=("ADA@corp.example", "al@corp.example", "AL@corp.example")))

    assert wanted.aliases == ("al@corp.example",)


@pytest.mark.parametrize(
    "template",
    [
        "{{ login }}1@corp.example;{{ login }}2@corp.example",
        "{{ [login ~ '1@corp.example', login ~ '2@corp.example'] }}",
        "{{ login }}1@corp.example ; ; {{ login }}2@corp.example;",
        "{% for n in [1, 2] %}{{ login }}{{ n }}@corp.example;{% endfor %}",
    ],
)
def test_aliases_may_be_made_by_a_template(template: str) -> None:
    """A template gives a list, or addresses joined by semicolons."""
    assert only(person("1", "ada"), aliases=template).aliases == ("ada1@corp.example", "ada2@corp.example")


@pytest.mark.parametrize(
    ("value", "expected"),
    [("true", True), ("Yes", True), ("1", True), ("FALSE", False), ("no", False), ("0", False), (" no ", False)],
)
def test_a_choice_is_written_in_words(value: str, expected: bool) -> None:
    """True and false, yes and no, 1 and 0, whatever their case."""
    assert only(person(on=value), enabled="on").enabled is expected


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        (True, True),
        (False, False),
        ("true", True),
        ("{{ status == 'active' }}", True),
        ("{{ status != 'active' }}", False),
        ("{{ status in ['active', 'leave'] }}", True),
        ("{{ not (locked | default('')) }}", True),
        ("{% if status == 'active' %}yes{% else %}no{% endif %}", True),
        ("{{ 1 if status == 'gone' else 0 }}", False),
    ],
)
def test_a_choice_may_be_computed(template: str | bool, expected: bool) -> None:
    """Templates give a yes or no as a truth, a word or a digit; what an absent attribute means must be said."""
    assert only(person(status="active"), enabled=template).enabled is expected


@pytest.mark.parametrize(
    "template",
    [
        "{{ status == 'active' }}",
        "{{ status != 'left' }}",
        "{{ status in ['active', 'leave'] }}",
        "{{ not status }}",
        "{{ status | lower == 'active' }}",
        "{% if status == 'active' %}yes{% else %}no{% endif %}",
    ],
)
@pytest.mark.parametrize("blank", ["", " ", "\t", "\u00a0"])
def test_a_template_on_a_blank_cell_rejects(template: str, blank: str) -> None:
    """A column that went blank says of nobody that they left, whatever the template makes of nothing."""
    reason, remedy = rejected(person(status=blank), enabled=template)

    assert reason.startswith(f"enabled (mapping.users.enabled: {template}): the attribute 'status' is absent")
    assert "fill" in remedy


WORDS = {"from": "status", "yes": ["active", "on leave"], "no": ["left", "Terminated"]}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("active", True),
        (" ACTIVE ", True),
        ("On Leave", True),
        ("left", False),
        ("terminated", False),
        ("LEFT\u00a0", False),
    ],
)
def test_words_say_who_is_enabled(value: str, expected: bool) -> None:
    """Compared without case and blanks around."""
    assert only(person(status=value), enabled=WORDS).enabled is expected


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("actve", "'status' says 'actve', which is none of the words (yes: active, on leave; no: left, Terminated)"),
        ("", "'status' is blank, which is none of the words (yes: active, on leave; no: left, Terminated)"),
        (" ", "'status' is blank"),
        ("retired", "'status' says 'retired', which is none of the words"),
        ("#REF!", "'status' says '#REF!', which is none of the words"),
        (("active", "left"), "'status' says 'active' and 'left', where one word is wanted"),
    ],
)
def test_any_other_word_rejects(value: Any, reason: str) -> None:  # noqa: ANN401 - see the list
    """Nobody's mailbox goes by a gap, a slip of the pen or a new word; the reason has value, words and place."""
    said, remedy = rejected(person(status=value), enabled=WORDS)

    assert said.startswith(f"enabled (mapping.users.enabled: status): {reason}")
    assert remedy


def test_the_nearest_word_is_named() -> None:
    """A slip of the pen is shown with the word that was meant."""
    assert "did you mean 'terminated'?" in rejected(person(status="termiated"), enabled=WORDS)[0]


@pytest.mark.parametrize("entry", [person(on="maybe"), person(), person(on=("yes", "no"))])
def test_a_choice_that_is_neither_is_a_rejection(entry: Any) -> None:  # noqa: ANN401 - see the list
    """Neither yes nor no is not guessed: nobody is switched off by an empty cell."""
    reason, remedy = rejected(entry, enabled="on")

    assert "enabled (mapping.users.enabled: on): " in reason
    assert "is neither yes nor no" in reason
    assert "{{ status == 'active' }}" in remedy


def test_a_disabled_entry_wants_nothing_else() -> None:
    """An emptied address must not keep somebody who left: what a disabled entry says wrongly is left empty."""
    wanted = only(person("1", "", mail="", full="\u202e", on="no"), enabled="on")

    assert (wanted.enabled, wanted.name, wanted.primary, wanted.display_name) == (False, "1", "", "")


@pytest.mark.parametrize(
    ("attributes", "mapping", "reason"),
    [
        ({"login": ""}, {}, "name (mapping.users.name: login): the attribute 'login' is absent"),
        ({"login": " "}, {}, "name (mapping.users.name: login): the attribute 'login' is absent"),
        ({"full": ""}, {}, "display_name (mapping.users.display_name: full): the attribute 'full' is absent"),
        ({"mail": ""}, {}, "primary_email (mapping.users.primary_email: mail): the attribute 'mail' is absent"),
        (
            {"login": ""},
            {"primary_email": "{{ login }}@corp.example", "name": "id"},
            "primary_email (mapping.users.primary_email: {{ login }}@corp.example): the attribute 'login' is absent",
        ),
        (
            {"login": ""},
            {"primary_email": "{{ login | lower }}@corp.example", "name": "id"},
            (
                "primary_email (mapping.users.primary_email: {{ login | lower }}@corp.example): "
                "the attribute 'login' is absent"
            ),
        ),
        ({"login": "a" * 14}, {}, "'aaaaaaaaaaaaaa' has 14 characters, 13 are allowed"),
        ({"login": "a b"}, {}, "'a b' has a character or form that is not allowed (letters a-z, digits)"),
        ({"login": "Administrator"}, {}, "'Administrator' is reserved by the service"),
        ({"login": "ad\u200bmin"}, {}, "contains U+200B ZERO WIDTH SPACE"),
        ({"full": "Ada \u202elive"}, {}, "contains U+202E RIGHT-TO-LEFT OVERRIDE"),
        ({"full": "Ada\x07"}, {}, "contains U+0007 control character"),
        ({"mail": "a\u00ad@corp.example"}, {}, "contains U+00AD SOFT HYPHEN"),
        ({"mail": "ada"}, {}, "'ada' has a character or form that is not allowed (letters a-z, one @)"),
        ({"mail": ("a@x.example", "b@x.example")}, {}, "the attribute 'mail' has 2 values where one is wanted"),
        ({"other": "x"}, {}, "aliases (mapping.users.aliases: other): 'x' has a character or form"),
        (
            {"other": tuple(f"a{number}@x.example" for number in range(4))},
            {},
            "aliases (mapping.users.aliases: other): there are 4, 3 are allowed",
        ),
        (
            {"city": "x" * 41},
            {"profile": {"city": "city"}},
            f"profile.city (mapping.users.profile.city: city): '{'x' * 39}…' has 41 characters, 40 are allowed",
        ),
        ({"city": ("a", "b")}, {"profile": {"city": "city"}}, "the attribute 'city' has 2 values where one is wanted"),
    ],
)
def test_what_cannot_be_mapped_says_where_and_why(
    attributes: dict[str, Values], mapping: dict[str, Any], reason: str
) -> None:
    """A rejection names the property, the setting, the attribute, the value and the limit."""
    assert reason in rejected(changed(person(), attributes), **mapping)[0]


def test_all_faults_of_an_entry_are_told_together() -> None:
    """Who mends an entry sees everything that is wrong with it."""
    reason, _ = rejected(person(login="a b", mail="x", full=""))

    assert reason.count("mapping.users.") == 3


@pytest.mark.parametrize(
    ("login", "ascii_form"), [("jörg", "jorg"), ("łukasz", "lukasz"), ("strauß", "strauss"), ("søren", "soren")]
)
def test_letters_beyond_ascii_come_with_a_proposal(login: str, ascii_form: str) -> None:
    """The remedy shows the ASCII form and the filter that makes it; the filter does."""
    entry = person("1", login, mail="x@corp.example")

    assert f"'{ascii_form}', which the template filter `ascii` makes" in rejected(entry)[1]
    assert only(entry, name="{{ login | ascii }}").name == ascii_form


@pytest.mark.parametrize("count", [1, 3])
def test_a_filter_chooses_among_values(count: int) -> None:
    """`mail | sort | first` gives one address, however many there are."""
    mails = ("c@corp.example", "a@corp.example", "b@corp.example")[:count]

    chosen = only(person(mail=mails), primary_email="{{ mail | sort | first }}")

    assert chosen.primary == min(mails)


@pytest.mark.parametrize(
    "template",
    [
        "{{ mail }}",
        "{{ mail | lower }}",
        "x{{ mail }}",
        "{{ mail ~ 'x' }}",
        "{{ mail + 'x' }}",
        "{{ 'x' + mail }}",
        "{{ mail.split('@')[0] }}",
        "{{ mail | replace('a', 'b') }}",
        "{% if mail == 'a@corp.example' %}x{% endif %}",
    ],
)
def test_several_values_are_never_taken_for_a_text(template: str) -> None:
    """Whatever a template does with them, it is told which attribute has several and how to choose."""
    reason, remedy = rejected(person(mail=("a@x.example", "b@x.example")), primary_email=template)

    assert "the attribute 'mail' has 2 values where one is wanted" in reason
    assert "{{ mail | sort | first }}" in remedy


def test_several_values_do_not_disable_anybody() -> None:
    """A comparison with an attribute of several values is a rejection, not a no."""
    reason, _ = rejected(person(status=("active", "leave")), enabled="{{ status == 'active' }}")

    assert "the attribute 'status' has 2 values" in reason


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ given }} {{ family }}", "Ada Lovelace"),
        ("{{ given | first }} {{ family }}", "Ada Lovelace"),
        ("{{ given[0] }}. {{ family }}", "A. Lovelace"),
        ("{{ nick | default(given) }}", "Ada"),
        ("{{ nick if nick is defined else family }}", "Lovelace"),
        ("{{ entry['E-Mail'] }}", "ada@x.example"),
        ("{{ entry['none'] | default('x') }}", "x"),
        ("{{ 'fixed' }}", "fixed"),
        ("{{ given | upper }}-{{ family | length }}", "ADA-8"),
    ],
)
def test_templates_compute(template: str, expected: str) -> None:
    """Templates join, shorten, choose and default."""
    entry = person(given="Ada", family="Lovelace", **{"E-Mail": "ada@x.example"})

    assert only(entry, display_name=template).display_name == expected


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ nick }}", ""),
        ("{{ nick | lower }}", ""),
        ("{{ nick.split(' ')[0] }}", ""),
        ("{{ nick + 'x' }}", "x"),
        ("{{ 'x' + nick }}", "x"),
        ("a{{ nick }}b", "ab"),
        ("{{ nick | default('d') }}", "d"),
        ("{% if nick %}x{% else %}y{% endif %}", "y"),
        ("{{ nick == '' }}", "true"),
        ("{{ nick != 'a' }}", "true"),
    ],
)
def test_an_absent_attribute_is_empty_outside_names_and_addresses(template: str, expected: str) -> None:
    """In a personal attribute, whatever is done with what is absent gives nothing."""
    assert only(person(), profile={"city": template}).profile["city"] == expected


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{{ login.missing() }}", "has no attribute 'missing'"),
        ("{{ 1 / 0 }}", "division by zero"),
        ("{{ login.__class__.__mro__ }}", "unsafe"),
        ("{{ [].append(1) }}", "is unsafe"),
    ],
)
def test_a_template_that_fails_is_a_rejection(template: str, reason: str) -> None:
    """A template that can't be evaluated, or leaves the sandbox, rejects the entry and says why."""
    assert reason in rejected(person(), name=template)[0]


def test_a_group_is_mapped_too() -> None:
    """A group has name, address, aliases and whether it is hidden; it has no display name and no choice."""
    by = rules(groups={"aliases": "other", "hidden": "{{ secret == 'yes' }}"})

    result = desired(person("1"), group("g1", "1", other="x@corp.example", secret="yes"), by=by)

    wanted = result.entities[Key("group:g1")]
    assert (wanted.name, wanted.primary, wanted.aliases) == ("group g1", "g1@corp.example", ("x@corp.example",))
    assert (wanted.display_name, wanted.enabled, wanted.profile) == ("", True, {"hidden": "true"})
    assert members(result, "g1") == ["user:1"]


@pytest.mark.parametrize("template", ["mail", "{{ mail }}", "{{ mail | lower }}"])
def test_a_group_without_address_is_neither_mapped_nor_rejected(template: str) -> None:
    """Such a group is none that mail can reach."""
    result = desired(group("g1", mail=""), by=rules(groups={"primary_email": template}))

    assert (result.entities, result.rejections) == ({}, ())


def test_a_group_with_a_bad_address_is_a_rejection() -> None:
    """An address that can't be one is a fault, not an absence."""
    assert "group:g1" in reasons(desired(group("g1", mail="x")))
