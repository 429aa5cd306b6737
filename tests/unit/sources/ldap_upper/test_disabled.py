"""Which accounts are disabled."""

from datetime import UTC, datetime

import pytest

from syncd.sources.ldap.disabled import attributes_for, is_disabled

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
TODAY = str(int(NOW.timestamp()) // 86_400)
YESTERDAY, TOMORROW = str(int(TODAY) - 1), str(int(TODAY) + 1)


@pytest.mark.parametrize(
    ("way", "value", "disabled"),
    [
        ("userAccountControl", "512", False),
        ("userAccountControl", "514", True),
        ("userAccountControl", "66050", True),
        ("userAccountControl", "nonsense", False),
        ("nsAccountLock", "TRUE", True),
        ("nsAccountLock", "false", False),
        ("pwdAccountLockedTime", "000001010000Z", True),
        ("pwdAccountLockedTime", "20260302075900Z", False),
        ("shadowExpire", YESTERDAY, True),
        ("shadowExpire", TODAY, True),
        ("shadowExpire", TOMORROW, False),
        ("shadowExpire", "-1", False),
        ("shadowExpire", "0", True),
        ("accountExpires", "0", False),
        ("accountExpires", "9223372036854775807", False),
        ("accountExpires", "134168832000000000", True),
        ("accountExpires", "194168832000000000", False),
        ("accountExpires", "nonsense", False),
    ],
)
def test_each_way_to_say_that_an_account_is_disabled(way: str, value: str, disabled: bool) -> None:
    """The table of the module, line by line; a value that can't be read disables nobody."""
    assert is_disabled({way.lower(): [value.encode()]}, [way], NOW) is disabled


@pytest.mark.parametrize(
    ("kind", "disabled"), [("1", True), ("4", False), ("16", False), ("32", False), ("2147483648", True)]
)
def test_shared_room_and_equipment_mailboxes_are_no_leavers(kind: str, disabled: bool) -> None:
    """Active Directory disables the accounts of mailboxes that belong to nobody."""
    attributes = {"useraccountcontrol": [b"514"], "msexchrecipienttypedetails": [kind.encode()]}
    assert is_disabled(attributes, ["userAccountControl"], NOW) is disabled


def test_an_account_without_the_attribute_is_not_disabled() -> None:
    """What isn't said disables nobody."""
    assert not is_disabled({"cn": [b"Ada"]}, ["userAccountControl", "nsAccountLock", "shadowExpire"], NOW)


def test_what_is_not_asked_for_says_nothing() -> None:
    """An expired Windows account is disabled only for those who say so."""
    assert not is_disabled({"accountexpires": [b"1"]}, ["userAccountControl"], NOW)


def test_the_kind_of_mailbox_is_fetched_along() -> None:
    """Without it a shared mailbox would look like a leaver."""
    assert attributes_for(["userAccountControl"]) == {"userAccountControl", "msExchRecipientTypeDetails"}
    assert attributes_for(["nsAccountLock"]) == {"nsAccountLock"}
