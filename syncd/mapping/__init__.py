"""Entry -> desired entity, within the target's limits; pure.

settings.py     the `mapping` section
values.py       text as it is written: trimmed, normalized, free of characters that deceive
sandbox.py      where templates run
expressions.py  an attribute name or a template becomes a function of an entry
rules.py        the settings, compiled; every problem with them at once
needs.py        what is used of a source
record.py       one entry -> one entity, or what is wrong with it
conflicts.py    entries that want the same name or address
references.py   values that name others -> keys
nesting.py      groups within groups, and circles
snapshot.py     the whole directory
examples.py     the examples of a mapping hold

Nothing is exported here: the settings must be readable without jinja2.
"""
