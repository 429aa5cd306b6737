"""The target against the emulator: what it reads, what it refuses to send, and what it says when it can't."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from syncd.emulator import DirectoryKind, Emulator, Switches
from syncd.emulator.faults import ErrorAnswer, Fault, FaultyService, Throttle
from syncd.errors import PermanentCallError, PermissionDenied, SyncdError, TargetMismatch, TargetUnreachable
from syncd.model.detail import Thing
from syncd.model.names import EntityId, Key, Kind
from syncd.model.observed import Observed
from syncd.model.operation import Call, Generated, Merged, Ref
from syncd.model.state import Entity, State
from syncd.workmail.client import date_of
from syncd.workmail.target import WorkmailTarget
from tests.fakes.clock import FakeClock
from tests.fakes.observer import RecordingObserver
from tests.fakes.service import PlainCaller
from tests.property.worlds import Line

ID = "m-0123456789abcdef0123456789abcdef"
DOMAIN = "planetexpress.example"


class Place:
    """An organization in the emulator, and the target that looks at it."""

    def __init__(
        self,
        *,
        switches: Switches | None = None,
        organization_id: str = ID,
        workers: int = 1,
        **organization: Any,  # noqa: ANN401 - create_organization's own
    ) -> None:
        self.clock = FakeClock()
        self.emulator = Emulator(clock=self.clock.timestamp, switches=switches or Switches())
        self.emulator.create_organization(alias="planetexpress", domains=[DOMAIN], organization_id=ID, **organization)
        self.service = FaultyService(self.emulator, clock=self.clock)
        self.caller = PlainCaller(Line(self.service, []))
        self.observer = RecordingObserver()
        self.target = WorkmailTarget(
            self.caller,
            organization_id,
            clock=self.clock,
            observer=self.observer,
            make_password=lambda: "Tr0ub4dor&3xyz",
            workers=workers,
        )

    def call(self, operation: str, **parameters: object) -> dict[str, Any]:
        return self.emulator.call(operation, {"OrganizationId": ID, **parameters})

    def user(self, name: str, *, registered: bool = True) -> EntityId:
        created = self.call("CreateUser", Name=name, DisplayName=name.title(), Password="Sl0rm-C0la!")["UserId"]
        if registered:
            self.call("RegisterToWorkMail", EntityId=created, Email=f"{name}@{DOMAIN}")
        return EntityId(created)

    def group(self, name: str, *members: EntityId) -> EntityId:
        created = self.call("CreateGroup", Name=name)["GroupId"]
        self.call("RegisterToWorkMail", EntityId=created, Email=f"{name}@{DOMAIN}")
        for member in members:
            self.call("AssociateMemberToGroup", GroupId=created, MemberId=member)
        return EntityId(created)

    def lists(self, *bound: EntityId, kind: Kind = Kind.USER) -> Observed:
        return self.target.lists(bound=dict.fromkeys(bound, kind))

    def detail(self, detail: Thing, entity: EntityId) -> Any:  # noqa: ANN401 - whatever the detail is
        known = self.lists().entities[entity]
        return {identity: value for _, identity, value in self.target.details({detail: [known]})}.get(entity)


# --- lists -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "switches",
    [
        Switches(),
        Switches(short_pages=True),
        Switches(empty_pages=True),
        Switches(shuffle=True, short_pages=True, empty_pages=True),
    ],
)
def test_lists_are_read_to_their_end(switches: Switches) -> None:
    """Short pages, empty pages, any order: everyone is found, once (`workmail.md` C)."""
    place = Place(switches=switches)
    people = {place.user(f"p{number:03}", registered=number % 2 == 0) for number in range(230)}
    crew = place.group("crew")
    seen = place.lists().entities
    assert people | {crew} <= seen.keys()
    assert sum(one.state is State.ENABLED for one in seen.values()) == 116


def test_a_row_says_who_somebody_is() -> None:
    """Name, display name, primary address, state, ever enabled; absent and empty are the same."""
    place = Place()
    fry, never = place.user("fry"), place.user("never", registered=False)
    seen = place.lists().entities
    assert seen[fry] == Entity(
        fry, Kind.USER, "fry", "Fry", f"fry@{DOMAIN}", State.ENABLED, ever_enabled=True, disabled_at=None
    )
    assert (seen[never].primary, seen[never].state, seen[never].ever_enabled) == ("", State.DISABLED, False)
    place.call("DeregisterFromWorkMail", EntityId=fry)
    away = place.lists().entities[fry]
    assert (away.state, away.ever_enabled, away.disabled_at) == (State.DISABLED, True, place.clock.now())


def test_ghosts_are_facts() -> None:
    """A DELETED entity is listed as such, so that nobody takes it for alive or for absent."""
    place = Place()
    fry = place.user("fry", registered=False)
    place.call("DeleteUser", UserId=fry)
    assert place.lists(fry).entities[fry].state is State.DELETED


@pytest.mark.parametrize("answer", ["state", "not_found"])
def test_absence_from_a_list_is_asked_about(answer: Any) -> None:  # noqa: ANN401 - a Literal of Switches
    """A bound id that no list shows is described by id; only "not found" means gone (`workmail.md` B16)."""
    place = Place(switches=Switches(ghosts_listed=False, describe_deleted=answer))
    fry = place.user("fry", registered=False)
    place.call("DeleteUser", UserId=fry)
    seen = place.lists(fry)
    assert (fry in seen.gone) is (answer == "not_found")
    assert (fry in seen.entities) is (answer == "state")
    assert ("DescribeUser", {"OrganizationId": ID, "UserId": fry}) in place.caller.sent


def test_a_resource_that_left_the_list_is_asked_about() -> None:
    """Whatever kind of entity is bound, it can be asked for by its id."""
    place = Place(switches=Switches(ghosts_listed=False, describe_deleted="state"))
    ship = EntityId(place.call("CreateResource", Name="ship", Type="EQUIPMENT")["ResourceId"])
    place.call("DeleteResource", ResourceId=ship)
    seen = place.lists(ship, kind=Kind.RESOURCE)
    assert (seen.entities[ship].kind, seen.entities[ship].state) == (Kind.RESOURCE, State.DELETED)
    assert ("DescribeResource", {"OrganizationId": ID, "ResourceId": ship}) in place.caller.sent


def test_system_users_and_the_migration_admin_are_untouchable() -> None:
    """They are seen, and never ours to change (`workmail.md` B46, C)."""
    place = Place(migration_admin="migration-admin")
    fry = place.user("fry")
    seen = {one.name: one.untouchable for one in place.lists().entities.values()}
    assert seen == {"workmail.system": True, "migration-admin": True, "fry": False}
    assert fry in place.lists().entities


def test_domains_are_known_with_their_state() -> None:
    """Each domain with "can be used"; the default domain by name."""
    place = Place(switches=Switches(domain_verification_s=60))
    place.call("RegisterMailDomain", DomainName="new.example")
    organization = place.lists().organization
    assert organization.domains == {DOMAIN: True, "new.example": False, "planetexpress.awsapps.com": True}
    assert organization.default_domain in organization.domains


# --- details ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("among", [True, False])
def test_aliases_exclude_the_primary(among: bool) -> None:
    """Whether the service lists it or not, and whatever its case (`workmail.md` 0.2)."""
    place = Place(switches=Switches(primary_among_aliases=among))
    fry = place.user("fry")
    place.call("CreateAlias", EntityId=fry, Alias=f"Philip@{DOMAIN}")
    assert place.detail("aliases", fry) == {f"Philip@{DOMAIN}"}


def test_a_profile_has_what_is_set() -> None:
    """Empty fields are absent; hidden is "true" or absent; a group has nothing else."""
    place = Place()
    fry, crew = place.user("fry"), place.group("crew")
    assert place.detail("profile", fry) == {}
    place.call("UpdateUser", UserId=fry, City="New New York", HiddenFromGlobalAddressList=True)
    place.call("UpdateGroup", GroupId=crew, HiddenFromGlobalAddressList=True)
    assert place.detail("profile", fry) == {"city": "New New York", "hidden": "true"}
    assert place.detail("profile", crew) == {"hidden": "true"}


@pytest.mark.parametrize("switches", [Switches(), Switches(deleted_members="kept", short_pages=True, empty_pages=True)])
def test_members_are_ids_without_ghosts(switches: Switches) -> None:
    """ENABLED and DISABLED members are members, DELETED ones aren't (`workmail.md` B34)."""
    place = Place(switches=switches)
    people = [place.user(f"p{number}") for number in range(5)]
    crew = place.group("crew", *people)
    place.call("DeregisterFromWorkMail", EntityId=people[0])
    place.call("DeregisterFromWorkMail", EntityId=people[1])
    place.call("DeleteUser", UserId=people[1])
    assert place.detail("members", crew) == frozenset({people[0], *people[2:]})


def test_who_changes_meanwhile_yields_nothing() -> None:
    """Deregistered between list and detail: not an error, and nothing is pretended to be known."""
    place = Place()
    fry, leela = place.user("fry"), place.user("leela")
    known = place.lists().entities
    place.call("DeregisterFromWorkMail", EntityId=fry)
    rows = list(place.target.details({"aliases": [known[fry], known[leela]]}))
    assert [identity for _, identity, _ in rows] == [leela]


@pytest.mark.parametrize("workers", [1, 4])
def test_many_workers_read_what_one_reads(workers: int) -> None:
    """In the order asked for, whoever was faster."""
    place = Place(workers=workers)
    people = [place.user(f"p{number:03}") for number in range(150)]
    known = place.lists().entities
    rows = list(place.target.details({"aliases": [known[one] for one in people], "profile": [known[people[0]]]}))
    assert [(detail, identity) for detail, identity, _ in rows] == [
        *(("aliases", one) for one in people),
        ("profile", people[0]),
    ]


# --- sending ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("clears", [False, True])
def test_an_update_keeps_what_it_doesnt_change(clears: bool) -> None:
    """The unmanaged fields are read just before and sent along, for the service may clear what is omitted (B20)."""
    place = Place(switches=Switches(omitted_clears=clears))
    fry = place.user("fry")
    place.call(
        "UpdateUser", UserId=fry, DisplayName="Fry", City="New New York", Office="4", HiddenFromGlobalAddressList=True
    )
    place.target.send(Call("UpdateUser", {"UserId": fry, "City": "Mars", "*": Merged("DescribeUser")}))
    seen = place.call("DescribeUser", UserId=fry)
    assert (seen["City"], seen["Office"], seen["DisplayName"]) == ("Mars", "4", "Fry")
    assert seen["HiddenFromGlobalAddressList"] is True


def test_a_field_is_cleared_by_an_empty_text() -> None:
    """What we send wins over what was there."""
    place = Place()
    fry = place.user("fry")
    place.call("UpdateUser", UserId=fry, City="New New York")
    place.target.send(Call("UpdateUser", {"UserId": fry, "City": "", "*": Merged("DescribeUser")}))
    assert not place.call("DescribeUser", UserId=fry).get("City")


def test_a_password_is_made_when_it_is_sent() -> None:
    """The plan holds a placeholder; the secret exists in the call only."""
    place = Place()
    call = Call("CreateUser", {"Name": "fry", "DisplayName": "Fry", "Password": Generated("password")})
    assert place.target.send(call)
    assert place.caller.sent[-1][1]["Password"] == "Tr0ub4dor&3xyz"
    assert "Tr0ub4dor" not in repr(call)


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("DeregisterFromWorkMail", {"EntityId": "fry"}),
        ("DeregisterFromWorkMail", {"EntityId": f"fry@{DOMAIN}"}),
        ("DeregisterFromWorkMail", {"EntityId": Ref(Key("user:fry"))}),
        ("UpdateUser", {"UserId": "fry", "City": "Mars", "*": Merged("DescribeUser")}),
        ("AssociateMemberToGroup", {"GroupId": "S-1-1-12-1-2-3-4", "MemberId": "fry"}),
        ("AssociateMemberToGroup", {"GroupId": "crew", "MemberId": "S-1-1-12-1-2-3-4"}),
        ("DeregisterFromWorkMail", {"EntityId": ""}),
    ],
)
def test_only_opaque_ids_are_sent(operation: str, parameters: Mapping[str, Any]) -> None:
    """A name or an address could mean somebody else by now: refused here, before any call."""
    place = Place()
    place.user("fry")
    with pytest.raises(PermanentCallError, match="no opaque id") as caught:
        place.target.send(Call(operation, parameters))
    assert caught.value.code == "NotAnOpaqueId"
    assert place.caller.sent == []


@pytest.mark.parametrize("directory", [DirectoryKind.WORKMAIL, DirectoryKind.SIMPLE_AD])
def test_both_forms_of_ids_are_opaque(directory: DirectoryKind) -> None:
    """A GUID, or `S-1-1-12-...` in other directories (`workmail.md` A)."""
    place = Place(directory=directory)
    fry = place.user("fry")
    place.target.send(Call("DeregisterFromWorkMail", {"EntityId": fry}))
    assert place.lists().entities[fry].state is State.DISABLED


def test_a_change_is_sent_once() -> None:
    """Trying again is the executor's: it alone knows whether the effect may have happened."""
    place = Place()
    fry = place.user("fry")
    place.service.set_rules([Fault(operation="CreateAlias", error=ErrorAnswer(code="InternalFailure", status=500))])
    with pytest.raises(SyncdError):
        place.target.send(Call("CreateAlias", {"EntityId": fry, "Alias": f"p@{DOMAIN}"}))
    assert [name for name, _ in place.caller.sent] == ["CreateAlias"]


# --- what can be wrong -----------------------------------------------------------------------------------------------


def test_throttled_reads_wait_and_succeed() -> None:
    """A rate that we don't know: reads wait in the shared back-off, and everything is read."""
    place = Place()
    people = {place.user(f"p{number}") for number in range(5)}
    place.service.set_rules([Fault(throttle=Throttle(rate=1.0, burst=2.0))])
    assert people <= place.lists().entities.keys()
    assert sum(count for (_, code), count in place.observer.calls.items() if code == "ThrottlingException") > 0
    assert sum(place.clock.slept) > 0


@pytest.mark.parametrize("state", ["Creating", "Inactive", "Deleting", "Impaired"])
def test_an_organization_that_isnt_active_is_left_alone(state: str) -> None:
    """Nothing but its own description is read; the message names organization and state."""
    place = Place(state=state)
    with pytest.raises(TargetMismatch, match=rf"{ID} \(planetexpress\) is {state}, not Active"):
        place.lists()
    assert [name for name, _ in place.caller.sent] == ["DescribeOrganization"]


@pytest.mark.parametrize("wrong", ["m-ffffffffffffffffffffffffffffffff", "planetexpress"])
def test_an_unknown_organization_is_named(wrong: str) -> None:
    """A wrong id, or none at all: what to look at is in the hint."""
    with pytest.raises(TargetMismatch, match=f"there is no organization {wrong} here") as caught:
        Place(organization_id=wrong).lists()
    assert "workmail.organization_id" in caught.value.hint
    assert caught.value.exit_code == 78


@pytest.mark.parametrize("code", ["ExpiredTokenException", "UnrecognizedClientException", "InvalidSignatureException"])
def test_bad_credentials_end_reading(code: str) -> None:
    """At the first call, with what to renew."""
    place = Place()
    place.service.set_rules([Fault(error=ErrorAnswer(code=code))])
    with pytest.raises(PermissionDenied, match=code) as caught:
        place.lists()
    assert "credentials" in caught.value.hint
    assert (caught.value.exit_code, len(place.caller.sent)) == (77, 1)


def test_a_missing_right_is_named() -> None:
    """The hint names the action to allow."""
    place = Place()
    place.service.set_rules([Fault(operation="ListGroups", error=ErrorAnswer(code="AccessDeniedException"))])
    with pytest.raises(PermissionDenied, match="ListGroups is not allowed") as caught:
        place.lists()
    assert "workmail:ListGroups" in caught.value.hint


def test_an_unreachable_service_is_said_so() -> None:
    """After six tries, with what to check."""
    place = Place()
    place.service.set_rules([Fault(error=ErrorAnswer(code="ServiceUnavailable", status=503))])
    with pytest.raises(TargetUnreachable, match="does not answer") as caught:
        place.lists()
    assert "workmail.region" in caught.value.hint
    assert (caught.value.exit_code, len(place.caller.sent)) == (69, 6)


def test_a_passing_fault_of_a_read_is_nothing() -> None:
    """Reads have no effect: whatever is transient is repeated."""
    place = Place()
    fry = place.user("fry")
    place.service.set_rules(
        [
            Fault(operation="ListUsers", timeout="after", times=2),
            Fault(operation="ListGroups", error=ErrorAnswer(code="InternalFailure", status=500), times=3),
        ]
    )
    assert fry in place.lists().entities


def test_a_read_only_directory_says_unsupported() -> None:
    """Creations are refused for good; deregistrations and aliases still work (`workmail.md` E)."""
    place = Place(directory=DirectoryKind.AD_CONNECTOR)
    call = Call("CreateUser", {"Name": "fry", "DisplayName": "Fry", "Password": Generated("password")})
    with pytest.raises(PermanentCallError) as caught:
        place.target.send(call)
    assert caught.value.code == "UnsupportedOperationException"
    assert place.lists().entities


def test_resources_may_be_unsupported() -> None:
    """In interoperability a plain read of resources can be refused: then there are none here (`workmail.md` E)."""
    place = Place()
    fry = place.user("fry")
    place.service.set_rules([Fault(operation="ListResources", error=ErrorAnswer(code="UnsupportedOperationException"))])
    assert fry in place.lists().entities


def test_every_call_is_counted() -> None:
    """Observers hear of each call with its code, the failed ones too."""
    place = Place()
    place.service.set_rules(
        [Fault(operation="ListUsers", error=ErrorAnswer(code="InternalFailure", status=500), nth=1)]
    )
    place.lists()
    assert place.observer.calls["ListUsers", "InternalFailure"] == 1
    assert place.observer.calls["ListUsers", "ok"] == 1


def test_calls_add_up_by_operation() -> None:
    """A report says what a cycle cost: every call that was sent, also those that had to be repeated."""
    place = Place()
    place.lists()
    before = place.target.calls()
    place.service.set_rules(
        [Fault(operation="ListUsers", error=ErrorAnswer(code="InternalFailure", status=500), nth=1)]
    )
    place.lists()

    assert place.target.calls()["ListUsers"] - before["ListUsers"] == 2
    assert place.target.calls()["ListGroups"] - before["ListGroups"] == 1
    assert sum(place.target.calls().values()) == len(place.caller.sent)


def test_what_holds_a_call_up_is_told() -> None:
    """Each call is told of when it is sent, each repetition with its reason, each wait with its seconds."""
    place = Place()
    place.service.set_rules(
        [
            Fault(operation="ListUsers", error=ErrorAnswer(code="ThrottlingException"), nth=1),
            Fault(operation="ListGroups", timeout="after", times=1),
        ]
    )
    place.lists()
    told = place.observer.events

    assert [fields for name, fields in told if name == "api_call_retried"] == [
        {"call": "ListUsers", "code": "ThrottlingException"},
        {"call": "ListGroups", "code": "NoAnswer"},
    ]
    waits = [fields["waited_s"] for name, fields in told if name == "api_call_delayed"]
    assert waits[0] == 0.5
    assert sum(name == "api_call_sent" for name, _ in told) == sum(place.observer.calls.values())


def test_a_throttled_update_that_is_sent_again_is_told() -> None:
    """It goes back to its own call, not to the read before it, and the repetition counts."""
    place = Place()
    fry = place.user("fry")
    place.service.set_rules([Fault(operation="UpdateUser", error=ErrorAnswer(code="ThrottlingException"), times=2)])
    place.target.send(Call("UpdateUser", {"UserId": fry, "City": "Mars", "*": Merged("DescribeUser")}))

    assert [name for name, _ in place.observer.events if name == "api_call_retried"] == ["api_call_retried"] * 2
    assert place.target.calls() == {"DescribeUser": 1, "UpdateUser": 3}


def test_switches_can_turn_while_it_runs() -> None:
    """A settle delay hides a change for a while: lists show what was before, never half of it."""
    place = Place()
    fry = place.user("fry")
    place.emulator.switches = replace(place.emulator.switches, settle=30)
    place.call("DeregisterFromWorkMail", EntityId=fry)
    assert place.lists().entities[fry].state is State.ENABLED
    place.clock.advance(seconds=31)
    assert place.lists().entities[fry].state is State.DISABLED


def test_the_date_of_the_first_answer_is_told() -> None:
    """The service's own clock, not ours; each reading of the lists begins anew."""
    place = Place()
    place.target = WorkmailTarget(
        PlainCaller(place.emulator, timestamp=place.clock.timestamp),
        ID,
        clock=place.clock,
        observer=place.observer,
        make_password=lambda: "Tr0ub4dor&3xyz",
    )
    first = place.clock.now()
    assert place.lists().answered_at == first
    place.clock.advance(hours=1)
    place.clock.jump(days=30)
    assert place.lists().answered_at == first + timedelta(hours=1)


def test_no_date_is_none() -> None:
    """What doesn't say when it answered is not asked to."""
    assert Place().lists().answered_at is None


@pytest.mark.parametrize(
    ("header", "date"),
    [
        ("Mon, 02 Mar 2026 08:00:00 GMT", datetime(2026, 3, 2, 8, tzinfo=UTC)),
        ("Mon, 02 Mar 2026 08:00:00 -0000", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_a_date_that_can_not_be_read_is_none(header: str, date: datetime | None) -> None:
    """A proxy may write anything: it ends no cycle."""
    assert date_of({"ResponseMetadata": {"HTTPHeaders": {"date": header}}}) == date
    assert date_of({}) is None
