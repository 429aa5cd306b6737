"""Who is enabled, by the words that the operator listed: any other word rejects the entry."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from syncd.mapping.expressions import Attributes, Evaluate, Unmappable
from syncd.mapping.settings import fold_word
from syncd.mapping.values import Value, shown


class Worded:
    """An attribute whose value is one of the words *yes* or of the words *no*; implements `Expression`."""

    is_constant = False

    def __init__(self, name: str, *, yes: Sequence[str], no: Sequence[str], where: str) -> None:
        """*where* is the path of the words in the settings."""
        self.text = name
        self.attributes = frozenset({name})
        self._where = where
        self._listed = f"yes: {', '.join(yes)}; no: {', '.join(no)}"
        self._meaning = {fold_word(word): "true" for word in yes} | {fold_word(word): "false" for word in no}

    def compile(self, places: Mapping[str, int]) -> Evaluate:
        """Return a function that gives "true" or "false" of an entry, and raises Unmappable for any other word."""
        place, meaning = places[self.text], self._meaning

        def evaluate(values: Sequence[Value], _: Attributes) -> Value:
            value = values[place]
            found = meaning.get(value) if isinstance(value, str) else None
            if found is None:
                return self._folded(value)
            return found

        return evaluate

    def _folded(self, value: Value) -> str:
        if isinstance(value, tuple) and value:
            words = " and ".join(map(shown, value))
            raise Unmappable(f"{self.text!r} says {words}, where one word is wanted", "let it say one of them")
        word = value if isinstance(value, str) else ""
        folded = fold_word(word)
        if folded in self._meaning:
            return self._meaning[folded]
        remedy = f"correct it in the directory, or add the word to {self._where}"
        if not folded:
            raise Unmappable(f"{self.text!r} is blank, which is none of the words ({self._listed})", remedy)
        near = get_close_matches(folded, self._meaning, 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        reason = f"{self.text!r} says {shown(word)}, which is none of the words ({self._listed}){hint}"
        raise Unmappable(reason, remedy)
