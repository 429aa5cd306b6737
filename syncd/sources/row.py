"""What is said of each type of source, in one row of the registry."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from syncd.model.check import Check
from syncd.model.names import Kind
from syncd.model.needs import Needs
from syncd.model.policy import Section
from syncd.ports import Clock, Source

S = TypeVar("S", bound=Section)


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """What a source is made with besides its settings.

    Paths are relative to *folder*. *needs* has a row for each kind that the mapping maps. *event* is told what is worth
    a log line. *settings_now* reads the settings again: a password may have been changed since.
    """

    folder: Path
    needs: Mapping[Kind, Needs]
    clock: Clock
    event: Callable[..., None] | None
    settings_now: Callable[[], Section]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRow(Generic[S]):
    """A type of source. *name* is the `type` that the configuration says, *settings* its section.

    *build* and *examine* (for `syncd doctor`) may load what is heavy; nothing else may, and nobody is asked before a
    source is read. *judge* says what is unsafe in the settings. *files* are those whose change begins a cycle.
    *look_up* gives commands that show the entry of a kind whose attribute has a value. *user_defaults* is what the
    mapping of users says where the configuration leaves it out.
    """

    name: str
    settings: type[S]
    build: Callable[[S, Making], Source]
    examine: Callable[[S, Making], Iterator[Check]]
    judge: Callable[[S], Iterator[Check]] = lambda _: iter(())
    files: Callable[[S, Path], tuple[Path, ...]] = lambda _settings, _folder: ()
    look_up: Callable[[S, Kind, str, str], tuple[str, ...]] = lambda _settings, _kind, _attribute, _value: ()
    user_defaults: Mapping[str, str] = field(default_factory=dict)
