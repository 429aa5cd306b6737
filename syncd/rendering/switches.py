"""What the checkboxes of the HTML page leave out, by classes and rules of style: they need no script."""

from itertools import chain, combinations

#: Letters of the actions in the class of a card or section: `kar` adds and removes.
LETTERS = {"add": "a", "change": "c", "remove": "r"}
#: Sections that have a checkbox of their own, and its label.
SECTIONS = {
    "withheld": "Withheld",
    "outside": "Outside the mode",
    "failed": "Failed",
    "unknown": "Outcome unknown",
    "skipped": "Skipped",
}


def kind_class(names: frozenset[str]) -> str:
    """Return the class of what does *names*; "" of what does nothing that the filter knows."""
    letters = "".join(letter for name, letter in LETTERS.items() if name in names)
    return f"k{letters}" if letters else ""


def hiding() -> str:
    """Return the rules of the checkboxes: what is left out when all that something does is left out."""
    rules = [f".diff:has(#show-{name}:not(:checked)) .line.{name}" for name in LETTERS]
    subsets = chain.from_iterable(combinations(LETTERS, size) for size in range(1, len(LETTERS) + 1))
    for subset in subsets:
        unchecked = "".join(f":has(#show-{name}:not(:checked))" for name in subset)
        rules.append(f".diff{unchecked} .{kind_class(frozenset(subset))}")
    rules += [f".diff:has(#show-{name}:not(:checked)) #{name}" for name in SECTIONS]
    return ",\n".join(rules) + " { display: none; }\n"
