"""Is a server asked in clear text? What `syncd doctor` says of the settings alone."""

from collections.abc import Iterator

from syncd.model.check import Check, warn
from syncd.sources.ldap.servers import parse_server
from syncd.sources.ldap.settings import LdapSettings


def judge(settings: LdapSettings) -> Iterator[Check]:
    """Yield a warning for each server that hears the password in clear text."""
    for text in settings.servers:
        server = parse_server(text)
        if server.scheme == "ldap" and not settings.is_secured(server) and not server.is_loopback:
            found = f"{text} is asked in clear text, password included (allow_plaintext)"
            yield warn("plaintext", found, "use ldaps://, or tls: {start_tls: true}")
