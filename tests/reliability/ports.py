"""The ports of a cycle as the simulator stands behind them: the way to the service, the store, the export, the ear."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Event
from typing import Any

from syncd.emulator import Emulator, ServiceFault
from syncd.mapping.rules import Rules
from syncd.model.entry import Snapshot
from syncd.model.names import Key
from syncd.model.operation import Operation
from syncd.model.report import Outcome, Report
from syncd.ports import Observer
from syncd.settings.root import Mapped
from syncd.sources.csv.settings import CsvSettings
from syncd.sources.csv.source import CsvSource
from tests.reliability.directory import Files
from tests.reliability.strikes import CALLS, LISTS, Answer, Params, Script

_READS = ("Describe", "List", "Get")


@dataclass(frozen=True, slots=True)
class Sent:
    """A call on its way to the service, at a monotonic time."""

    operation: str
    parameters: Params
    at: float

    @property
    def mutates(self) -> bool:
        return not self.operation.startswith(_READS)


Log = list["Sent | Operation"]


class Line:
    """The way to the service: notes every call, and lets what strikes it happen."""

    def __init__(self, emulator: Emulator, script: Script, log: Log, tell: Callable[[str], None]) -> None:
        self._emulator = emulator
        self._script = script
        self._log = log
        self._tell = tell
        self._past: dict[tuple[str, str], Answer] = {}
        self.stopped = Event()
        self.monotonic: Callable[[], float] = lambda: 0.0

    def call(self, operation: str, params: Params) -> Answer:
        self._log.append(Sent(operation, dict(params), self.monotonic()))
        kind = self._script.kind_for(operation)
        try:
            answer = self._answer(kind, operation, params)
        except ServiceFault as fault:
            self._note(operation, params, kind, fault.code)
            raise
        except BaseException as error:
            self._note(operation, params, kind, type(error).__name__)
            raise
        self._note(operation, params, kind, "")
        return answer

    def _answer(self, kind: str, operation: str, params: Params) -> Answer:
        if not kind:
            return self.through(operation, params)
        strike = CALLS.get(kind) or LISTS[kind]
        return strike(self, operation, params)

    def through(self, operation: str, params: Params) -> Answer:
        answer = self._emulator.call(operation, params)
        if operation.startswith("List"):
            self._past.setdefault((operation, _named(params)), answer)
        return answer

    def stale(self, operation: str, params: Params) -> Answer:
        """Answer a list as it was when the process last forgot, if it was asked for since."""
        return self._past.get((operation, _named(params))) or self.through(operation, params)

    def forget(self) -> None:
        """From now on, stale answers are from now."""
        self._past.clear()

    def stop(self) -> None:
        self.stopped.set()

    def _note(self, operation: str, params: Params, kind: str, end: str) -> None:
        if kind or not operation.startswith(_READS):
            shown = " ".join(f"{k}={v}" for k, v in sorted(params.items()) if k not in ("OrganizationId", "Password"))
            self._tell(f"    {operation} {shown}{f' -> {end}' if end else ''}{f' [{kind}]' if kind else ''}")


def _named(params: Params) -> str:
    return " ".join(f"{name}={value}" for name, value in sorted(params.items()))


class Mortal:
    """Whatever port of the store: each entry can be struck, and what begins is noted in *log*."""

    def __init__(self, port: object, name: str, script: Script, log: Log) -> None:
        self._port = port
        self._name = name
        self._script = script
        self._log = log

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the port has
        found = getattr(self._port, name)
        if not callable(found):
            return found
        entry = f"{self._name}.{name}"

        def enter(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - as they come
            def write() -> object:
                result = found(*arguments, **named)
                if entry == "journal.intend" and result is None:
                    self._log.append(arguments[0])
                return result

            return self._script.around_entry(entry, write)

        return enter


class Export:
    """The two CSV files, and the source that reads them."""

    def __init__(self, folder: Path, files: Callable[[], Files]) -> None:
        self._folder = folder
        self._files = files
        self._on_disk: dict[str, str | None] = {}
        self.rules: Rules | None = None

    def write(self) -> None:
        """Bring the files to the disk, as the directory has them now."""
        for name, text in zip(("people.csv", "groups.csv"), self._files(), strict=True):
            if self._on_disk.get(name) == text and text is not None:
                continue
            self._on_disk[name] = text
            path = self._folder / name
            if text is None:
                path.unlink(missing_ok=True)
            else:
                path.write_bytes(text.encode())

    def read(self, known: Collection[Key]) -> Snapshot:
        assert self.rules is not None
        settings = CsvSettings(type="csv", users="people.csv", groups="groups.csv")
        return CsvSource(settings, folder=self._folder, needs=self.rules.needs).read(known)


@lru_cache(maxsize=64)
def rules(key: str, display_name: str, primary: str) -> Rules:
    """Return the rules of the mapping that has these three; compiled once."""
    settings: Mapping[str, Any] = {
        "key": key,
        "users": {
            "name": "login",
            "display_name": display_name,
            "primary_email": primary,
            "aliases": "other_mail",
            "enabled": "{{ status == 'active' }}",
            "quota": "quota",
            "profile": {"first_name": "given", "last_name": "family", "department": "team", "telephone": "phone"},
        },
        "groups": {
            "key": "group_id",
            "name": "group",
            "primary_email": "mail",
            "hidden": "unlisted",
            "members": {"from": "members", "by": "employee_id", "groups_by": "group_id"},
        },
    }
    return Rules(Mapped.model_validate(settings))


class Ear(Observer):
    """Hears what a cycle tells, to look for secrets in it."""

    def __init__(self) -> None:
        self.heard: list[object] = []

    def event(self, name: str, **fields: object) -> None:
        self.heard.append((name, fields))

    def settled(self, outcome: Outcome) -> None:
        self.heard.append((outcome.code, outcome.message, outcome.advice))

    def finished(self, report: Report) -> None:
        self.heard.append(report.error)
