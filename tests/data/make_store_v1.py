"""Makes the store of the version before, and what belongs to it: the `store-v1` files beside this one.

    git archive 342a272 syncd | tar -x -C CHECKOUT
    python tests/data/make_store_v1.py CHECKOUT

The files were made by the code of commit 342a272 and are not made again: a later syncd writes another store. So this
imports nothing of syncd; it runs the commands of that checkout against that checkout's emulator.

| cycle | what happens                                                                                       |
|-------|----------------------------------------------------------------------------------------------------|
| sync  | twelve people and three groups are created                                                         |
| sync  | kif has left: removed wholly; leela has another title; farnsworth keeps an alias from WorkMail     |
| sync  | zapp and scruffy have left, DeregisterFromWorkMail answers 500: both stay ENABLED on parking       |
|       | addresses and hold none of their own; cubert isn't in the directory any more: his removal waits    |
| sync  | amy has left too, guards.removals.count is 0: all three removals are withheld                      |
| plan  | the same; approved by hermes, and nothing of that is spent                                         |
"""

import gzip
import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent
NAME = "store-v1"
ORGANIZATION = "m-0123456789abcdef0123456789abcdef"
DOMAIN = "planetexpress.example"
ENDPOINT = "http://127.0.0.1:8625"
CONFIG = f"""\
# What syncd of commit 342a272 was run with when it left {NAME}.db (make_store_v1.py).
store: sqlite:///syncd.db
log: {{level: error}}
organizations:
  - name: planetexpress
    mode: full
    source: {{type: csv, users: {NAME}.people.csv, groups: {NAME}.groups.csv}}
    mapping:
      key: employee_id
      users:
        name: login
        display_name: full_name
        primary_email: mail
        aliases: other_mail
        enabled: "{{{{ status == 'active' }}}}"
        profile: {{first_name: given, last_name: family, job_title: title}}
      groups:
        key: group_id
        name: group
        primary_email: mail
        members: {{from: members, by: employee_id, groups_by: group_id}}
    workmail:
      organization_id: {ORGANIZATION}
      region: eu-west-1
      endpoint_url: {ENDPOINT}
"""
CAUTIOUS = "    guards: {removals: {count: 0}}\n"
PEOPLE = {
    "1001": ("fry", "Philip", "Fry", "Delivery boy"),
    "1002": ("leela", "Turanga", "Leela", "Pilot"),
    "1003": ("bender", "Bender", "Rodriguez", "Bending unit"),
    "1004": ("amy", "Amy", "Wong", "Intern"),
    "1005": ("hermes", "Hermes", "Conrad", "Bureaucrat"),
    "1006": ("zoidberg", "John", "Zoidberg", "Doctor"),
    "1007": ("farnsworth", "Hubert", "Farnsworth", "Professor"),
    "1008": ("kif", "Kif", "Kroker", "Lieutenant"),
    "1009": ("zapp", "Zapp", "Brannigan", "Captain"),
    "1010": ("nibbler", "Nibbler", "Nibblonian", "Ambassador"),
    "1011": ("scruffy", "Scruffy", "Scruffington", "Janitor"),
    "1012": ("cubert", "Cubert", "Farnsworth", "Clone"),
}
#: Two addresses each beside the primary one.
SHORT = {"zapp": "z", "scruffy": "s", "kif": "k", "fry": "f"}
GROUPS = {
    "crew": "1001;1002;1003;1006;1011",
    "nimbus": "1008;1009;1012",
    "staff": "1004;1005;1007;1009;1010;1011;crew",
}


def write_directory(folder: Path, *, left: frozenset[str] = frozenset(), absent: str = "", **titles: str) -> None:
    """Write both lists: those who have *left* are inactive, *absent* isn't there."""
    rows = ["employee_id,login,full_name,mail,other_mail,status,given,family,title"]
    for number, (login, given, family, title) in PEOPLE.items():
        if login == absent:
            continue
        short = SHORT.get(login)
        more = f"{short}@{DOMAIN};{login}.{family.lower()}@{DOMAIN}" if short else ""
        status = "left" if login in left else "active"
        what = titles.get(login, title)
        rows.append(
            f"{number},{login},{given} {family},{login}@{DOMAIN},{more},{status},{given},{family},{what}",
        )
    groups = ["group_id,group,mail,members", *(f"{one},{one},{one}@{DOMAIN},{GROUPS[one]}" for one in GROUPS)]
    (folder / f"{NAME}.people.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (folder / f"{NAME}.groups.csv").write_text("\n".join(groups) + "\n", encoding="utf-8")


class Checkout:
    """The commands of one checkout of syncd, run in one folder."""

    def __init__(self, checkout: Path, folder: Path) -> None:
        self.folder = folder
        self.url = ""
        self._environment = {
            **os.environ,
            "PYTHONPATH": str(checkout),
            "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "AKIDEXAMPLE",
        }

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "syncd", *arguments]

    def run(self, *arguments: str, code: int = 0) -> str:
        """Run a command, which must end with *code*."""
        ended = subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if ended.returncode != code:
            raise SystemExit(f"{arguments}: {ended.returncode} instead of {code}\n{ended.stdout}{ended.stderr}")
        return ended.stdout

    @contextmanager
    def emulator(self, seed: Path, data: Path) -> Iterator[None]:
        """Serve the emulator; it keeps its state in *data*."""
        arguments = ("emulator", "--listen", "127.0.0.1:0", "--seed", str(seed), "--data", str(data))
        with subprocess.Popen(
            self.command(*arguments), env=self._environment, cwd=self.folder, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stderr is not None
            found = re.search(r"http://127\.0\.0\.1:\d+", process.stderr.readline())
            assert found is not None
            self.url = found[0]
            try:
                yield
            finally:
                process.terminate()
                process.wait()

    def ask(self, path: str, body: object, *, method: str = "PUT", headers: Mapping[str, str] | None = None) -> Any:  # noqa: ANN401 - what JSON holds
        """Send *body* to the emulator."""
        request = urllib.request.Request(  # noqa: S310 - the emulator of this script, over HTTP
            self.url + path, json.dumps(body).encode(), dict(headers or {}), method=method
        )
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - as above
            return json.loads(answer.read() or "null")

    def workmail(self, operation: str, **parameters: object) -> Any:  # noqa: ANN401 - what JSON holds
        """Be an admin of WorkMail."""
        headers = {
            "x-amz-target": f"WorkMailService.{operation}",
            "content-type": "application/x-amz-json-1.1",
            "authorization": "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/eu-west-1/workmail/aws4_request, "
            "SignedHeaders=host, Signature=0",
        }
        return self.ask("/", {"OrganizationId": ORGANIZATION, **parameters}, method="POST", headers=headers)


def live(syncd: Checkout) -> None:
    """Go through the cycles of the table above."""
    folder = syncd.folder
    config = CONFIG.replace(ENDPOINT, syncd.url)
    (folder / "syncd.yaml").write_text(config, encoding="utf-8")
    write_directory(folder)
    syncd.run("plan")
    syncd.run("sync")
    users = {one["Name"]: one["Id"] for one in syncd.workmail("ListUsers")["Users"]}
    syncd.workmail("CreateAlias", EntityId=users["farnsworth"], Alias=f"professor@{DOMAIN}")
    write_directory(folder, left=frozenset({"kif"}), leela="Captain")
    syncd.run("sync")

    syncd.ask(
        "/-/faults", [{"operation": "DeregisterFromWorkMail", "error": {"code": "InternalFailure", "status": 500}}]
    )
    write_directory(folder, left=frozenset({"kif", "zapp", "scruffy"}), absent="cubert", leela="Captain")
    syncd.run("sync", code=4)
    syncd.ask("/-/faults", [])

    (folder / "syncd.yaml").write_text(config + CAUTIOUS, encoding="utf-8")
    write_directory(folder, left=frozenset({"kif", "zapp", "scruffy", "amy"}), absent="cubert", leela="Captain")
    syncd.run("sync", code=3)
    digest = json.loads(syncd.run("plan", "--format", "json", code=3))["digest"]
    # Read in ten years, too, it should be in force.
    syncd.run("approve", digest[:12], "--by", "hermes", "--expires", "3650d")
    syncd.run("store", "backup", "backup.db")


def main() -> None:
    """Live in a folder of its own, then keep what is left of it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        syncd = Checkout(Path(sys.argv[1]).resolve(), folder)
        seed = folder / "seed.json"
        organization = {"alias": "planetexpress", "domains": [DOMAIN], "organization_id": ORGANIZATION}
        seed.write_text(json.dumps({"organizations": [organization]}), encoding="utf-8")
        with syncd.emulator(seed, folder / "workmail.json"):
            live(syncd)
        for kept in (f"{NAME}.people.csv", f"{NAME}.groups.csv"):
            (DATA / kept).write_bytes((folder / kept).read_bytes())
        (DATA / f"{NAME}.yaml").write_text(CONFIG + CAUTIOUS, encoding="utf-8")
        (DATA / f"{NAME}.workmail.json").write_bytes((folder / "workmail.json").read_bytes())
        (DATA / f"{NAME}.db.gz").write_bytes(gzip.compress((folder / "backup.db").read_bytes(), mtime=0))


if __name__ == "__main__":
    main()
