"""Which password does an account get that is created? A random one that nobody is told: people are given their own."""

import secrets
import string

#: Within what every kind of directory accepts: at least 8 and fewer than 64 (`workmail.md` F).
_LENGTH = 32
_CHARACTERS = (string.ascii_lowercase, string.ascii_uppercase, string.digits, "!#%+-=_")


def make_password() -> str:
    """Return a random password with every kind of character that a policy may ask for."""
    chosen = [secrets.choice(kind) for kind in _CHARACTERS]
    chosen += [secrets.choice("".join(_CHARACTERS)) for _ in range(_LENGTH - len(chosen))]
    secrets.SystemRandom().shuffle(chosen)
    return "".join(chosen)
