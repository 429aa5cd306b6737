"""Which command does the same search? For people who want to see for themselves.

Of secrets only the question is in it: `-W` asks for the password.
"""

import shlex
from collections.abc import Sequence

from syncd.model.names import Kind
from syncd.sources.ldap.queries import filter_for
from syncd.sources.ldap.servers import parse_server
from syncd.sources.ldap.settings import LdapSettings
from syncd.sources.ldap.settings_connection import ConnectionSettings


def lines_for(settings: LdapSettings, kind: Kind, attribute: str, identity: str) -> tuple[str, ...]:
    """Return the lines that show the entry of *kind* whose *attribute* is *identity*, one for each base."""
    wanted = filter_for(attribute, identity)
    queries = settings.users if kind is Kind.USER else settings.groups
    bases = dict.fromkeys(query.base for query in queries)
    return tuple(ldapsearch_line(settings, base, "sub", wanted, ("*", attribute)) for base in bases)


def ldapsearch_line(
    settings: ConnectionSettings,
    base: str,
    scope: str,
    filter: str,  # noqa: A002 - the word of LDAP
    attributes: Sequence[str] = (),
    *,
    server: str = "",
) -> str:
    """Return the line for a shell; *server* is the one in use, else the first of the settings."""
    address = parse_server(server or settings.servers[0])
    command = ["ldapsearch", "-LLL", "-o", "ldif-wrap=no", "-H", str(address)]
    if address.scheme == "srv":
        domain = ",".join(f"dc={label}" for label in address.host.strip(".").split("."))
        command[-1] = f"ldap:///{domain.replace('=', '%3D').replace(',', '%2C')}"
    if address.scheme == "ldap" and settings.tls.start_tls:
        command.append("-ZZ")
    command += _who(settings)
    command += ["-a", "never", "-b", base, "-s", scope]
    if settings.page_size and scope != "base":
        command += ["-E", f"pr={settings.page_size}/noprompt"]
    return " ".join([*_environment(settings), shlex.join([*command, filter, *attributes])])


def _who(settings: ConnectionSettings) -> list[str]:
    bind = settings.bind
    if bind.method == "anonymous":
        return ["-x"]
    if bind.method == "simple":
        return ["-x", "-D", bind.dn or "", "-W"]
    return ["-Y", bind.method.upper(), "-Q"]


def _environment(settings: ConnectionSettings) -> list[str]:
    files = {
        "LDAPTLS_CACERT": settings.tls.ca_file,
        "LDAPTLS_CERT": settings.tls.client_certificate,
        "LDAPTLS_KEY": settings.tls.client_key or settings.tls.client_certificate,
    }
    return [f"{name}={shlex.quote(str(path))}" for name, path in files.items() if path is not None]
