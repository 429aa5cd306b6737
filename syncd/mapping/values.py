"""Text as it is written to the target: trimmed, normalized, free of characters that deceive (`ops.md` SEC-3)."""

import unicodedata
from collections.abc import Sequence

#: What an attribute or an expression gives: the one value, "" for none, a tuple for several; trimmed and normalized.
Value = str | tuple[str, ...]

_SHOWN = 40
#: Joiners shape words in some scripts, so what people read may have them; what machines compare may not.
_JOINERS = "\u200c\u200d"
_DECEIVING = ("Cc", "Cf", "Cs", "Zl", "Zp")
#: Letters that no normalization takes apart.
_LETTERS = str.maketrans(
    {
        "ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D",
        "ð": "d", "Ð": "D", "ł": "l", "Ł": "L", "þ": "th", "Þ": "Th", "ħ": "h", "Ħ": "H", "\u0131": "i", "ŋ": "ng",
    }
)  # fmt: skip


def clean(text: str) -> str:
    """Return *text* trimmed and in normalization form C."""
    text = text.strip()
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def clean_each(texts: Sequence[str]) -> list[str]:
    """Return each of *texts* trimmed and normalized; asked of all at once, since nearly all are ASCII."""
    return list(map(str.strip if "".join(texts).isascii() else clean, texts))


def clean_all(values: tuple[str, ...]) -> tuple[str, ...]:
    """Return *values* trimmed and normalized, without those of which nothing is left."""
    return tuple(value for text in values if (value := clean(text)))


def as_value(values: tuple[str, ...]) -> Value:
    """Return the one that is left of *values*, trimmed and normalized; "" for none, a tuple for several."""
    if len(values) == 1:
        return clean(values[0])
    found = clean_all(values)
    return found if len(found) > 1 else found[0] if found else ""


def deceiving(text: str, *, joiners: bool = False) -> str:
    """Return the first character of *text* that can't be seen or reorders what is: "U+202E RIGHT-TO-LEFT OVERRIDE"."""
    if text.isprintable():
        return ""
    for character in text:
        if unicodedata.category(character) in _DECEIVING and not (joiners and character in _JOINERS):
            return f"U+{ord(character):04X} {unicodedata.name(character, 'control character')}"
    return ""


def to_ascii(text: str) -> str:
    """Return *text* in ASCII letters: accents dropped, ß as ss; what has no such form is left out."""
    decomposed = unicodedata.normalize("NFKD", text.translate(_LETTERS))
    return decomposed.encode("ascii", "ignore").decode("ascii")


def shown(text: str) -> str:
    """Return *text* in quotes, shortened."""
    return repr(text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…")
