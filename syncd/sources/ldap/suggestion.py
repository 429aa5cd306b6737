"""A configuration to begin with, for the server that was asked what it is: `syncd init --source ldap`."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from pydantic import ValidationError

from syncd.errors import SourceIncomplete, UsageError
from syncd.model.names import Kind
from syncd.ports import Clock
from syncd.sources.ldap import flavors
from syncd.sources.ldap.connection import Session, open_session
from syncd.sources.ldap.flavors import Flavor
from syncd.sources.ldap.settings_connection import ConnectionSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """What is written: *text* is a configuration, *flavor* the server's kind for people."""

    text: str
    flavor: str
    base: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Which server is asked, and how; *bind_dn* "" asks without an account."""

    server: str
    ca_file: Path | None = None
    start_tls: bool = False
    bind_dn: str = ""
    password: str = field(default="", repr=False)


def suggest_for(address: Address, *, base: str, clock: Clock) -> Suggestion:
    """Return a configuration for the server at *address*, which is asked what it is.

    Raises:
        UsageError: this is no way to reach a server.
        SourceError: it doesn't answer, or not what is needed.
    """
    bind = {"dn": address.bind_dn, "password": address.password} if address.bind_dn else {"method": "anonymous"}
    tls = {
        "ca_file": None if address.ca_file is None else address.ca_file.absolute(),
        "start_tls": address.start_tls,
    }
    try:
        settings = ConnectionSettings.model_validate({"servers": [address.server], "tls": tls, "bind": bind})
    except ValidationError as error:
        reasons = [str(finding["msg"]).removeprefix("Value error, ") for finding in error.errors(include_input=False)]
        raise UsageError(f"{address.server} can't be asked: {'; '.join(reasons)}") from error
    return suggest(settings, partial(open_session, settings, clock=clock), base=base)


def suggest(settings: ConnectionSettings, connect: Callable[[], Session], *, base: str = "") -> Suggestion:
    """Return a configuration for the server that *connect* reaches, below *base* or the server's own top.

    Raises:
        SourceUnreachable: no server could be used.
        SourceIncomplete: it doesn't say what it is, or what it holds.
    """
    with connect() as session:
        flavor = flavors.choose("auto", session.root_dse, server=session.server)
        tops = flavors.naming_contexts(session.root_dse)
    top = base or next(iter(tops), "")
    if not top:
        message = f"{settings.servers[0]} doesn't say which entries it holds (namingContexts)"
        raise SourceIncomplete(message, hint="name the top of the tree with --base, or an account with --bind-dn")
    text = "\n".join([*_head(flavor), *_source(settings, flavor, top), *_mapping(flavor), *_tail()])
    return Suggestion(text=text, flavor=flavor.title, base=top)


def _head(flavor: Flavor) -> Iterator[str]:
    yield f"# syncd and {flavor.title}. All keys of an LDAP source: config/examples/ldap.example.yaml"
    yield "#"
    yield "#   syncd check    is the file right? (asks nobody)"
    yield "#   syncd doctor   can the directory be read? (connection, TLS, rights, what is found)"
    yield "#   syncd plan     what would happen? (changes nothing)"
    yield ""
    yield "store: sqlite:///syncd.db # beside this file; back it up: syncd store backup FILE"
    yield ""
    yield "organizations:"
    yield "  - name: corp"
    yield "    mode: observe # then create (adds only), upsert (adds and changes), full (removes too)"
    yield ""


def _source(settings: ConnectionSettings, flavor: Flavor, top: str) -> Iterator[str]:
    yield "    source:"
    yield "      type: ldap"
    yield f"      servers: [{', '.join(map(_quoted, settings.servers))}] # tried in this order; srv://DOMAIN asks DNS"
    tls = [f"ca_file: {_quoted(str(settings.tls.ca_file))}"] if settings.tls.ca_file else []
    tls += ["start_tls: true"] if settings.tls.start_tls else []
    if tls:
        yield f"      tls: {{{', '.join(tls)}}}"
    else:
        yield "      # tls: {ca_file: corp-ca.pem} # without it, whom this machine trusts"
    yield "      bind:"
    yield f"        dn: {_quoted(settings.bind.dn or f'cn=syncd,{top}')} # may read all below, and change nothing"
    yield "        password: {file: ldap_password} # a file beside this one; or {env: NAME}, {credential: NAME}"
    yield f"      flavor: {flavor.name}"
    yield "      users:"
    yield f"        - base: {_quoted(top)} # better: the folder of those who shall have a mailbox"
    yield f"          filter: {_quoted(flavor.filters[Kind.USER])}"
    yield "      groups:"
    yield f"        - base: {_quoted(top)}"
    yield f"          filter: {_quoted(flavor.filters[Kind.GROUP])}"
    yield f"          members: [{', '.join(flavor.members)}]"
    yield f"      disabled: [{', '.join(flavor.disabled)}] # what tells that an account is disabled"
    yield "      # Entries that must be visible. When one is not, the directory was not read completely."
    yield f"      canaries: [{_quoted(top)}]"
    yield ""


def _mapping(flavor: Flavor) -> Iterator[str]:
    yield "    # A bare word is an attribute; with braces it is a template."
    yield "    mapping:"
    yield f"      key: {flavor.key} # never changes, wherever an entry is moved"
    yield "      users:"
    for name, expression in flavor.mapping.items():
        yield f"        {name}: {_quoted(expression) if '{' in expression else expression}"
    yield "        profile:"
    for name, attribute in flavor.profile.items():
        yield f"          {name}: {attribute}"
    yield "      groups:"
    yield f"        key: {flavor.key}"
    yield f"        name: {flavor.group_name}"
    yield "        primary_email: mail # a group without one is not mapped; its members flow into its parents"
    yield "        members: {from: members, by: dn} # by all ways above"
    yield "        nested: keep # keep | flatten | direct"
    yield ""


def _tail() -> Iterator[str]:
    yield "    workmail:"
    yield "      organization_id: m-0123456789abcdef0123456789abcdef # yours"
    yield "      region: eu-west-1"
    yield ""


def _quoted(text: str) -> str:
    """Return *text* as YAML reads it in any place: JSON's strings are YAML's."""
    return json.dumps(text, ensure_ascii=False)
