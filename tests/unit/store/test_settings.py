from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from syncd.store.settings import StoreUrl, store_path

HERE = Path("/etc/syncd")


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:////var/lib/syncd/syncd.db", "/var/lib/syncd/syncd.db"),
        ("sqlite:///syncd.db", "/etc/syncd/syncd.db"),
        ("sqlite:///state/syncd.db", "/etc/syncd/state/syncd.db"),
        ("sqlite:///../syncd.db", "/etc/syncd/../syncd.db"),
        (" SQLite:///a b%20c.db ", "/etc/syncd/a b%20c.db"),
    ],
)
def test_a_url_names_a_file(url: str, path: str) -> None:
    """Four slashes name a full path, three a path beside the configuration file."""
    assert store_path(url, HERE) == Path(path)


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("/var/lib/syncd/syncd.db", "expected where the store is, as a URL"),
        ("", "expected where the store is, as a URL"),
        ("postgresql://db/syncd", "the store can't be in 'postgresql': only sqlite is known"),
        ("sqlite+aiosqlite:///syncd.db", "the store can't be in 'sqlite+aiosqlite'"),
        ("sqlite://syncd.db", "too few slashes"),
        ("sqlite:syncd.db", "too few slashes"),
        ("sqlite:///", "names no file"),
        ("sqlite:////var/lib/syncd/", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite:///syncd.db?mode=ro", "something after the file name"),
    ],
)
def test_what_names_no_file_is_refused(url: str, complaint: str) -> None:
    """Anything else is refused with what is wrong, and with an example of what is right."""
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(StoreUrl).validate_python(url)

    assert complaint in str(caught.value)
    assert "sqlite:////var/lib/syncd/syncd.db" in str(caught.value)


def test_a_good_url_stays_as_written() -> None:
    """The settings keep the URL as it was written; `store_path` resolves it."""
    assert TypeAdapter(StoreUrl).validate_python("sqlite:///syncd.db") == "sqlite:///syncd.db"
