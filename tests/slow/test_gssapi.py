"""A bind by Kerberos: the ticket comes from the domain controller of Samba, the package from a folder of its own."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.fakes.debian import need, need_root, need_that
from tests.fakes.namespace import Namespace, is_listening, run

ROOT = Path(__file__).parents[2]
#: Compiled against the machine's libkrb5, so it is no part of the environment of the tests.
PLACE = ROOT / ".cache" / "gssapi"
PACKAGES = (
    *("samba", "samba-dsdb-modules", "samba-vfs-modules", "winbind", "samba-ad-provision"),
    *("python3-samba", "ldb-tools", "krb5-config", "krb5-user", "libkrb5-dev", "iproute2"),
)
#: gcc's own package only recommends the headers of C.
TOOLS = ("gcc", "libc6-dev", "python3-dev")
HOST, REALM = "dc1.lab.example.com", "LAB.EXAMPLE.COM"
PASSWORD = "Passw0rd-of-the-lab"
KRB5 = f"""[libdefaults]
default_realm = {REALM}
dns_lookup_kdc = false
dns_canonicalize_hostname = false
rdns = false
[realms]
{REALM} = {{
  kdc = 127.0.0.1:88
}}
[domain_realm]
.lab.example.com = {REALM}
"""
#: Reads the administrator's own entry, with no password at hand.
CLIENT = """
import sys
from syncd.sources.ldap.connection import open_session
from syncd.sources.ldap.settings_connection import ConnectionSettings
from tests.fakes.clock import FakeClock

said = {"servers": sys.argv[1], "bind": {"method": "gssapi"}, "allow_plaintext": True}
with open_session(ConnectionSettings.model_validate(said), clock=FakeClock()) as session:
    base = "CN=Users,DC=lab,DC=example,DC=com"
    wanted = {"scope": "one", "filter": "(sAMAccountName=Administrator)", "attributes": ["cn"]}
    print([entry.dn for entry in session.search(base, **wanted)])
"""


def _compiles() -> bool:
    headers = (Path("/usr/include/stdio.h"), Path(sysconfig.get_path("include"), "Python.h"))
    return shutil.which("gcc") is not None and all(header.exists() for header in headers)


def _install() -> None:
    if not (PLACE / "gssapi").is_dir():
        command = [sys.executable, "-m", "pip"]
        if subprocess.run([*command, "--version"], capture_output=True, check=False).returncode:
            command = ["pip"]
        command += ["install", "-q", "--target", str(PLACE), "gssapi", "cryptography"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except OSError as error:
            pytest.skip(f"gssapi can't be installed: {error}")
        if done.returncode:
            pytest.skip(f"gssapi can't be built: {done.stderr[-300:]}")


def test_a_kerberos_ticket_is_enough(tmp_path: Path) -> None:
    """With a ticket and no password the directory is read; without a ticket the bind is refused, in words."""
    need_root("a domain controller listens on fixed ports, so it needs a network namespace")
    for program in ("samba-tool", "samba", "kinit", "krb5-config"):
        need(program, PACKAGES)
    need_that(_compiles, "a C compiler with the headers of C and Python", TOOLS)
    _install()
    run(
        [
            *("samba-tool", "domain", "provision", "--server-role=dc", f"--realm={REALM}", "--domain=LAB"),
            *(f"--adminpass={PASSWORD}", "--dns-backend=SAMBA_INTERNAL", f"--targetdir={tmp_path}"),
            *("--host-name=dc1", "--host-ip=127.0.0.1"),
            *("--option=interfaces=lo", "--option=bind interfaces only=yes"),
        ]
    )
    file = tmp_path / "etc" / "smb.conf"
    more = "[global]\n\tserver services = ldap kdc\n\tldap server require strong auth = no\n"
    more += f"\tpid directory = {tmp_path}\n\tlog file = {tmp_path}/log.%m\n\tncalrpc dir = {tmp_path}/ncalrpc\n"
    text = "".join(line for line in file.read_text(encoding="utf-8").splitlines(True) if "dns forwarder" not in line)
    file.write_text(text.replace("[global]\n", more, 1), encoding="utf-8")
    run(["samba-tool", "spn", "add", f"ldap/{HOST}", "DC1$", "-s", str(file)])
    (tmp_path / "hosts").write_text(f"127.0.0.1 {HOST} dc1 localhost\n", encoding="ascii")
    (tmp_path / "krb5.conf").write_text(KRB5, encoding="ascii")
    script = f"mount --bind {tmp_path}/hosts /etc/hosts\nexec samba -s {file} -i -M single --debug-stdout"
    namespace = Namespace(script, log=tmp_path / "samba.log", mounts=True)
    try:
        namespace.wait_for(lambda: namespace.call(lambda: is_listening(389) and is_listening(88)))
        refused = _inside(namespace, tmp_path, CLIENT)
        ticket = f"printf '%s\\n' '{PASSWORD}' | kinit administrator@{REALM} >/dev/null"
        read = _inside(namespace, tmp_path, CLIENT, before=ticket)
    finally:
        namespace.close()

    assert read.stdout.strip() == "['CN=Administrator,CN=Users,DC=lab,DC=example,DC=com']", read.stderr
    assert refused.returncode
    assert "the bind failed" in refused.stderr


def _inside(namespace: Namespace, folder: Path, program: str, before: str = ":") -> subprocess.CompletedProcess[str]:
    """Run *program* beside the server, with its names and its tickets."""
    environment = {
        **os.environ,
        "KRB5_CONFIG": f"{folder}/krb5.conf",
        "KRB5CCNAME": f"FILE:{folder}/tickets",
        "PYTHONPATH": f"{ROOT}:{PLACE}",
    }
    command = f'{before}\nexec {sys.executable} -c "$0" ldap://{HOST}'
    enter = ["nsenter", "-t", str(namespace.inner), "-n", "-m", "bash", "-c", command, program]
    return subprocess.run(enter, env=environment, capture_output=True, text=True, check=False, timeout=60)
