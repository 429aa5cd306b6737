"""The HTML page that a view is poured into: numbers, then what to type, then the diff with its filter."""

PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{{ policy }}">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{{ view.title }}</title>
<style>{{ style }}</style>
</head>
{% macro mark(symbol) %}<span class="mark" role="img" aria-label="{{ words[symbol] }}">{{ symbol }}</span>{% endmacro %}
{% macro value(line) %}
{% if line.text %}{{ isolated(line.text) }}
{% elif line.before is not none %}<span class="label">{{ line.label }}:</span> <del>{{ isolated(line.before) }}</del> →
 <ins>{{ isolated(line.after) }}</ins>
{% elif line.after is not none %}<span class="label">{{ line.label }}:</span> {{ isolated(line.after) }}
{% else %}<span class="label">{% if line.names | length > 1 %}{{ number(line.names | length) }} {% endif %}
{{ line.label }}:</span>
{% for name in line.names[:folded] %}{{ isolated(name) }}{{ "" if loop.last else ", " }}{% endfor %}
{% if line.names | length > folded %}, <details class="names"><summary>and \
{{ number(line.names | length - folded) }} more</summary>
{% for name in line.names[folded:] %}{{ isolated(name) }}{{ "" if loop.last else ", " }}{% endfor %}</details>
{% endif %}
{% endif %}
{% if line.reason %} <span class="faint">because {{ isolated(line.reason) }}</span>{% endif %}
{% endmacro %}
{% macro shown(line) %}
<li class="line {{ words[line.symbol] }}">{{ mark(line.symbol) }}<span>{{ value(line) }}</span></li>
{% endmacro %}
{% macro card_of(card) %}
<li class="card {{ kind_class(card.changes) }}">
{% if card.title %}
<div class="head {{ words[card.symbol] }}">{{ mark(card.symbol) }}<div><strong>{{ isolated(card.title) }}</strong>\
{% if card.key %} <bdi class="key">{{ card.key }}</bdi>{% endif %}
{% if card.text or card.reason %}<br>{{ isolated(card.text or card.reason) }}{% endif %}
{% if card.remedy %}<br><span class="faint">What to do:</span> {{ isolated(card.remedy) }}{% endif %}</div></div>
{% endif %}
{% if card.lines %}
<ul class="lines{% if not card.title %} bare{% endif %}">
{% for line in card.lines %}{{ shown(line) }}{% endfor %}
</ul>
{% endif %}
</li>
{% endmacro %}
{% macro counted(column, count) %}
<td class="count{% if not count %} nil{% endif %}" data-what="{{ column.title | lower }}">{{ number(count) }}</td>
{% endmacro %}
<body class="{{ view.state }}">
<header>
<h1>{{ view.title }}</h1>
<p class="verdict">{{ view.verdict }}</p>
{% if figures.rows or view.aside %}
<ul class="numbers" aria-label="In numbers">
{% for column, total in totals %}
<li class="{{ column.name }}{% if not total %} nothing{% endif %}"><b>{{ number(total) }}</b>\
<span><span aria-hidden="true">{{ column.symbol }}</span> {{ column.title | lower }}</span></li>
{% endfor %}
{% for count, what in view.aside %}
<li><b>{{ number(count) }}</b><span>{{ what }}</span></li>
{% endfor %}
</ul>
{% endif %}
{% if view.orders %}
<ul class="orders" aria-label="What you can type next">
{% for order in view.orders %}
<li><code>{{ order.command }}</code> <span class="faint">{{ order.effect }}</span></li>
{% endfor %}
</ul>
{% endif %}
</header>
<main>
<div class="panels">
{% if figures.rows %}
<section aria-labelledby="by-kind">
<h2 id="by-kind">By kind <small>operations</small></h2>
<table class="chart">
<thead><tr><th scope="col"><span class="unseen">Kind</span></th>
{% for column in figures.columns %}<th scope="col" class="count">{{ column.title }}</th>{% endfor %}
<td></td></tr></thead>
<tbody>
{% for name, counts, bars in chart %}
<tr><th scope="row">{{ name }}</th>
{% for column, count in counts %}{{ counted(column, count) }}{% endfor %}
<td><svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" focusable="false">
{% for bar in bars %}<rect class="bar-{{ bar.name }}" x="{{ bar.x }}" y="0" width="{{ bar.width }}" height="10"/>\
{% endfor %}</svg></td></tr>
{% endfor %}
</tbody>
{% if chart | length > 1 %}
<tfoot><tr><th scope="row">Together</th>
{% for column, total in totals %}{{ counted(column, total) }}{% endfor %}<td></td></tr></tfoot>
{% endif %}
</table>
</section>
{% endif %}
<section aria-labelledby="record">
<h2 id="record">Record</h2>
<dl>
{% for label, text in view.header if label not in said %}
<dt>{{ label }}</dt><dd>{{ text }}</dd>
{% endfor %}
{% for label, text in view.record %}
<dt>{{ label }}</dt><dd{% if label == "Digest" %} class="digest"{% endif %}>{{ text }}</dd>
{% endfor %}
</dl>
</section>
{% if view.budgets %}
<section aria-labelledby="budgets">
<h2 id="budgets">Guards <small>what is used of each limit</small></h2>
<table>
<thead><tr><th scope="col">Guard</th><th scope="col">Used</th><th scope="col">Says</th></tr></thead>
<tbody>
{% for budget in view.budgets %}
<tr><th scope="row"><code>{{ budget.guard }}</code></th><td>{{ isolated(budget.used) }}</td>\
<td class="says{% if budget.tripped %} tripped{% endif %}">{{ "refused" if budget.tripped else "within" }}</td></tr>
{% endfor %}
</tbody>
</table>
</section>
{% endif %}
</div>
{% if sections %}
<nav aria-label="Sections">
<ul class="sections">
{% for section in sections %}
<li><a href="#{{ section.name }}">{{ section.title }}</a>\
{% if section.size %} <span class="faint">{{ section.size }}</span>{% endif %}</li>
{% endfor %}
</ul>
</nav>
<div class="diff">
<fieldset class="filter">
<legend>Show</legend>
{% for name, label in switches %}
<label><input type="checkbox" id="show-{{ name }}" autocomplete="off" checked>{{ label }}</label>
{% endfor %}
<span class="find" id="finder" hidden><label for="find" class="unseen">Find by text</label>\
<input type="search" id="find" placeholder="Find a name, an address, a reason" autocomplete="off" spellcheck="false">\
</span>
<span class="found" id="found" role="status"></span>
</fieldset>
<p class="partly">A filter was set: not everything is shown below. The numbers above are of the whole.</p>
{% for section in sections %}
<section id="{{ section.name }}" class="section {{ kind_class(section_changes(section)) }}" \
aria-labelledby="{{ section.name }}-title">
<h2 id="{{ section.name }}-title">{{ section.title }}\
{% if section.size %} <small>{{ section.size }}</small>{% endif %}</h2>
{% if section.intro %}
<p class="faint">{{ section.intro }}</p>
{% endif %}
{% for part in section.parts %}
<div class="part">
{% if part.lead %}
<p class="lead">{{ isolated(part.lead) }}</p>
{% endif %}
{% if part.cards %}
<ul class="cards">
{% for card in part.cards %}{{ card_of(card) }}{% endfor %}
</ul>
{% endif %}
</div>
{% endfor %}
{% if section.command %}
<p class="order"><code>{{ section.command }}</code> <span class="faint">{{ section.effect }}</span></p>
{% endif %}
</section>
{% endfor %}
</div>
{% endif %}
</main>
{% if sections %}
<script>{{ script }}</script>
{% endif %}
</body>
</html>"""
