"""What every source must do: one suite, which each implementation of `ports.Source` passes.

An implementation's test class says how a directory of its kind is made from plain rows:

    class TestCsvSource(SourceContract):
        def make_source(self, people, groups): ...

A row is a mapping of attribute names to a value or several; `id` is the key of people and of groups, `member` holds
the ids of a group's members.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import pytest

from syncd.errors import SourceUnreachable
from syncd.model.entry import Absence, Entry
from syncd.model.names import Kind, group_key, user_key
from syncd.ports import Source

Row = Mapping[str, str | tuple[str, ...]]

ADA: Row = {"id": "1", "login": "ada", "mail": "ada@corp.example", "other": ("al@corp.example", "a.l@corp.example")}
BOB: Row = {"id": "2", "login": "bob", "mail": "bob@corp.example"}
CREW: Row = {"id": "g1", "login": "crew", "mail": "crew@corp.example", "member": ("1", "2")}


class SourceContract(ABC):
    """The facts that hold for every source."""

    @abstractmethod
    def make_source(self, people: Sequence[Row], groups: Sequence[Row] | None) -> Source:
        """Return a source over a directory that holds exactly these; *groups* None is one without groups."""

    @abstractmethod
    def make_unreachable(self) -> Source:
        """Return a source whose directory can't be read at all."""

    def test_every_record_is_an_entry(self) -> None:
        """What stands in the directory comes out, each record under its key, kind and place."""
        snapshot = self.make_source([ADA, BOB], [CREW]).read(())

        assert [entry.identity for entry in snapshot.of(Kind.USER)] == ["1", "2"]
        assert [entry.identity for entry in snapshot.of(Kind.GROUP)] == ["g1"]
        assert {entry.kind for entry in snapshot.of(Kind.USER)} == {Kind.USER}
        assert {entry.kind for entry in snapshot.of(Kind.GROUP)} == {Kind.GROUP}
        assert snapshot.rejections == ()
        assert len({entry.origin for entry in (*snapshot.of(Kind.USER), *snapshot.of(Kind.GROUP))}) == 3

    def test_values_are_what_the_directory_says(self) -> None:
        """Each attribute has all its values, as text."""
        (ada,) = self.make_source([ADA], []).read(()).of(Kind.USER)

        assert ada.attributes["mail"] == ("ada@corp.example",)
        assert sorted(ada.attributes["other"]) == ["a.l@corp.example", "al@corp.example"]
        assert ada.attributes.get("mail") == ("ada@corp.example",)

    def test_an_attribute_without_value_is_absent(self) -> None:
        """Nobody has an attribute with no value: it is not there."""
        _, bob = self.make_source([ADA, BOB], []).read(()).of(Kind.USER)

        assert "other" not in bob.attributes
        assert "other" not in set(bob.attributes)
        assert bob.attributes.get("other") is None
        assert len(bob.attributes) == len(list(bob.attributes))
        with pytest.raises(KeyError):
            bob.attributes["other"]

    def test_members_are_listed(self) -> None:
        """A group lists its members as the directory names them."""
        (crew,) = self.make_source([ADA, BOB], [CREW]).read(()).of(Kind.GROUP)

        assert sorted(crew.attributes["member"]) == ["1", "2"]

    def test_any_script_is_read(self) -> None:
        """Names in any script, and characters beyond the first plane, come out as they went in."""
        name = "Ærøskøbing Łódź 東京 𝒜"
        (entry,) = self.make_source([{"id": "1", "login": name}], []).read(()).of(Kind.USER)

        assert entry.attributes["login"] == (name,)

    def test_an_empty_directory_is_empty(self) -> None:
        """No people and no groups is an answer, which guards judge; it is no error."""
        snapshot = self.make_source([], []).read(())

        assert (snapshot.of(Kind.USER), snapshot.of(Kind.GROUP), snapshot.rejections) == ((), (), ())

    def test_no_groups_is_not_the_same_as_none_left(self) -> None:
        """A source without groups says so, so that no group counts as missing."""
        assert self.make_source([ADA], None).read(()).read == {Kind.USER}
        assert self.make_source([ADA], []).read(()).read == {Kind.USER, Kind.GROUP}

    def test_a_record_without_key_is_a_rejection(self) -> None:
        """It is not dropped; nobody counts as missing while it is there."""
        snapshot = self.make_source([ADA, {"login": "nobody"}], []).read(())

        assert [entry.identity for entry in snapshot.of(Kind.USER)] == ["1"]
        (rejection,) = snapshot.rejections
        assert rejection.key is None
        assert rejection.reason
        assert rejection.remedy

    def test_reading_again_gives_the_same(self) -> None:
        """A read changes nothing, and the next one doesn't depend on it."""
        source = self.make_source([ADA, BOB], [CREW])

        assert _plain(source.read(()).of(Kind.USER)) == _plain(source.read(()).of(Kind.USER))

    def test_who_is_there_is_not_absent(self) -> None:
        """Of the known keys, only those that are not in the snapshot may be told absent."""
        snapshot = self.make_source([ADA], [CREW]).read([user_key("1"), user_key("9"), group_key("g1")])

        assert set(snapshot.absences) <= {user_key("9")}
        assert all(isinstance(absence, Absence) for absence in snapshot.absences.values())

    def test_an_unreachable_directory_raises(self) -> None:
        """What can't be read is an error, never an empty directory."""
        with pytest.raises(SourceUnreachable):
            self.make_unreachable().read(())


def _plain(entries: Sequence[Entry]) -> list[tuple[str, str, dict[str, tuple[str, ...]]]]:
    return [(entry.identity, entry.origin, dict(entry.attributes)) for entry in entries]
