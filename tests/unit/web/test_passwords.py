"""Passwords and tokens, and what guessing costs."""

import asyncio

import bcrypt
import pytest

from syncd.web.passwords import BURST, Gatekeeper, Verdict
from syncd.web.settings import WebSettings
from tests.fakes.apps import PASSWORD, basic, bcrypt_hash
from tests.fakes.clock import FakeClock

KNOWN = WebSettings(basic_auth_users={"ada": bcrypt_hash()})


def ask(gatekeeper: Gatekeeper, *passwords: str, name: str = "ada", web: WebSettings = KNOWN) -> list[Verdict]:
    """What the gatekeeper says of these passwords, one after the other."""

    async def each() -> list[Verdict]:
        return [await gatekeeper.judge(basic(name, password)["authorization"], web) for password in passwords]

    return asyncio.run(each())


def test_guessing_is_slowed_down() -> None:
    """After the first few wrong passwords one comparison a second is made, whoever asks."""
    clock = FakeClock()
    gatekeeper = Gatekeeper(clock.monotonic)

    assert ask(gatekeeper, *["wrong"] * BURST) == [Verdict.UNKNOWN] * BURST
    assert ask(gatekeeper, "wrong", PASSWORD) == [Verdict.LATER] * 2
    clock.advance(seconds=1)
    assert ask(gatekeeper, PASSWORD, "wrong") == [Verdict.KNOWN, Verdict.LATER]


def test_who_was_right_does_not_notice_a_flood() -> None:
    """A password that was found right is remembered: no guesses of others can shut it out."""
    clock = FakeClock()
    gatekeeper = Gatekeeper(clock.monotonic)

    assert ask(gatekeeper, PASSWORD) == [Verdict.KNOWN]
    assert ask(gatekeeper, *["wrong"] * 20)[-1] is Verdict.LATER
    assert ask(gatekeeper, PASSWORD) == [Verdict.KNOWN]


def test_a_changed_password_is_not_remembered() -> None:
    """What is remembered is tied to the hash: a new hash in the file shuts the old password out at once."""
    gatekeeper = Gatekeeper()
    changed = WebSettings(basic_auth_users={"ada": bcrypt_hash("another one")})

    assert ask(gatekeeper, PASSWORD) == [Verdict.KNOWN]
    assert ask(gatekeeper, PASSWORD, web=changed) == [Verdict.UNKNOWN]
    assert ask(gatekeeper, PASSWORD, web=WebSettings()) == [Verdict.UNKNOWN]


@pytest.mark.parametrize("name", ["ada", "eve"])
def test_a_name_that_nobody_has_takes_as_long(name: str) -> None:
    """The time taken doesn't tell which names exist: for an unknown one bcrypt compares with a hash too."""
    # Past the checks of the file stands a hash that bcrypt refuses: whoever compares with it fails.
    telltale = WebSettings.model_construct(basic_auth_users={"ada": "no hash"}, bearer_token_hashes={})

    with pytest.raises(ValueError, match="salt"):
        ask(Gatekeeper(), "wrong", name=name, web=telltale)


@pytest.mark.parametrize("password", ["x" * 72 + "more", "\u00e4\u00f6\u00fc" * 30, "\0", ""])
def test_a_strange_password_is_compared_too(password: str) -> None:
    """One longer than bcrypt looks at, one that isn't ASCII, and none at all: known or not, but no error."""
    assert ask(Gatekeeper(), password) == [Verdict.UNKNOWN]


def test_a_long_password_opens_as_far_as_bcrypt_looks() -> None:
    """Bcrypt looks at 72 bytes; a hash made of more by an older library still opens."""
    long = "x" * 100
    web = WebSettings(basic_auth_users={"ada": bcrypt_hash(long[:72])})

    assert ask(Gatekeeper(), long, web=web) == [Verdict.KNOWN]


def test_nobody_waits_for_a_comparison_of_others() -> None:
    """While a password is compared, the loop answers others: it runs on a thread of its own."""
    slow = WebSettings(basic_auth_users={"ada": bcrypt.hashpw(b"right", bcrypt.gensalt(11)).decode()})

    async def both() -> tuple[Verdict, int]:
        ticks = 0
        judging = asyncio.ensure_future(Gatekeeper().judge(basic("ada", "wrong")["authorization"], slow))
        while not judging.done():
            await asyncio.sleep(0.001)
            ticks += 1
        return await judging, ticks

    verdict, ticks = asyncio.run(both())
    assert verdict is Verdict.UNKNOWN
    assert ticks > 1
