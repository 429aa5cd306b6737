"""Makes the CSV files of this folder from the LDIF: python tests/data/ldif_to_csv.py.

Several values of an attribute stand in one cell, separated by semicolons, in the order of the LDIF.
"""

import csv
import io
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

HERE = Path(__file__).parent
PEOPLE = ("uid", "cn", "displayName", "givenName", "sn", "mail", "employeeType", "title", "ou", "description", "dn")
GROUPS = ("cn", "member")

Record = Mapping[str, Sequence[str]]


def records(text: str) -> Iterator[Record]:
    """Yield each record of an LDIF whose values are plain; lines that begin with a space continue the one before."""
    for block in text.replace("\n ", "").split("\n\n"):
        found: defaultdict[str, list[str]] = defaultdict(list)
        for line in block.splitlines():
            if line and not line.startswith("#"):
                name, _, value = line.partition(":")
                found[name].append(value.strip())
        if found:
            yield found


def as_csv(columns: Sequence[str], chosen: Iterator[Record]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([";".join(record.get(column, ())) for column in columns] for record in chosen)
    return text.getvalue()


def tables() -> dict[str, str]:
    """Return the text of each CSV file by its name."""
    everything = list(records((HERE / "planetexpress.ldif").read_text(encoding="utf-8")))
    return {
        "planetexpress_people.csv": as_csv(PEOPLE, (record for record in everything if "uid" in record)),
        "planetexpress_groups.csv": as_csv(GROUPS, (record for record in everything if "groupType" in record)),
    }


if __name__ == "__main__":
    for name, text in tables().items():
        (HERE / name).write_text(text, encoding="utf-8")
