"""The registry of sources."""

from pathlib import Path
from typing import Any

import pytest

from syncd.cli.init import SourceType
from syncd.mapping.settings import MappingSettings
from syncd.sources.csv.settings import CsvSettings
from syncd.sources.ldap.settings import LdapSettings
from syncd.sources.registry import ROWS, row_of
from syncd.sources.row import SourceRow

CONTRACTS = Path(__file__).parents[2] / "contract"
LDAP = LdapSettings.model_validate(
    {
        "type": "ldap",
        "servers": ["ldaps://dc1.corp.example"],
        "bind": {"method": "anonymous"},
        "users": [{"base": "dc=corp,dc=example"}],
    }
)
CSV = CsvSettings(type="csv", users="people.csv", groups="groups.csv")


def mapping(**users: object) -> MappingSettings:
    names = {"name": "uid", "display_name": "cn", "primary_email": "mail"}
    return MappingSettings.model_validate({"key": "id", "users": {**names, **users}})


def test_a_row_is_found_by_its_settings() -> None:
    """Whatever `type` says in the configuration leads to the row of that name."""
    assert [row_of(settings).name for settings in (CSV, LDAP)] == [CSV.type, LDAP.type]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_is_whole(row: SourceRow[Any]) -> None:
    """The settings know their type by the row's name; `init` offers it; the contract suite is run on it."""
    assert row.settings.model_json_schema()["properties"]["type"]["const"] == row.name
    assert row.name in set(SourceType)
    assert (CONTRACTS / f"test_{row.name}_source.py").is_file()


def test_files_alone_are_watched(tmp_path: Path) -> None:
    """A change of a file begins a cycle; a server has none."""
    assert row_of(CSV).files(CSV, tmp_path) == (tmp_path / "people.csv", tmp_path / "groups.csv")
    assert row_of(LDAP).files(LDAP, tmp_path) == ()


def test_disabled_accounts_of_a_server_are_not_enabled() -> None:
    """An LDAP server says who is disabled, unless the mapping says who is enabled; a file says nothing."""
    server, file = row_of(LDAP).user_defaults, row_of(CSV).user_defaults

    assert mapping().with_user_defaults(server).users.enabled == "{{ disabled != 'true' }}"
    assert mapping(enabled=True).with_user_defaults(server).users.enabled is True
    assert mapping().with_user_defaults(file) == mapping()
