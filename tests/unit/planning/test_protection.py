"""Patterns of `protected` that protect nobody."""

import pytest
from pydantic import ValidationError

from syncd.model.names import Kind
from syncd.model.policy import Mode, Policy
from syncd.planning.protection import notes, uncovered
from tests.builders import DOMAIN, desired, entity, entity_id, known, observed, wanted


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("usr:bob", "did you mean user:bob?"),
        ("groups:board", "did you mean group:board?"),
        ("User:bob", "did you mean user:bob?"),
        ("mailto:bob@corp", "write user:NAME"),
        ("resource:room", "write user:NAME"),
        ("user:", "names no name"),
        (" ", "names no name"),
    ],
)
def test_what_can_cover_nobody_is_refused(pattern: str, says: str) -> None:
    """A typo in the kind would protect nobody, in silence."""
    with pytest.raises(ValidationError, match=r"protects nobody") as caught:
        Policy(mode=Mode.FULL, protected=(pattern,))

    assert says in str(caught.value)


def test_a_pattern_that_covers_nobody_is_told() -> None:
    """By name, address or alias, of the kind it names, in WorkMail or in the directory; ghosts don't count."""
    here = observed(
        entity("fry"), entity("board", kind=Kind.GROUP), details=known(aliases={entity_id("fry"): {f"Phil@{DOMAIN}"}})
    )
    patterns = ("FRY", "user:fry", "group:fry", "phil@*", "group:b*", "user:b*", "kif", "leela", "postmaster@*")

    found = list(uncovered(patterns, here, desired(wanted("leela"))))

    assert found == ["group:fry", "user:b*", "kif", "postmaster@*"]
    (note,) = notes(("kif", "fry"), here, desired())
    assert (note.code, note.text) == (
        "protected_covers_nobody",
        "the pattern 'kif' of `protected` covers nobody: neither a name nor an address is like that",
    )
