"""The passwords of accounts that are created."""

import string

from syncd.workmail.passwords import make_password


def test_a_password_satisfies_the_strictest_policy() -> None:
    """Between 8 and 63 characters of plain ASCII, with each kind among them, and never the same twice."""
    passwords = {make_password() for _ in range(200)}

    assert len(passwords) == 200
    for password in passwords:
        assert 8 <= len(password) < 64
        assert password.isascii()
        assert password.isprintable()
        for kind in (string.ascii_lowercase, string.ascii_uppercase, string.digits):
            assert set(password) & set(kind)
        assert set(password) - set(string.ascii_letters + string.digits)
