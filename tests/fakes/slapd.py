"""A real OpenLDAP server of one's own: an ordinary process on loopback, gone with the test.

Debian's package slapd is needed; `skip_without_slapd` says so where it is missing.
"""

import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import pytest

from tests.fakes.authority import Identity

SLAPD = shutil.which("slapd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
SCHEMAS = ("core", "cosine", "nis", "inetorgperson", "msuser")
SUFFIX = "dc=corp,dc=example"
ROOT_PASSWORD = "rosebud-of-the-root"
READER_PASSWORD = "sesame-of-the-reader"
_START_TRIES = 5
REFERRAL = 10

skip_without_slapd = pytest.mark.skipif(
    SLAPD is None, reason="needs slapd and ldap-utils: sudo apt-get install slapd ldap-utils"
)


@dataclass(kw_only=True)
class Slapd:
    """What is configured; `with` starts and stops it.

    *overlays* of: memberof, refint, syncprov, ppolicy, retcode. *limits* are lines of slapd.conf for the database, such
    as `sizelimit size.soft=500 …`; *access* replaces the access rules. The reader is no rootdn: rules and limits hold
    for it. *identity* switches LDAPS and StartTLS on.
    """

    folder: Path
    suffix: str = SUFFIX
    overlays: Sequence[str] = ()
    limits: Sequence[str] = ("sizelimit size.soft=500 size.hard=500 size.pr=1000 size.prtotal=unlimited",)
    access: Sequence[str] = ("access to attrs=userPassword by anonymous auth", "access to * by users read by * auth")
    settings: Sequence[str] = ()
    identity: Identity | None = None
    ca_file: Path | None = None
    schemas: Sequence[str] = SCHEMAS
    port: int = 0
    tls_port: int = 0
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def root(self) -> str:
        return f"cn=root,{self.suffix}"

    @property
    def reader(self) -> str:
        return f"cn=reader,{self.suffix}"

    @property
    def url(self) -> str:
        return f"ldap://127.0.0.1:{self.port}"

    @property
    def tls_url(self) -> str:
        return f"ldaps://127.0.0.1:{self.tls_port}"

    @property
    def socket_url(self) -> str:
        return f"ldapi://{quote(str(self._socket), safe='')}"

    @property
    def _socket(self) -> Path:
        return self.folder / "ldapi"

    def load(self, ldif: str, *, add_base: bool = True) -> Self:
        """Load *ldif* before the start, with slapadd: 20,000 entries a second. The base and the reader come first."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "data").mkdir(exist_ok=True)
        self._configure()
        text = (self._base() if add_base else "") + ldif
        command = [_slapadd(), "-q", "-f", str(self._file)]
        done = subprocess.run(command, input=text.encode(), capture_output=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr.decode(errors="replace"))
        return self

    def __enter__(self) -> Self:
        if not (self.folder / "data").exists():
            self.load("")
        for _ in range(_START_TRIES):
            self.port, self.tls_port = self.port or free_port(), self.tls_port or free_port()
            if self._start():
                return self
            # Somebody else took the port meanwhile.
            self.port = self.tls_port = 0
        message = f"slapd does not start: {(self.folder / 'log').read_text(errors='replace')[-2000:]}"
        raise RuntimeError(message)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End the process, if need be by force."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def restart(self, **changes: object) -> None:
        """Stop, change fields, start again on the same ports with the same data."""
        self.stop()
        for name, value in changes.items():
            setattr(self, name, value)
        self._configure()
        if not self._start():
            raise RuntimeError((self.folder / "log").read_text(errors="replace")[-2000:])

    def modify(self, ldif: str) -> None:
        """Change the running server as its root: `changetype: modify` and so on."""
        command = ["ldapmodify", "-x", "-H", self.url, "-D", self.root, "-w", ROOT_PASSWORD]
        subprocess.run(command, input=ldif.encode(), capture_output=True, check=True)

    def _start(self) -> bool:
        urls = f"{self.url} {self.socket_url}" + (f" {self.tls_url}" if self.identity else "")
        command = [str(SLAPD), "-d", "0", "-f", str(self._file), "-h", urls]
        killer = shutil.which("setpriv")
        if killer:
            # It must not outlive a test run that is killed.
            command = [killer, "--pdeathsig", "KILL", "--", *command]
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        while self._process.poll() is None:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                    return self._process.poll() is None
            except OSError:
                threading.Event().wait(0.005)
        self._process = None
        return False

    @property
    def _file(self) -> Path:
        return self.folder / "slapd.conf"

    def _configure(self) -> None:
        modules = ["back_mdb", *(name for name in self.overlays)]
        lines = [f"include /etc/ldap/schema/{name}.schema" for name in self.schemas]
        lines += [f"pidfile {self.folder}/pid", "modulepath /usr/lib/ldap", *(f"moduleload {name}" for name in modules)]
        lines += ['authz-regexp "gidNumber=.*\\+uidNumber=.*,cn=peercred,cn=external,cn=auth" ' + f'"{self.reader}"']
        if self.identity:
            lines += [
                f"TLSCertificateFile {self.identity.certificate}",
                f"TLSCertificateKeyFile {self.identity.key}",
            ]
        if self.ca_file:
            lines += [f"TLSCACertificateFile {self.ca_file}", "TLSVerifyClient try"]
            lines += [f'authz-regexp "cn=client" "{self.reader}"']
        lines += ["database mdb", f'suffix "{self.suffix}"', f'rootdn "{self.root}"', f"rootpw {ROOT_PASSWORD}"]
        lines += [f"directory {self.folder}/data", "maxsize 1073741824", "dbnosync"]
        lines += ["index objectClass,uid,entryUUID,member,mail eq"]
        lines += [*self.limits, *self.access]
        for name in self.overlays:
            lines += [f"overlay {name}", *_OVERLAYS.get(name, ())]
        self._file.write_text("\n".join([*lines, *self.settings, ""]), encoding="utf-8")

    def _base(self) -> str:
        value = self.suffix.partition(",")[0].partition("=")[2]
        return (
            f"dn: {self.suffix}\nobjectClass: dcObject\nobjectClass: organization\ndc: {value}\no: {value}\n\n"
            f"dn: {self.reader}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: reader\n"
            f"userPassword: {READER_PASSWORD}\n\n"
        )


_OVERLAYS = {
    "memberof": ("memberof-refint TRUE",),
    "refint": ("refint_attributes member uniqueMember memberOf",),
    "syncprov": ("syncprov-checkpoint 100 10",),
    "ppolicy": (),
    # A search for cn=CODE,ou=RetCodes,SUFFIX answers with that code.
    "retcode": (
        f"retcode-parent ou=RetCodes,{SUFFIX}",
        *(f'retcode-item "cn={code}" {code} op=search text="as asked"' for code in range(1, 90) if code != REFERRAL),
        f'retcode-item "cn={REFERRAL}" {REFERRAL} op=search ref="ldap://elsewhere.example/{SUFFIX}"',
    ),
}


def _slapadd() -> str:
    return str(Path(str(SLAPD)).with_name("slapadd"))


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
