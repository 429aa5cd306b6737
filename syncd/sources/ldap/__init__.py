"""Users and groups from an LDAP directory: OpenLDAP, Active Directory, 389 Directory Server.

From the wire upwards:

settings_connection.py  the settings: servers, TLS, bind, time limits, page size
servers.py              which servers, in which order; DNS SRV discovery
tls.py                  the TLS context, and what went wrong with TLS, in words
certificates.py         what a certificate says of itself
binding.py              who syncd is to the server; at most one refused bind a minute
decoder.py              bytes become entries: a flat loop, bounds-checked
framing.py              where one message ends and the next begins; size and time limits
exchange.py             one page of a search: question and answer
transport.py            the fence around ldap3: open, secure, bind
ranges.py               `member;range=0-1499` is read to its end
reader.py               one search, to its last page, or an error
failures.py             result codes and what to do about each
connection.py           open_session(): the first server that works; try_each(): all; Session: search and lookup
ldapsearch.py           the same search as a command line

and what becomes of it:

settings.py             the settings: the connection, searches, canaries
names.py                distinguished names, in one form for comparing
filters.py              search filters: read, written, built from values
values.py               bytes become canonical text
flavors.py              what is usual on OpenLDAP, Active Directory, 389
queries.py              what is asked: searches and attributes
entries.py              an entry of the server becomes an entry of the model
disabled.py             which accounts are disabled
members.py              who belongs to which group
reading.py              users, then groups, over one session
absences.py             what became of somebody who is not there
source.py               LdapSource: the snapshot, or an error
reachability.py         what `syncd doctor` says of each server
examination.py          what `syncd doctor` says of the directory
plaintext.py            what it says of the settings alone
suggestion.py           what `syncd init` writes for it
row.py                  its row in the registry of sources

Nothing is exported here: the settings must be readable without ldap3.
"""
