"""How the page looks: on a screen in light and dark, on a telephone, on paper; and what its filter hides."""

from itertools import chain, combinations

_LOOK = """
:root { color-scheme: light dark; --ink: #1f2328; --paper: #fff; --faint: #59636e; --rule: #d1d9e0; --tint: #f6f8fa;
  --link: #0550ae; --add: #116329; --change: #7d4e00; --remove: #a40e26; --withheld: #6639ba; --other: #59636e;
  --add-tint: #e6ffec; --change-tint: #fff8e5; --remove-tint: #ffebe9; --withheld-tint: #f5f0ff;
  --add-bar: #2da44e; --change-bar: #d4a72c; --remove-bar: #cf222e; --withheld-bar: #8250df; --other-bar: #8c959f; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --paper: #0d1117; --faint: #9da7b3; --rule: #30363d; --tint: #161b22;
    --link: #79c0ff; --add: #56d364; --change: #e3b341; --remove: #ff8e86; --withheld: #d2a8ff; --other: #9da7b3;
    --add-tint: #12261e; --change-tint: #272115; --remove-tint: #25171c; --withheld-tint: #1e1a2e;
    --add-bar: #3fb950; --change-bar: #d29922; --remove-bar: #f85149; --withheld-bar: #a371f7; --other-bar: #6e7681; } }
* { box-sizing: border-box; }
html { scroll-padding-top: 4.5rem; }
body { margin: 0 auto; padding: 1.5rem 1.25rem 4rem; max-width: 66rem; color: var(--ink); background: var(--paper);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", "Liberation Sans", sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0; }
h2 { font-size: 1.1rem; margin: 0 0 .5rem; }
h2 small, h3 small { color: var(--faint); font-weight: normal; font-size: .875rem; margin-left: .25rem; }
p { margin: .25rem 0; }
a { color: var(--link); }
code, kbd, .digest, .key { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace;
  font-size: .875em; }
.faint, .key { color: var(--faint); }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; border-radius: 3px; }

.verdict { margin: .75rem 0 0; padding: .6rem .9rem; border-left: .3rem solid var(--other-bar); background: var(--tint);
  border-radius: 0 .4rem .4rem 0; font-weight: 600; }
.waiting .verdict { border-color: var(--withheld-bar); background: var(--withheld-tint); }
.failed .verdict { border-color: var(--remove-bar); background: var(--remove-tint); }
.clean .verdict { border-color: var(--add-bar); background: var(--add-tint); }
.numbers { display: flex; flex-wrap: wrap; gap: .6rem; margin: 1.25rem 0; padding: 0; list-style: none; }
.numbers li { flex: 1 1 7rem; padding: .6rem .9rem; border: 1px solid var(--rule); border-radius: .5rem; }
.numbers b { display: block; font-size: 1.75rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
.numbers span { color: var(--faint); font-size: .875rem; }
.numbers .add b { color: var(--add); } .numbers .change b { color: var(--change); }
.numbers .remove b { color: var(--remove); } .numbers .withheld b, .numbers .failed b { color: var(--withheld); }
.numbers .nothing b { color: var(--faint); font-weight: 400; }

.orders { margin: 1.25rem 0; padding: 0; list-style: none; display: grid; gap: .5rem; }
.orders li { padding: .6rem .9rem; border: 1px solid var(--rule); border-radius: .5rem; background: var(--tint); }
.orders code { font-size: .95rem; font-weight: 600; user-select: all; }
.orders .faint { display: block; font-size: .875rem; }
.panels { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 1rem 2.5rem;
  margin: 1.75rem 0; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { padding: .3rem .5rem .3rem 0; text-align: left; vertical-align: baseline; border-top: 1px solid var(--rule);
  font-weight: normal; }
thead th, thead td { border-top: 0; color: var(--faint); font-size: .8rem; vertical-align: bottom;
  overflow-wrap: normal; }
.count { text-align: right; font-variant-numeric: tabular-nums; }
.nil { color: var(--faint); }
tfoot th, tfoot td { font-weight: 600; }
.chart th, .says { white-space: nowrap; }
.chart td:last-child { width: 34%; min-width: 5rem; padding-right: 0; }
.chart svg { display: block; width: 100%; height: .7rem; align-self: center; }
.bar-add { fill: var(--add-bar); } .bar-change { fill: var(--change-bar); } .bar-remove { fill: var(--remove-bar); }
.bar-withheld, .bar-failed, .bar-unknown { fill: var(--withheld-bar); }
.bar-outside, .bar-skipped { fill: var(--other-bar); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: 0; font-size: .9rem; }
dt { color: var(--faint); } dd { margin: 0; }
.tripped { color: var(--withheld); font-weight: 600; }

.sections { display: flex; flex-wrap: wrap; gap: .1rem 1rem; margin: 1.5rem 0 .75rem; padding: 0; list-style: none; }
.filter { display: none; flex-wrap: wrap; align-items: center; gap: .4rem 1rem; margin: 0 0 1.25rem;
  padding: .6rem .9rem; border: 1px solid var(--rule); border-radius: .5rem; background: var(--tint); }
.filter legend { float: left; padding: 0; margin-right: .25rem; color: var(--faint); font-size: .875rem; }
.filter label { display: inline-flex; align-items: center; gap: .35rem; min-height: 1.75rem; }
.filter input[type=checkbox] { width: 1.1rem; height: 1.1rem; margin: 0; accent-color: var(--link); }
.filter input[type=search] { font: inherit; width: 100%; padding: .25rem .5rem; color: inherit;
  background: var(--paper); border: 1px solid var(--faint); border-radius: .35rem; }
.find { display: flex; flex: 1 1 14rem; align-items: center; gap: .5rem; }
.find[hidden], .out { display: none; }
.found { flex-basis: 100%; color: var(--faint); font-size: .875rem; }
.found:empty, .partly { display: none; }

.section { margin: 0 0 2rem; }
.section > h2 { padding-bottom: .25rem; border-bottom: 1px solid var(--rule); }
.section ul { list-style: none; margin: 0; padding: 0; }
.lead { margin: .9rem 0 .4rem; padding: .5rem .9rem; border-left: .3rem solid var(--withheld-bar);
  background: var(--withheld-tint); border-radius: 0 .4rem .4rem 0; }
.card { padding: .5rem 0; border-bottom: 1px solid var(--rule); break-inside: avoid; }
.cards > .card:last-child { border-bottom: 0; }
.head, .line { display: grid; grid-template-columns: 1.6rem 1fr; }
.mark { text-align: center; font: bold 1rem/1.5 ui-monospace, Menlo, Consolas, "Liberation Mono", monospace; }
.add > .mark { color: var(--add); } .change > .mark { color: var(--change); } .remove > .mark { color: var(--remove); }
.withheld > .mark { color: var(--withheld); } .pending > .mark { color: var(--link); }
.note > .mark { color: var(--faint); }
.lines { padding-left: 1.6rem !important; margin-top: .15rem !important; font-size: .9375rem; }
.bare { padding-left: 0 !important; }
.line { border-radius: .25rem; padding: .05rem .4rem .05rem 0; }
.line.add { background: var(--add-tint); } .line.change { background: var(--change-tint); }
.line.remove { background: var(--remove-tint); }
.label { color: var(--faint); }
del { color: var(--remove); } ins { color: var(--add); text-decoration: none; }
.names summary { color: var(--link); cursor: pointer; }
.section .order code { display: inline-block; margin-top: .5rem; padding: .4rem .75rem; border: 1px solid var(--rule);
  border-radius: .4rem; background: var(--tint); font-weight: 600; user-select: all; }

@supports selector(:has(*)) { .filter { display: flex; } }
@media screen and (min-width: 40rem) { .filter { position: sticky; top: .5rem; z-index: 1; } }
@media (max-width: 30rem) {
  body { padding: 1rem .9rem 3rem; }
  .numbers li { flex-basis: 6rem; padding: .4rem .7rem; }
  dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .4rem; }
  .chart tr { display: flex; flex-wrap: wrap; gap: 0 1rem; padding: .4rem 0; border-top: 1px solid var(--rule); }
  .chart th, .chart td { border: 0; padding: 0; }
  .chart tbody th, .chart tfoot th, .chart td:last-child { flex: 0 0 100%; width: 100%; }
  .chart thead, .chart .nil { display: none; }
  .chart .count::after { content: " " attr(data-what); color: var(--faint); font-weight: normal; }
  .lines { padding-left: .5rem !important; } }
@media print {
  :root { color-scheme: light; }
  body { max-width: none; padding: 0; font-size: 9.5pt; }
  .filter, .sections { display: none !important; }
  .diff:has(.filter input[type=checkbox]:not(:checked)) .partly, .narrowed .partly { display: block; font-weight: 600; }
  .numbers, .panels { break-inside: avoid; }
  .numbers li { padding: .2rem .6rem; } .numbers b { font-size: 1.3rem; }
  .line, .verdict, .lead, svg { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  details::details-content { content-visibility: visible; block-size: auto; } }
"""

#: Letters of the actions in the class of a card or section: `kar` adds and removes.
LETTERS = {"add": "a", "change": "c", "remove": "r"}


def kind_class(names: frozenset[str]) -> str:
    """Return the class of what does *names*; "" of what does nothing that the filter knows."""
    letters = "".join(letter for name, letter in LETTERS.items() if name in names)
    return f"k{letters}" if letters else ""


def _hiding() -> str:
    """Return the rules of the checkboxes: what is left out when all that something does is left out."""
    rules = [f".diff:has(#show-{name}:not(:checked)) .line.{name}" for name in LETTERS]
    subsets = chain.from_iterable(combinations(LETTERS, size) for size in range(1, len(LETTERS) + 1))
    for subset in subsets:
        unchecked = "".join(f":has(#show-{name}:not(:checked))" for name in subset)
        rules.append(f".diff{unchecked} .{kind_class(frozenset(subset))}")
    rules += [f".diff:has(#show-{name}:not(:checked)) #{name}" for name in SECTIONS]
    return ",\n".join(rules) + " { display: none; }\n"


#: Sections that have a checkbox of their own, and its label.
SECTIONS = {
    "withheld": "Withheld",
    "outside": "Outside the mode",
    "failed": "Failed",
    "unknown": "Outcome unknown",
    "skipped": "Skipped",
}

STYLE = _LOOK + _hiding()
