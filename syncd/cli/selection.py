"""What most commands begin with: the configuration, the chosen organizations, the store; and cycles over them."""

import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from syncd.collector import uncollected
from syncd.errors import SyncdError, UsageError, worst_exit_code

if TYPE_CHECKING:
    from syncd.cli.figures import RunMetrics
    from syncd.model.names import Key
    from syncd.model.plan import Plan
    from syncd.model.report import Report
    from syncd.notices.sending import Notices
    from syncd.parts import Options
    from syncd.ports import Observer
    from syncd.settings import Loaded, OrganizationSettings
    from syncd.store.store import Store

#: As shells end what Ctrl-C ended.
INTERRUPTED = 130
#: How long a command that is done waits for its notices to be sent.
_NOTICES_WITHIN_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The configuration, and those of its organizations that a command is about."""

    loaded: "Loaded"
    organizations: "tuple[OrganizationSettings, ...]"

    @property
    def several(self) -> bool:
        return len(self.organizations) > 1


def begin(config: Path | None, names: Sequence[str] | None = None, *, templates: bool = True) -> Selection:
    """Read the configuration and choose the organizations called *names*; all without.

    A command that runs no cycle needs no *templates*: those of the mappings are not looked into.

    Raises:
        ConfigurationError: it can't be used.
        UsageError: it has no organization of that name.
    """
    with uncollected():
        from syncd.settings import find_file, load
        from syncd.settings.complaints import nearest

        loaded = load(find_file(config), templates=templates)
    known = {organization.name: organization for organization in loaded.settings.organizations}
    for name in names or ():
        if name not in known:
            message = f"{loaded.path} has no organization called {name!r}"
            raise UsageError(message, hint=nearest(name, list(known)))
    chosen = [known[name] for name in dict.fromkeys(names)] if names else list(known.values())
    return Selection(loaded=loaded, organizations=tuple(chosen))


@contextmanager
def open_store(selection: Selection, *, must_exist: bool = False) -> "Iterator[Store]":
    """Open the store of the configuration for the time of a command."""
    with ExitStack() as stack:
        with uncollected():
            from syncd import wiring

            store = stack.enter_context(wiring.open_store(selection.loaded, must_exist=must_exist))
        yield store


def run_cycles(
    selection: Selection, options: "Options", show: "Callable[[Report], None]", *, metrics_file: Path | None = None
) -> int:
    """Run one cycle of each organization, one after the other; return the exit code that stands for all.

    An organization that fails is told on stderr, and the next one is tried all the same. *metrics_file* gets the
    metrics of it all, also when it ends with an error.

    Raises:
        UsageError: the metrics file can't be written; nothing was done.
    """
    if metrics_file is None:
        return _run_cycles(selection, options, show, None)
    from syncd.cli.figures import RunMetrics

    figures = RunMetrics(selection.loaded, tuple(each.name for each in selection.organizations), metrics_file)
    try:
        code = _run_cycles(selection, options, show, figures)
    finally:
        figures.write()
    return worst_exit_code([each for each in (code, figures.code) if each])


def _run_cycles(
    selection: Selection, options: "Options", show: "Callable[[Report], None]", figures: "RunMetrics | None"
) -> int:
    with uncollected():
        from syncd import wiring
        from syncd.cycle import run_cycle
        from syncd.daemon.signals import stopping_on_signals

    stop = threading.Event()
    codes = []
    with ExitStack() as stack:
        stack.enter_context(stopping_on_signals(stop, told=_tell_stop, abandon=abandon))
        store = stack.enter_context(open_store(selection))
        notices = stack.enter_context(_notices(selection, store)) if _are_told(selection, options) else None
        if figures is not None:
            figures.opened(store, {each.name: each.workmail.organization_id for each in selection.organizations})
        for organization in selection.organizations:
            if stop.is_set():
                break
            try:
                with _observed(selection, organization.name, options.command, figures) as observer:
                    told = observer if options.dry_run else _told(selection, organization, observer, notices)
                    with uncollected():
                        parts = wiring.build(selection.loaded, organization, store=store, observer=told, stop=stop)
                    report = run_cycle(parts, options)
            except SyncdError as error:
                if stop.is_set():
                    typer.echo(f"syncd: {organization.name}: stopped before there was a plan", err=True)
                    return INTERRUPTED
                if not selection.several:
                    raise
                typer.echo(f"syncd: {organization.name}: {error}", err=True)
                codes.append(error.exit_code)
            else:
                show(report)
                codes.append(report.exit_code)
    return worst_exit_code([code for code in codes if code])


@contextmanager
def _observed(
    selection: Selection, organization: str, command: str, figures: "RunMetrics | None"
) -> "Iterator[Observer]":
    """What people see, and the metrics if they go to a file."""
    with ExitStack() as stack:
        shown = stack.enter_context(_shown(selection, organization, command))
        if figures is None:
            yield shown
            return
        from syncd.daemon.observers import Several

        yield Several(shown, stack.enter_context(figures.cycle(organization)))


@contextmanager
def _shown(selection: Selection, organization: str, command: str) -> "Iterator[Observer]":
    """A bar for whoever watches; else log lines, but for `plan`, whose result is its output."""
    from syncd.cli.progress import ProgressBar, Silent, is_watched

    if is_watched():
        with ProgressBar(organization) as bar:
            yield bar
    elif command == "plan":
        yield Silent()
    else:
        from syncd.telemetry.observer import TelemetryObserver

        log_to_stderr(selection.loaded)
        yield TelemetryObserver(organization)


def _are_told(selection: Selection, options: "Options") -> bool:
    """Return whether there is anybody to tell of the cycles: what sends is loaded for them alone."""
    settings = selection.loaded.settings
    is_pinged = any(each.heartbeat is not None for each in settings.organizations)
    return not options.dry_run and (bool(settings.notices) or is_pinged)


@contextmanager
def _notices(selection: Selection, store: "Store") -> "Iterator[Notices]":
    """Tell people of the cycles as the daemon does; what was told before is known from the history."""
    from syncd import wiring
    from syncd.wiring import past

    def told(name: str, **fields: object) -> None:
        typer.echo(f"syncd: {name.replace('_', ' ')}: {fields.get('notice')}: {fields.get('reason', '')}", err=True)

    notices = wiring.notices(selection.loaded, on_outcome=lambda _name, _outcome: None, event=told)
    for each in selection.organizations:
        past.seed(notices, each.name, store.organization(each.workmail.organization_id))
    notices.start()
    yield notices
    notices.stop(_NOTICES_WITHIN_S)


def _told(
    selection: Selection, organization: "OrganizationSettings", observer: "Observer", notices: "Notices | None"
) -> "Observer":
    """Let notices and report files be made beside what *observer* does."""
    from syncd import wiring
    from syncd.daemon.observers import Several

    def lost(_organization: str, error: OSError) -> None:
        folder = selection.loaded.settings.reports.folder
        typer.echo(f"syncd: {organization.name}: no report was written to {folder}: {error.strerror}", err=True)

    name, mode = organization.name, organization.mode.value
    files = wiring.report_files(selection.loaded, on_failure=lost, event=observer.event)
    told = [] if notices is None else [notices.observer(name, mode)]
    reports = [] if files is None else [files.observer(name, mode)]
    return Several(observer, *told, *reports)


def _tell_stop(_signal: str) -> None:
    typer.echo("Stopping after the calls in flight; once more to end at once.", err=True)


def log_to_stderr(loaded: "Loaded") -> Callable[[str], str]:
    """Begin logging as configured, with every secret that we know hidden; return what hides them in other texts."""
    from syncd.telemetry.logs import configure_logs, log_thread_crash
    from syncd.telemetry.redaction import SecretFilter

    secrets = SecretFilter([*loaded.secrets, *aws_secrets()])
    configure_logs(loaded.settings.log, sys.stderr, secrets=secrets)
    threading.excepthook = log_thread_crash
    return secrets.clean


def aws_secrets() -> Iterator[str]:
    """Yield the secrets that boto3 takes from the environment."""
    for name in ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        if os.environ.get(name):
            yield os.environ[name]


def abandon() -> None:
    """End at once: asked twice. The journal knows what was under way."""
    os._exit(INTERRUPTED)


def keys_of(*texts: str) -> "tuple[Key, ...]":
    """Return the keys that people mean: `user:4711` is one, `4711` may be a person or a group."""
    from syncd.model.names import STATED, Key

    kinds = [kind.value for kind in STATED]
    return tuple(
        Key(key)
        for text in texts
        for key in ([text] if text.partition(":")[0] in kinds else [f"{kind}:{text}" for kind in kinds])
    )


def find_plan(selection: Selection, store: "Store", prefix: str) -> "tuple[OrganizationSettings, Plan]":
    """Return the stored plan whose digest starts with *prefix*, and its organization.

    Raises:
        UsageError: none or several of the chosen organizations have one.
    """
    found: list[tuple[OrganizationSettings, Plan]] = []
    problems: list[UsageError] = []
    for organization in selection.organizations:
        try:
            plan = store.organization(organization.workmail.organization_id).history.find_plan(prefix)
        except UsageError as error:
            problems.append(error)
        else:
            found.append((organization, plan))
    if not found:
        raise problems[0]
    if len(found) > 1:
        names = ", ".join(organization.name for organization, _ in found)
        raise UsageError(f"plans of {names} start with {prefix}", hint="choose one with --organization NAME")
    return found[0]
