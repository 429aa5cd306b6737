"""The directory as an LDAP server has it: a complete read, or an error that says what is missing.

Complete means: every search ended with success, every base and every canary was visible before and after (`pitfalls.md`
A3: an account that lost its rights is told "success", and shown nothing).
"""

from collections.abc import Callable, Collection, Mapping
from functools import partial

from syncd.collector import uncollected
from syncd.errors import ConfigurationError, Problem, SourceIncomplete
from syncd.model.entry import Absence, Snapshot
from syncd.model.names import Key, Kind
from syncd.model.needs import Needs
from syncd.ports import Clock
from syncd.sources.ldap.absences import Absences, is_visible
from syncd.sources.ldap.connection import Session, open_session
from syncd.sources.ldap.entries import VIRTUAL
from syncd.sources.ldap.flavors import FLAVORS, choose
from syncd.sources.ldap.queries import Queries, make_queries
from syncd.sources.ldap.reading import Reading
from syncd.sources.ldap.settings import LdapSettings


class LdapSource:
    """Implements `ports.Source`. Entries of a kind of which the mapping *needs* nothing aren't read.

    *connect* returns a session with a server.

    Raises:
        ConfigurationError: the key is none.
    """

    def __init__(
        self,
        settings: LdapSettings,
        *,
        needs: Mapping[Kind, Needs],
        clock: Clock,
        connect: Callable[[], Session] | None = None,
    ) -> None:
        for each in needs.values():
            if each.key in VIRTUAL:
                problem = Problem(
                    where="mapping.key",
                    reason=f"{each.key} is no attribute of the directory, or changes when an entry is moved",
                    remedy=f"use {', '.join(f'{flavor.key} ({flavor.title})' for flavor in FLAVORS.values())}",
                )
                raise ConfigurationError("the mapping doesn't fit an LDAP source", [problem])
        self._settings = settings
        self._needs = {kind: needs[kind] for kind, queries in settings.queries.items() if queries and kind in needs}
        self._clock = clock
        self.connect = connect or partial(open_session, settings, clock=clock)

    def queries(self, session: Session) -> Queries:
        """Return what is asked of the server of *session*.

        Raises:
            SourceIncomplete: its flavor is to be recognized, and can't.
        """
        flavor = choose(self._settings.flavor, session.root_dse, server=session.server)
        return make_queries(self._settings, flavor, self._needs)

    def read(self, known: Collection[Key]) -> Snapshot:
        """Return all entries, members resolved; of *known* keys that are absent, what became of them.

        Raises:
            SourceIncomplete: something is missing or not visible; what, and what to do.
            SourceUnreachable: no server could be used, or the connection broke.
        """
        with uncollected(), self.connect() as session:
            queries = self.queries(session)
            check_visible(session, queries, self._settings.canaries)
            reading = Reading(session=session, queries=queries, needs=self._needs, now=self._clock.now())
            reading.read_entries()
            check_visible(session, queries, self._settings.canaries)
            absences = Absences(reading).look_up(known)
            reading.finish()
            return _snapshot(reading, absences)


def _snapshot(reading: Reading, absences: Mapping[Key, Absence]) -> Snapshot:
    return Snapshot(
        entries={kind: tuple(found.entries.values()) for kind, found in reading.found.items()},
        read=frozenset(reading.found),
        rejections=tuple(rejection for found in reading.found.values() for rejection in found.rejections),
        absences=absences,
    )


def check_visible(session: Session, queries: Queries, canaries: Collection[str]) -> None:
    """See that every base and every canary can be read.

    Raises:
        SourceIncomplete: naming those that can't.
    """
    bases = dict.fromkeys(search.base for search in queries.searches)
    problems = [
        Problem(
            where=f"the base {base}",
            reason="it is not there, or not visible to syncd's account",
            remedy="check it, and what the account may read",
        )
        for base in bases
        if not is_visible(session, base)
    ]
    problems += [
        Problem(
            where=f"the canary {canary}",
            reason="it is not there, or not visible to syncd's account, so others may be missing too",
            remedy="check what the account may read; if the entry is gone for good, name another",
        )
        for canary in canaries
        if not is_visible(session, canary)
    ]
    if problems:
        raise SourceIncomplete(f"{session.server} does not show everything: nothing was changed", problems)
