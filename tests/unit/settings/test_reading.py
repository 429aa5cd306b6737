"""From a file to a model: types, references, secrets, paths, and what is said of everything wrong."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field, SecretStr

from syncd.errors import ConfigurationError
from syncd.model.policy import Manage, Mode, Removal, Section
from syncd.settings.reading import read_model


class Csv(Section):
    type: Literal["csv"]
    users: Path
    columns: Mapping[str, str] = Field(default_factory=dict)


class Ldap(Section):
    type: Literal["ldap"]
    password: SecretStr


class Probe(Section):
    """A configuration with one of everything."""

    name: str = ""
    mode: Annotated[Mode, Field(description="say how far")] = Mode.OBSERVE
    needed: Annotated[int, Field(description="any number will do", ge=1)]
    removal: Removal = Removal()
    manage: Manage = Manage()
    aliases: str | tuple[str, ...] = ()
    from_: str = Field("", alias="from")
    source: Annotated[Csv | Ldap, Field(discriminator="type")] | None = None


def read(folder: Path, text: str, environment: Mapping[str, str] | None = None) -> Probe:
    return read_with_secrets(folder, text, environment)[0]


def read_with_secrets(
    folder: Path, text: str, environment: Mapping[str, str] | None = None
) -> tuple[Probe, tuple[str, ...]]:
    path = folder / "s.yaml"
    path.write_text(text, encoding="utf-8")
    return read_model(Probe, path, environment or {})


def problems(folder: Path, text: str, environment: Mapping[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        read(folder, text, environment)
    assert caught.value.exit_code == 78
    return [str(problem).removeprefix(f"{folder}/") for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("nme: x", "s.yaml:1:1: nme: unknown key; did you mean name?"),
        ("removal: {aftr: 1h}", "s.yaml:1:11: removal.aftr: unknown key; did you mean after?"),
        ("frm: x", "s.yaml:1:1: frm: unknown key; did you mean from?"),
        (
            "manage: {zzz: 1}",
            "s.yaml:1:10: manage.zzz: unknown key; known here: profile, aliases, members",
        ),
        ("mode: NO", "s.yaml:1:7: mode: expected observe, create, upsert or full, found 'NO'"),
        (
            "mode: ful",
            "s.yaml:1:7: mode: expected observe, create, upsert or full, found 'ful'; did you mean full?",
        ),
        ("manage: {profile: yes}", "s.yaml:1:19: manage.profile: expected true or false, found 'yes'"),
        ("removal: {after_cycles: 010}", "s.yaml:1:25: removal.after_cycles: expected a whole number, found '010'"),
        ("removal: {after_cycles: 1.5}", "s.yaml:1:25: removal.after_cycles: expected a whole number, found '1.5'"),
        (
            "removal: {after: 12:30:45}",
            "s.yaml:1:18: removal.after: expected a duration such as 90s, 15m, 24h or 7d, got '12:30:45'",
        ),
        ("removal: 3", "s.yaml:1:10: removal: expected a section of keys, found '3'"),
        ("removal:\n  after_cycles: 0", "s.yaml:2:17: removal.after_cycles: must be greater than or equal to 1"),
        ("aliases: {a: b}", "s.yaml:1:1: aliases: expected text or a list, found a section of keys"),
        ("name: [a]", "s.yaml:1:1: name: expected text, found a list"),
        ("name: true", "s.yaml:1:7: name: expected text, found 'true'"),
        ("source: {type: csw}", "s.yaml:1:1: source: the type csw is not known; did you mean csv?"),
        ("source: {type: sql}", "s.yaml:1:1: source: the type sql is not known; known here: csv, ldap"),
        ("source: {users: a}", "s.yaml:1:1: source: the key type is required here"),
        ("source: {type: csv, user: a}", "s.yaml:1:21: source.user: unknown key; did you mean users?"),
        ("source: {type: csv}", "s.yaml:1:1: source.users: this key is required"),
    ],
)
def test_each_mistake_is_told_with_place_and_remedy(text: str, problem: str, tmp_path: Path) -> None:
    """File, line, column, key path, what is wrong, and the nearest thing that would be right."""
    assert problem in problems(tmp_path, f"{text}\nneeded: 1\n")


def test_a_missing_key_says_what_it_is_for(tmp_path: Path) -> None:
    """The remedy for a key that must be there is the key's own description."""
    assert problems(tmp_path, "name: x\n") == ["s.yaml:1:1: needed: this key is required; any number will do"]


def test_every_problem_comes_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    """Problems of the syntax, of references and of values are told together."""
    text = "name: a\nname: b\nmode: x\nfrom: {env: NOPE}\naliases: &a z\nremoval: {aftr: 1}\n"

    assert [line.split(":")[1] for line in problems(tmp_path, text)] == ["1", "2", "3", "4", "5", "6"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("name: 12", "12"), ("name: 1.50", "1.50"), ("name: '007'", "007"), ("name: NO", "NO")],
)
def test_text_is_taken_as_it_is_written(text: str, expected: str, tmp_path: Path) -> None:
    """A number where text is wanted keeps every digit."""
    assert read(tmp_path, f"{text}\nneeded: 1\n").name == expected


@pytest.mark.parametrize(("value", "expected"), [("7", 7), ("12", 12)], ids=["one digit", "two digits"])
def test_any_scalar_may_come_from_the_environment(value: str, expected: int, tmp_path: Path) -> None:
    """`{env: NAME}` stands for a number as for text; the field decides what it is."""
    settings = read(tmp_path, "needed: {env: N}\nname: {env: N}\naliases: [{env: N}]\n", {"N": value})

    assert (settings.needed, settings.name, settings.aliases) == (expected, value, (value,))


def test_an_environment_variable_that_is_not_set_is_told_once(tmp_path: Path) -> None:
    """The variable is named, with what to type; the field's own complaint would only repeat it."""
    assert problems(tmp_path, "needed: {env: N}\n") == [
        "s.yaml:1:9: needed: the environment variable N is not set; set it, for instance: export N=…"
    ]


def test_a_key_called_env_stays_a_key(tmp_path: Path) -> None:
    """Where any key may stand, {env: …} is a section like others."""
    text = "needed: 1\nsource: {type: csv, users: a, columns: {env: b}}\n"

    assert read(tmp_path, text).source == Csv(type="csv", users=tmp_path / "a", columns={"env": "b"})


def test_a_path_is_relative_to_the_file(tmp_path: Path) -> None:
    """Where the program was started doesn't matter."""
    relative = read(tmp_path, "needed: 1\nsource: {type: csv, users: in/people.csv}\n").source
    absolute = read(tmp_path, "needed: 1\nsource: {type: csv, users: /people.csv}\n").source

    assert isinstance(relative, Csv)
    assert isinstance(absolute, Csv)
    assert (relative.users, absolute.users) == (tmp_path / "in/people.csv", Path("/people.csv"))


def test_a_secret_comes_from_a_file_the_environment_or_systemd(tmp_path: Path) -> None:
    """All three ways give the secret without its final newline, and tell it to whoever hides secrets."""
    (tmp_path / "pw").write_text("hush hush\n", encoding="utf-8")
    environment = {"PW": "from env", "CREDENTIALS_DIRECTORY": str(tmp_path)}

    found = [
        read_with_secrets(tmp_path, f"needed: 1\nsource: {{type: ldap, password: {where}}}\n", environment)
        for where in ("{file: pw}", "{credential: pw}", "{env: PW}")
    ]

    passwords = [each.source.password.get_secret_value() for each, _ in found if isinstance(each.source, Ldap)]
    assert passwords == ["hush hush", "hush hush", "from env"]
    assert [secrets for _, secrets in found] == [("hush hush",), ("hush hush",), ("from env",)]
    assert "hush" not in repr(found[0][0])


@pytest.mark.parametrize(
    ("where", "reason"),
    [
        ("hunter2", "a secret does not stand in this file"),
        ("[a]", "a secret does not stand in this file"),
        ("{vault: a}", "a secret does not stand in this file"),
        ("{file: absent}", "absent can't be read: No such file or directory"),
        ("{file: empty}", "empty is empty"),
        ("{file: binary}", "binary can't be read: it is no UTF-8 text"),
        ("{credential: pw}", "there is no credential pw: systemd gave none"),
        ("{env: NOPE}", "the environment variable NOPE is not set"),
    ],
)
def test_a_secret_that_can_not_be_had_is_a_problem(where: str, reason: str, tmp_path: Path) -> None:
    """The secret's place and the reason are told; a secret in the file itself is refused and not repeated."""
    (tmp_path / "empty").write_text("\n", encoding="utf-8")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")

    told = problems(tmp_path, f"needed: 1\nsource: {{type: ldap, password: {where}}}\n")

    assert len(told) == 1
    assert "source.password: " in told[0]
    assert reason in told[0]
    assert "hunter2" not in told[0]


def test_a_file_that_is_not_utf8_is_told(tmp_path: Path) -> None:
    """The line is named in which the file stops being UTF-8."""
    path = tmp_path / "s.yaml"
    path.write_bytes("needed: 1\nname: Zoë\n".encode("latin-1"))

    with pytest.raises(ConfigurationError, match=r"s\.yaml:2: the file is not UTF-8; save it as UTF-8"):
        read_model(Probe, path, {})


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    """A missing file is a configuration error, with the way to name another."""
    with pytest.raises(ConfigurationError, match=r"absent\.yaml can't be read: No such file.*\n.*--config"):
        read_model(Probe, tmp_path / "absent.yaml", {})


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    """Editors of Windows may write one."""
    (tmp_path / "s.yaml").write_bytes(b"\xef\xbb\xbfneeded: 3\n")

    assert read_model(Probe, tmp_path / "s.yaml", {})[0].needed == 3
