from syncd.model.names import Kind
from syncd.planning.titles import titles
from tests.builders import binding, entity, operation, situation, wanted


def test_a_subject_is_called_by_its_name() -> None:
    """Who exists is called as the service calls them, a newcomer as the directory does, nobody else at all."""
    known = situation(
        [wanted("turanga", key="user:7"), wanted("crew", kind=Kind.GROUP, key="group:c")],
        [entity("leela"), entity("zapp")],
        bindings=[binding("user:7", "leela")],
    )
    operations = [operation(subject=key) for key in ("user:7", "group:c", "user:gone")]

    assert titles(known, operations) == {"user:7": "leela", "group:c": "crew"}
