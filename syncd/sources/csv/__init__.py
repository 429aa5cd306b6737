"""Users and groups from CSV files.

settings.py     the settings: files, and how they are written
file.py         a file, held open while it is read: reachable, unchanged, whole
inspection.py   its bytes: UTF-8, no NUL, a final newline
table.py        its header, and rows with their line numbers
faults.py       where a quote went wrong, which delimiter a header shows
rows.py         the attributes of a row, and the entry around them
refusals.py     which rows can't be used, and why
records.py      each row becomes an entry
memberships.py  rows of one membership each are merged into groups
source.py       both files together: the snapshot, or every problem at once
examination.py  what `syncd doctor` says of them
row.py          its row in the registry of sources

Nothing is exported here: the settings are read where no file is.
"""
