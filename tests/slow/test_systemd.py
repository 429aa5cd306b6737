"""syncd under a real systemd, installed as deploy/systemd/README.md says, block by block."""

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.debian import need, need_that
from tests.fakes.systemd import Machine, need_systemd, version

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy" / "systemd"
DEMO = ROOT / "config" / "demo"
UNITS = "/etc/systemd/system"
#: Faster than the real ones, so that a test sees them pass.
IN_A_HURRY = "[Service]\nWatchdogSec=4\nRestartSec=100ms\n"
ORGANIZATION = """\
  - name: {name}
    mode: full
    schedule: {{every: 1h, jitter: 0s, stalled_after: 3s}}
    source: {source}
    mapping:
      key: employee_id
      users: {{name: login, display_name: full_name, primary_email: mail}}
    workmail:
      organization_id: m-{number:032d}
      region: eu-west-1
      endpoint_url: {endpoint}
"""
EMULATOR = "http://127.0.0.1:8625"
NOBODY = "http://127.0.0.1:9"
#: The password is read from the unit's credentials; nobody listens there.
LDAP = (
    "{type: ldap, servers: 'ldap://127.0.0.1:%d', bind: {dn: 'cn=reader,dc=example',"
    " password: {credential: syncd_ldap-password}}, users: [{base: 'dc=example'}]}"
)
CSV = "{type: csv, users: /srv/people/people.csv}"
PASSWORD = "a-password-for-the-directory"
SEED = f"""{{"organizations": [
    {{"alias": "planetexpress", "organization_id": "m-{0:032d}", "domains": ["planetexpress.example"]}}
]}}
"""
#: Accepts whoever comes, and says nothing.
MUTE = "import socket, time; s = socket.create_server(('127.0.0.1', 1389)); time.sleep(600)"


def organization(name: str, source: str, *, number: int = 0, endpoint: str = NOBODY) -> str:
    return ORGANIZATION.format(name=name, source=source, number=number, endpoint=endpoint)


def blocks(title: str) -> list[str]:
    """Return the commands that README gives under *title*."""
    text = (DEPLOY / "README.md").read_text(encoding="utf-8")
    section = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert section, title
    return re.findall(r"```sh\n(.*?)```", section[1], re.DOTALL)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A machine on which syncd was installed by README; its daemon isn't running."""
    need_systemd()
    need("/usr/bin/python3", ["python3"])
    need_that(has_ensurepip, "the module ensurepip", ["python3-venv"])
    folder = tmp_path_factory.mktemp("machine")
    checkout = folder / "checkout"
    for name in ("syncd", "config", "deploy"):
        shutil.copytree(ROOT / name, checkout / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, checkout)
    (folder / "seed.json").write_text(SEED, encoding="ascii")
    files = {"/usr/local/src/syncd": checkout, "/etc/seed.json": folder / "seed.json"}
    with Machine(folder / "overlay", files=files) as found:
        for block in blocks("Install"):
            by_readme(found, block, outside=True)
        yield found


def has_ensurepip() -> bool:
    command = ["/usr/bin/python3", "-c", "import ensurepip"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def by_readme(machine: Machine, block: str, *, outside: bool = False, given: str | None = None) -> str:
    """Run a block of README in the checkout."""
    script = f"cd /usr/local/src/syncd\n{block}"
    return machine.do("sh", "-euc", script, outside=outside, given=given, seconds=600)


class Syncd:
    """The service on the machine."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def configure(self, *organizations: str) -> None:
        text = "store: sqlite:////var/lib/syncd/syncd.db\norganizations:\n" + "".join(organizations)
        self.machine.write("/etc/syncd/syncd.yaml", text)

    def systemctl(self, verb: str) -> None:
        self.machine.do("systemctl", verb, "syncd")

    def is_running(self) -> bool:
        return self["ActiveState"] == "active"

    def metric(self, name: str) -> float:
        text = self.machine.get("http://127.0.0.1:9780/metrics")
        found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
        return float(found[1]) if found else -1.0

    def __getitem__(self, name: str) -> str:
        return self.machine.show("syncd", name)


@pytest.fixture
def syncd(machine: Machine) -> Iterator[Syncd]:
    """The service, configured with a password; what a test does to the machine is taken back."""
    machine.write("/etc/syncd/credentials/ldap-password", PASSWORD, mode=0o600)
    machine.write(f"{UNITS}/syncd.service.d/90-hurry.conf", IN_A_HURRY)
    machine.do("systemctl", "daemon-reload")
    yield Syncd(machine)
    # The mute one goes first: whoever waits for a word of it would keep the service from ending for long.
    for unit in ("mute.service", "syncd.service", "syncd-sync.timer", "syncd-sync.service", "emulator.service"):
        machine.run("systemctl", "stop", unit)
        machine.run("systemctl", "reset-failed", unit)
    script = f"""
    rm -rf /var/lib/private/syncd /var/lib/syncd /etc/syncd/syncd.yaml /srv/people {UNITS}/*.service.d
    find /etc/syncd/credentials -type f -delete
    ! getent group syncd-csv || groupdel syncd-csv
    journalctl --rotate && journalctl --vacuum-time=1s
    systemctl daemon-reload
    """
    machine.do("sh", "-euc", script)


def background(machine: Machine, name: str, *command: str) -> None:
    machine.do("systemd-run", f"--unit={name}", "--collect", "-p", "DynamicUser=yes", *command)


def emulate(machine: Machine) -> None:
    """Have an empty WorkMail on the machine."""
    background(machine, "emulator", "/opt/syncd/bin/syncd", "emulator", "--seed", "/etc/seed.json")


def people_of_a_group(machine: Machine) -> None:
    """Have a CSV file as examples/csv-group.conf wants it, by its own commands."""
    example = (DEPLOY / "examples" / "csv-group.conf").read_text(encoding="utf-8")
    commands = re.findall(r"^# {5}(.*)$", example, re.MULTILINE)
    assert len(commands) == 3
    machine.do("sh", "-euc", f"cd /usr/local/src/syncd/config/demo/day1\n{chr(10).join(commands)}")


# --- Without starting anything ---------------------------------------------------------------------------------------


def test_the_units_are_valid(machine: Machine) -> None:
    """Verification finds nothing to say about the installed units, with each of the examples as drop-ins."""
    for unit in ("syncd.service", "syncd-sync.service"):
        for example in (DEPLOY / "examples").iterdir():
            if unit == "syncd.service" and example.name == "metrics-file.conf":
                continue
            shutil.copy(example, _made(machine.path(f"{UNITS}/{unit}.d")))
    try:
        machine.do("systemctl", "daemon-reload")
        said = [
            machine.run("systemd-analyze", "verify", f"{UNITS}/{unit}")
            for unit in ("syncd.service", "syncd-sync.service", "syncd-sync.timer")
        ]
    finally:
        machine.do("sh", "-c", f"rm -r {UNITS}/*.service.d; systemctl daemon-reload")

    assert [(done.returncode, done.stderr) for done in said] == [(0, "")] * 3


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def test_the_drop_in_for_253_says_what_253_knows(machine: Machine) -> None:
    """Systemd 253 verifies it; an older one complains about exactly the words that are new, and about nothing else."""
    shutil.copy(DEPLOY / "syncd.service.d" / "10-systemd253.conf", _made(machine.path(f"{UNITS}/syncd.service.d")))
    try:
        done = machine.run("systemd-analyze", "verify", f"{UNITS}/syncd.service")
    finally:
        machine.do("rm", "-r", f"{UNITS}/syncd.service.d")

    assert done.returncode == 0
    complaints = set(re.findall(r"ignoring: (notify-reload)|Unknown key '(\w+)'", done.stderr))
    words = {name or value for value, name in complaints}
    assert len(done.stderr.splitlines()) == len(words), done.stderr
    newer = {253: {"notify-reload", "ReloadSignal"}, 254: {"RestartSteps", "RestartMaxDelaySec"}}
    assert words == set().union(*(names for since, names in newer.items() if since > version()))


@pytest.mark.parametrize("unit", ["syncd.service", "syncd-sync.service"])
def test_little_is_left_open(unit: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The exposure is at most 1.2 of 10."""
    need("systemd-analyze", ["systemd"])
    command = ["systemd-analyze", "security", "--no-pager", "--offline=true", "--threshold=12", str(DEPLOY / unit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    with capsys.disabled():
        print("\n" + done.stdout.strip().splitlines()[-1])

    assert done.returncode == 0, done.stdout


# --- The daemon ------------------------------------------------------------------------------------------------------


def test_it_is_ready_while_the_rest_of_the_world_is_down(syncd: Syncd, capsys: pytest.CaptureFixture[str]) -> None:
    """Without LDAP and AWS it becomes active, answers, and says in one line that its cycle fails."""
    syncd.configure(organization("planetexpress", LDAP % 1389))

    syncd.systemctl("start")

    assert syncd.is_running()
    assert syncd.machine.get("http://127.0.0.1:9780/livez").startswith("ok")
    assert syncd.machine.get("http://127.0.0.1:9780/readyz").startswith("ok")
    syncd.machine.wait_until(lambda: "1 failing" in syncd["StatusText"])
    assert re.fullmatch(r"1 organization: 1 failing; next \d\d:\d\d:\d\dZ", syncd["StatusText"])
    assert syncd.metric('syncd_cycles_total{organization="planetexpress",result="failed"}') == 1
    assert syncd.metric("process_start_time_seconds") > 0
    took_us = int(syncd["ActiveEnterTimestampMonotonic"]) - int(syncd["InactiveExitTimestampMonotonic"])
    memory = syncd.metric("process_resident_memory_bytes")
    with capsys.disabled():
        print(f"\nREADY after {took_us / 1e6:.1f} s; {memory / 1e6:.0f} MB of memory with one organization, idle")


def test_its_secrets_are_its_own(syncd: Syncd) -> None:
    """The credential is readable for the user of the service and for nobody else, another dynamic user included."""
    syncd.configure(organization("planetexpress", LDAP % 1389))
    syncd.systemctl("start")
    secret = "/run/credentials/syncd.service/syncd_ldap-password"
    pid = syncd["MainPID"]
    uid, gid = syncd.machine.do("stat", "-c", "%u %g", f"/proc/{pid}").split()

    own = syncd.machine.run("setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups", "cat", secret)
    nobody = syncd.machine.run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "cat", secret)
    other = syncd.machine.run("systemd-run", "--pipe", "--wait", "--quiet", "-p", "DynamicUser=yes", "cat", secret)

    assert int(uid) >= 61184
    assert own.stdout == PASSWORD
    assert [(done.returncode, done.stdout) for done in (nobody, other)] == [(1, ""), (1, "")]
    assert "Permission denied" in nobody.stderr
    for place in ("environ", "cmdline"):
        assert PASSWORD.encode() not in syncd.machine.path(f"/proc/{pid}/{place}").read_bytes()
    assert PASSWORD not in syncd.machine.journal("syncd")


def test_a_reload_takes_what_is_right_and_refuses_what_is_wrong(syncd: Syncd) -> None:
    """A new organization is worked on; a broken file changes nothing, and is told; the credentials stay readable."""
    syncd.configure(organization("planetexpress", LDAP % 1389))
    syncd.systemctl("start")
    pid = syncd["MainPID"]

    syncd.configure(organization("planetexpress", LDAP % 1389), organization("mars", LDAP % 1389, number=1))
    syncd.systemctl("reload")
    syncd.machine.wait_until(lambda: "2 organizations: 2 failing" in syncd["StatusText"])
    syncd.machine.write("/etc/syncd/syncd.yaml", "store: [\n")
    syncd.systemctl("reload")
    syncd.machine.wait_until(lambda: "configuration_rejected" in syncd.machine.journal("syncd"))

    assert syncd.is_running()
    assert (syncd["MainPID"], syncd["NRestarts"]) == (pid, "0")
    assert syncd["StatusText"].startswith("2 organizations: 2 failing")
    assert syncd.metric("syncd_config_last_reload_successful") == 0

    syncd.configure(organization("mars", LDAP % 1389, number=1))
    syncd.systemctl("reload")
    syncd.machine.wait_until(lambda: syncd["StatusText"].startswith("1 organization:"))
    assert syncd.metric("syncd_config_last_reload_successful") == 1


def test_a_wrong_configuration_is_not_tried_again(syncd: Syncd) -> None:
    """It ends with 78, which the journal explains, and stays so until somebody mends it."""
    syncd.configure(organization("planetexpress", LDAP % 1389).replace("mode: full", "mode: fool"))

    assert syncd.machine.run("systemctl", "start", "syncd").returncode

    assert [syncd[name] for name in ("ActiveState", "ExecMainStatus", "NRestarts")] == ["failed", "78", "0"]
    assert "fool" in syncd.machine.journal("syncd")


def test_a_wedged_cycle_is_ended_by_the_watchdog(syncd: Syncd) -> None:
    """A directory that accepts and then says nothing: the process is replaced, and tells where it stood."""
    background(syncd.machine, "mute", "/usr/bin/python3", "-c", MUTE)
    syncd.configure(organization("planetexpress", LDAP % 1389, endpoint=EMULATOR))
    emulate(syncd.machine)
    syncd.systemctl("start")

    syncd.machine.wait_until(lambda: syncd["NRestarts"] == "1")

    log = syncd.machine.journal("syncd")
    assert "watchdog_withheld" in log
    assert "Failed with result 'watchdog'" in log
    assert re.search(r'File ".*/syncd/sources/ldap/\w+\.py", line \d+ in ', log)
    syncd.machine.wait_until(syncd.is_running)


@pytest.mark.parametrize(("signal", "result"), [("STOP", "watchdog"), ("KILL", "signal")])
def test_what_is_stopped_or_killed_is_there_again(signal: str, result: str, syncd: Syncd) -> None:
    """SIGSTOP is noticed by the watchdog, SIGKILL at once; either way a new process is ready, after one restart."""
    syncd.configure(organization("planetexpress", LDAP % 1389))
    syncd.systemctl("start")
    before = syncd["MainPID"]

    syncd.machine.do("kill", f"-{signal}", before)

    syncd.machine.wait_until(lambda: syncd["NRestarts"] == "1" and syncd.is_running())
    assert syncd["MainPID"] != before
    assert f"Failed with result '{result}'" in syncd.machine.journal("syncd")
    assert syncd.machine.get("http://127.0.0.1:9780/readyz").startswith("ok")


def test_a_stop_leaves_nothing_but_the_store(syncd: Syncd) -> None:
    """It ends with 0; no process and no credential is left, and the state belongs to its user alone."""
    syncd.configure(organization("planetexpress", LDAP % 1389))
    syncd.systemctl("start")
    group = syncd["ControlGroup"]

    syncd.systemctl("stop")

    assert [syncd[name] for name in ("ActiveState", "Result", "ExecMainStatus")] == ["inactive", "success", "0"]
    assert not syncd.machine.path(f"/sys/fs/cgroup{group}").exists()
    assert not syncd.machine.path("/run/credentials/syncd.service").exists()
    folder = syncd.machine.path("/var/lib/private/syncd")
    left = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
    assert left == {"syncd.db": 0o600, "syncd.db.m-00000000000000000000000000000000.lock": 0o600}
    assert folder.stat().st_mode & 0o777 == 0o700
    assert "daemon_stopped" in syncd.machine.journal("syncd")


# --- Around it -------------------------------------------------------------------------------------------------------


def test_the_files_of_a_group_and_a_key_of_aws(syncd: Syncd) -> None:
    """With the two examples as drop-ins, a CSV file that only a group reads is synchronized, with a key from a file."""
    emulate(syncd.machine)
    people_of_a_group(syncd.machine)
    syncd.configure(organization("planetexpress", CSV, endpoint=EMULATOR))
    script = re.sub(r"(?m)^# {0,5}", "", _aws_example())
    syncd.machine.do("sh", "-euc", script)
    (by_example,) = [block for block in blocks("Configure") if "csv-group.conf" in block]
    by_readme(syncd.machine, by_example)
    by_readme(syncd.machine, by_example.replace("csv-group", "aws-credentials"))

    syncd.systemctl("start")

    syncd.machine.wait_until(lambda: "1 in sync" in syncd["StatusText"])
    denied = syncd.machine.run(
        "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "cat", "/srv/people/people.csv"
    )
    assert denied.returncode == 1


def _aws_example() -> str:
    example = (DEPLOY / "examples" / "aws-credentials.conf").read_text(encoding="utf-8")
    found = re.search(r"# {5}install.*?# {5}END\n", example, re.DOTALL)
    assert found
    return found[0]


def test_a_plan_by_hand_is_the_daemon_for_a_moment(syncd: Syncd) -> None:
    """README's line plans with the credentials and the store of the service, beside it and without it."""
    machine = syncd.machine
    emulate(machine)
    people_of_a_group(machine)
    (line,) = blocks("A look before it starts")
    by_key = "-p Environment=AWS_ACCESS_KEY_ID=me -p Environment=AWS_SECRET_ACCESS_KEY=me"
    line = line.replace(" /opt/syncd", f" -p SupplementaryGroups=syncd-csv {by_key} /opt/syncd")
    syncd.configure(organization("planetexpress", CSV, endpoint=EMULATOR), organization("mars", LDAP % 1389, number=1))

    first = by_readme(machine, line.replace("syncd plan", "syncd plan -o planetexpress"))
    syncd.systemctl("start")
    pid = syncd["MainPID"]
    second = by_readme(machine, line.replace("syncd plan", "syncd plan -o planetexpress"))
    # By number: libnss-systemd, which knows a dynamic user by name, need not be installed.
    user = by_readme(machine, line.replace("/opt/syncd/bin/syncd plan", "id --user"))

    assert re.search(r"^Plan: \d+ to add, 0 to change, 0 to remove", first, re.MULTILINE), first
    assert re.search(r"^Plan: ", second, re.MULTILINE), second
    assert (syncd["MainPID"], syncd["NRestarts"]) == (pid, "0")
    owner = machine.path(f"/proc/{pid}").stat().st_uid
    assert int(user) == owner != 0
    held = [path.stat() for path in machine.path("/var/lib/private/syncd").rglob("*")]
    assert held
    assert {(found.st_uid, found.st_mode & 0o077) for found in held} == {(owner, 0)}


def test_a_timer_instead_of_the_daemon(syncd: Syncd) -> None:
    """The timer stops the daemon and the daemon the timer; a cycle by hand stops nobody."""
    machine = syncd.machine
    emulate(machine)
    syncd.configure(organization("planetexpress", LDAP % 1389))
    syncd.systemctl("start")
    (block,) = blocks("A timer instead")

    machine.run("systemctl", "start", "syncd-sync.service")
    assert syncd.is_running()
    by_readme(machine, block)
    assert (syncd["ActiveState"], machine.show("syncd-sync.timer", "ActiveState")) == ("inactive", "active")
    syncd.systemctl("start")
    assert (syncd["ActiveState"], machine.show("syncd-sync.timer", "ActiveState")) == ("active", "inactive")


@pytest.mark.parametrize(("code", "result"), [(0, "success"), (75, "success"), (3, "exit-code"), (4, "exit-code")])
def test_what_an_end_means_to_the_timer(code: int, result: str, syncd: Syncd) -> None:
    """In sync and locked are fine; what a guard withheld waits for somebody, so the unit has failed."""
    drop_in = f"[Service]\nExecStart=\nExecStart=/bin/sh -c 'exit {code}'\n"
    syncd.machine.write(f"{UNITS}/syncd-sync.service.d/90-end.conf", drop_in)
    syncd.machine.do("systemctl", "daemon-reload")

    syncd.machine.run("systemctl", "start", "syncd-sync.service")

    assert syncd.machine.show("syncd-sync.service", "Result") == result


def test_an_encrypted_password_is_handed_over(syncd: Syncd) -> None:
    """The recipe in the unit: what systemd-creds encrypted is in the clear for the service only."""
    recipe = (DEPLOY / "syncd.service").read_text(encoding="utf-8")
    command = re.search(r"^# {5}(systemd-creds encrypt \S+ - \S+)", recipe, re.MULTILINE)
    setting = re.search(r"^#(LoadCredentialEncrypted=\S+)$", recipe, re.MULTILINE)
    assert command
    assert setting
    syncd.machine.do("sh", "-euc", command[1], given=PASSWORD)
    syncd.machine.write(f"{UNITS}/syncd.service.d/20-password.conf", f"[Service]\n{setting[1]}\n")
    syncd.machine.do("systemctl", "daemon-reload")
    syncd.configure(organization("planetexpress", LDAP.replace("syncd_ldap", "ldap") % 1389))

    syncd.systemctl("start")

    assert syncd.machine.path("/run/credentials/syncd.service/ldap-password").read_text(encoding="ascii") == PASSWORD
    assert PASSWORD.encode() not in syncd.machine.path("/etc/syncd/ldap-password.cred").read_bytes()


def test_an_upgrade_and_the_end(machine: Machine, syncd: Syncd) -> None:
    """README's upgrade restarts the daemon; its last commands leave configuration, secrets and store, and no unit."""
    syncd.configure(organization("planetexpress", LDAP % 1389))
    (start, _) = blocks("Run")
    by_readme(machine, start.replace("journalctl -u syncd -f", ""))
    before = syncd["MainPID"]
    (upgrade,) = blocks("Upgrade")
    assert by_readme(machine, upgrade).startswith("syncd ")
    assert syncd["MainPID"] != before
    keep = "cp -a /opt/syncd /opt/kept; cp -a /etc/systemd/system /etc/kept"
    machine.do("sh", "-euc", keep)
    (uninstall,) = blocks("Uninstall")

    try:
        by_readme(machine, uninstall)
        left = [name for name in ("/opt/syncd", "/usr/local/bin/syncd") if machine.path(name).exists()]
        units = machine.run("systemctl", "list-unit-files", "--no-legend", "syncd*").stdout
        kept = ["/etc/syncd/syncd.yaml", "/etc/syncd/credentials/ldap-password", "/var/lib/private/syncd/syncd.db"]
        assert (left, units) == ([], "")
        assert [name for name in kept if not machine.path(name).exists()] == []
    finally:
        machine.do(
            "sh", "-euc", "mv /opt/kept /opt/syncd; cp -a /etc/kept/. /etc/systemd/system/; systemctl daemon-reload"
        )


# --- The machine itself ----------------------------------------------------------------------------------------------


def test_a_killed_test_leaves_nothing_behind(tmp_path: Path) -> None:
    """Whoever made a machine is killed: its processes, mounts and control groups go too."""
    need_systemd()
    program = (
        "import pathlib, sys, time\nfrom tests.fakes.systemd import Machine\n"
        "with Machine(pathlib.Path(sys.argv[1])) as machine:\n"
        "    print(machine.keeper, machine.pid, machine.group, flush=True)\n    time.sleep(600)\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "machine")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as test:
        assert test.stdout is not None
        keeper, inner, group = test.stdout.readline().split()
        assert Path(f"/proc/{inner}").exists()
        assert Path(group).exists()
        test.kill()

    give_up = time.monotonic() + 240
    while any(path.exists() for path in (Path(group), Path(f"/proc/{inner}"), Path(f"/proc/{keeper}"))):
        assert time.monotonic() < give_up
        time.sleep(0.05)  # noqa: TID251 - the keeper is another process, with a clock of its own
    assert str(tmp_path) not in Path("/proc/self/mountinfo").read_text(encoding="utf-8")
