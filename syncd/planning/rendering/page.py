"""The HTML page that a view is poured into: no script, no picture, nothing from elsewhere."""

PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{{ view.title }}</title>
<style>
:root { --ink: #1b1f24; --paper: #fff; --faint: #57606a; --rule: #d0d7de; --tint: #f6f8fa;
  --add: #116329; --change: #7d4e00; --remove: #a40e26; --withheld: #6639ba; --pending: #0550ae; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --paper: #0d1117; --faint: #9da7b3; --rule: #30363d; --tint: #161b22;
    --add: #56d364; --change: #e3b341; --remove: #ff7b72; --withheld: #d2a8ff; --pending: #79c0ff; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 60rem; color: var(--ink); background: var(--paper);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; margin: 0 0 .5rem; }
h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; border-bottom: 1px solid var(--rule); }
h2 small, .key, .faint { color: var(--faint); font-weight: normal; font-size: .875rem; }
.verdict { font-weight: bold; border-left: .25rem solid var(--pending); padding: .5rem .75rem;
  background: var(--tint); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 1rem; margin: .5rem 0; }
dt { color: var(--faint); }
dd { margin: 0; }
nav a { display: inline-block; margin: 0 .75rem .25rem 0; color: var(--pending); }
ul { list-style: none; margin: 0; padding: 0; }
li { margin: .25rem 0; padding-left: 1.5rem; position: relative; break-inside: avoid; }
li li { margin: 0; }
.mark { position: absolute; left: 0; width: 1.25rem; text-align: center; font: bold 1rem/1.5 ui-monospace, monospace; }
.add { color: var(--add); } .change { color: var(--change); } .remove { color: var(--remove); }
.withheld { color: var(--withheld); } .pending { color: var(--pending); } .note { color: var(--faint); }
del { color: var(--remove); } ins { color: var(--add); } del, ins { text-decoration: none; }
.lead { margin: .75rem 0 .25rem; border-left: .25rem solid var(--withheld); padding-left: .75rem; }
pre { background: var(--tint); border: 1px solid var(--rule); padding: .5rem .75rem; white-space: pre-wrap; }
@media (max-width: 30rem) { dl { grid-template-columns: 1fr; } dd { margin-bottom: .5rem; } }
@media print { nav { display: none; } body { max-width: none; padding: 0; font-size: 10pt; } }
</style>
</head>
<body>
{% set words = {"+": "add", "~": "change", "-": "remove", "!": "withheld", "?": "pending", "*": "note"} %}
{% macro mark(symbol) %}<span class="mark {{ words[symbol] }}" role="img" aria-label="{{ words[symbol] }}">\
{{ symbol }}</span>{% endmacro %}
{% macro shown(line) %}
<li>{{ mark(line.symbol) }}
{% if line.text %}<bdi>{{ line.text }}</bdi>
{% elif line.before is not none %}{{ line.label }}: <del><bdi>{{ line.before }}</bdi></del> →
<ins><bdi>{{ line.after }}</bdi></ins>
{% elif line.after is not none %}{{ line.label }}: <bdi>{{ line.after }}</bdi>
{% else %}{% if line.names | length > 1 %}{{ line.names | length }} {% endif %}{{ line.label }}:
{% for name in line.names %}<bdi>{{ name }}</bdi>{% if not loop.last %}, {% endif %}{% endfor %}

{% endif %}{% if line.reason %}<span class="faint">because <bdi>{{ line.reason }}</bdi></span>{% endif %}</li>
{% endmacro %}
<header>
<h1>{{ view.title }}</h1>
<p class="verdict">{{ view.verdict }}</p>
<dl>
{% for label, text in view.header %}
<dt>{{ label }}</dt><dd>{{ text }}</dd>
{% endfor %}
</dl>
</header>
<nav aria-label="Sections">
{% for section in view.sections %}
<a href="#{{ section.name }}">{{ section.title }}</a>
{% endfor %}
</nav>
<main>
{% for section in view.sections %}
<section id="{{ section.name }}">
<h2>{{ section.title }}{% if section.size %} <small>{{ section.size }}</small>{% endif %}</h2>
{% if section.intro %}
<p class="faint">{{ section.intro }}</p>
{% endif %}
{% for part in section.parts %}
{% if part.lead %}
<p class="lead">{{ part.lead }}</p>
{% endif %}
{% if part.cards %}
<ul>
{% for card in part.cards %}
{% if card.title %}
<li>{{ mark(card.symbol) }}<strong><bdi>{{ card.title }}</bdi></strong>\
{% if card.key %} <span class="key">{{ card.key }}</span>{% endif %}
{% if card.text or card.reason %}<br><bdi>{{ card.text or card.reason }}</bdi>{% endif %}
{% if card.remedy %}<br><span class="faint">what to do:</span> <bdi>{{ card.remedy }}</bdi>{% endif %}
{% if card.lines %}
<ul>
{% for line in card.lines %}{{ shown(line) }}{% endfor %}
</ul>
{% endif %}
</li>
{% else %}
{% for line in card.lines %}{{ shown(line) }}{% endfor %}
{% endif %}
{% endfor %}
</ul>
{% endif %}
{% endfor %}
{% if section.command %}
<pre>{{ section.command }}</pre>
<p class="faint">{{ section.effect }}</p>
{% endif %}
</section>
{% endfor %}
</main>
</body>
</html>"""
