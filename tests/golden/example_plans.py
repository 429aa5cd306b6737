"""The plans and reports that the golden files show: the situations an administrator meets."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from syncd.model.action import Action
from syncd.model.entry import Rejection
from syncd.model.half_removed import HalfRemoved, Next
from syncd.model.names import EntityId, Key
from syncd.model.operation import BundleKind, Operation
from syncd.model.plan import HALF_REMOVED, REMOVAL_GOES_ON, Finding, Limit, Note, Plan
from syncd.model.report import Outcome, Report, Result
from syncd.model.standing import Pending
from syncd.workmail.terms import ADVICE
from tests.builders import DOMAIN, NOW, entity_id, operation, plan

CREW = {
    "fry": ("Philip J. Fry", {"department": "Delivery", "job_title": "Delivery boy", "city": "New New York"}),
    "leela": (
        "Turanga Leela",
        {"department": "Delivery", "job_title": "Captain", "telephone": "+1 555 0102"},
    ),
    "amy": ("Amy Wóng 王", {"department": "Interns"}),
}
FUSE = "its mailbox can be put back for 30 days, then it is destroyed"
POPULATIONS = {
    "users_in_directory": 41,
    "groups_in_directory": 12,
    "users_owned_enabled": 40,
    "groups_owned_enabled": 12,
    "foreign": 1,
    "frozen": 0,
}
NAMES = {f"user:{1000 + n}": name for n, name in enumerate((*CREW, "zoidberg", "bender", "hermes"), 1)} | {
    f"group:{name}": name for name in ("crew", "staff", "doctors", "planning")
}
KEYS = {name: key for key, name in NAMES.items()}


def a_plan(*operations: Operation, **others: object) -> Plan:
    return plan(*operations, **{"populations": POPULATIONS, "names": NAMES, **others})


def newcomer(name: str, row: int) -> list[Operation]:
    display_name, profile = CREW[name]
    subject, origin = KEYS[name], f"people.csv:{row}"
    created = operation(
        "user.create",
        subject,
        summary=f"create user {name}",
        reason=f"new in {origin}",
        after={"name": name, "display_name": display_name},
    )
    registered = operation(
        "register",
        subject,
        summary=f"register {name} as {name}@{DOMAIN}",
        reason=f"new in {origin}",
        after={"state": "ENABLED", "primary": f"{name}@{DOMAIN}"},
        needs=frozenset({created.id}),
    )
    described = operation(
        "profile.update",
        subject,
        action=Action.ADD,
        summary=f"set department of {name}",
        reason=f"new in {origin}",
        after=profile,
        needs=frozenset({registered.id}),
    )
    return [created, registered, described]


def alias(name: str, address: str, row: int) -> Operation:
    return operation("alias.add", KEYS[name], reason=f"new in people.csv:{row}", after={"alias": address})


def joins(group: str, *members: str) -> list[Operation]:
    return [
        operation(
            "member.add",
            f"group:{group}",
            summary=f"add {member} to {group}",
            reason="groups.csv:3",
            after={"member": member},
        )
        for member in members
    ]


def exit_of(group: str, member: str, reason: str, bundle: str = "") -> Operation:
    return operation(
        "member.remove",
        f"group:{group}",
        bundle=bundle,
        summary=f"remove {member} from {group}",
        reason=reason,
        before={"member": member},
    )


def removal(name: str, reason: str, groups: tuple[str, ...], aliases: tuple[str, ...] = ()) -> list[Operation]:
    subject = KEYS.get(name, f"user:{name}")
    bundle = f"removal:{subject}"
    return [
        *(exit_of(group, name, reason, bundle) for group in groups),
        *(
            operation(
                "alias.remove",
                subject,
                bundle=bundle,
                summary=f"remove alias {address} from {name}",
                reason=f"{name} is leaving: {reason}",
                before={"alias": address},
            )
            for address in aliases
        ),
        operation(
            "address.park",
            subject,
            bundle=bundle,
            action=Action.REMOVE,
            summary=f"park {name}",
            reason=f"{name} is leaving: {reason}",
            before={"primary": f"{name}@{DOMAIN}"},
            after={"primary": f"syncd-parked-{subject[-4:]}@{DOMAIN}"},
        ),
        operation(
            "alias.remove",
            subject,
            bundle=bundle,
            summary=f"remove alias {name}@{DOMAIN} from {name}",
            reason=f"{name} is leaving: {reason}",
            before={"alias": f"{name}@{DOMAIN}"},
        ),
        operation(
            "deregister",
            subject,
            entity=entity_id(name),
            bundle=bundle,
            summary=f"deregister user {name}; {FUSE}",
            reason=reason,
            before={"state": "ENABLED", "primary": f"{name}@{DOMAIN}"},
            after={"state": "DISABLED"},
        ),
    ]


def first() -> Plan:
    """Everybody is new: three people, two groups, and one group with more members than a screen is wide."""
    group = operation(
        "group.create",
        "group:crew",
        summary="create group crew",
        reason="new in groups.csv:2",
        after={"name": "crew"},
    )
    address = operation(
        "register",
        "group:crew",
        summary="register crew",
        reason="new in groups.csv:2",
        after={"state": "ENABLED", "primary": f"crew@{DOMAIN}"},
    )
    everyone = [f"person{number:03}" for number in range(1, 61)]
    return a_plan(
        *newcomer("fry", 2),
        alias("fry", f"philip@{DOMAIN}", 2),
        alias("fry", f"delivery.boy@{DOMAIN}", 2),
        *newcomer("leela", 3),
        *newcomer("amy", 4),
        group,
        address,
        *joins("crew", "fry", "leela", "amy"),
        *joins("staff", *everyone),
        findings=(budget("removals", 0), budget("rejections", 0)),
        populations={**POPULATIONS, "users_owned_enabled": 0, "groups_owned_enabled": 0},
    )


def budget(guard: str, counted: int, *, used: str = "") -> Finding:
    return Finding(
        guard=guard,
        counted=counted,
        population=40,
        tripped=False,
        label="" if used else guard,
        budget=used or f"{counted} of 50",
        limit=Limit(count=50, percent=5),
    )


def swap() -> Plan:
    """Fry and Leela exchange their addresses, by way of a parking address."""
    bundle, reason = "addresses:user:1001", "people.csv:2 and people.csv:3 exchange their mail"

    def primary(name: str, before: str, after: str) -> Operation:
        return operation(
            "primary.change",
            KEYS[name],
            bundle=bundle,
            summary=f"make {after}@{DOMAIN} the address of {name}",
            reason=reason,
            before={"primary": f"{before}@{DOMAIN}"},
            after={"primary": f"{after}@{DOMAIN}"},
        )

    def release(name: str, address: str) -> Operation:
        return operation(
            "alias.remove",
            KEYS[name],
            bundle=bundle,
            summary=f"release {address}@{DOMAIN}",
            reason=reason,
            before={"alias": f"{address}@{DOMAIN}"},
        )

    return a_plan(
        primary("fry", "fry", "syncd-parked-1001"),
        release("fry", "fry"),
        primary("leela", "leela", "fry"),
        release("leela", "leela"),
        primary("fry", "syncd-parked-1001", "leela"),
        release("fry", "syncd-parked-1001"),
        operation(
            "profile.update",
            KEYS["amy"],
            reason="people.csv:4",
            summary="set department, job title, telephone of amy",
            before={"department": "Interns", "job_title": "", "telephone": "+1 555 0103"},
            after={"department": "Engineering", "job_title": "Engineer", "telephone": ""},
        ),
        findings=(budget("primary_changes", 2, used="primary changes 2 of 50, 3.8 % of 5 %"),),
    )


def leaver() -> Plan:
    """Zoidberg leaves with evidence, and his address goes to a newcomer."""
    return a_plan(
        *removal(
            "zoidberg",
            "disabled in people.csv:12 (status is inactive)",
            ("crew", "doctors"),
            (f"doctor@{DOMAIN}", f"john@{DOMAIN}"),
        ),
        *newcomer("amy", 4),
        alias("amy", f"doctor@{DOMAIN}", 4),
        exit_of("planning", "bender", "not a member in groups.csv:5"),
        exit_of("planning", "hermes", "not a member in groups.csv:5"),
        findings=(
            budget("removals", 1, used="user removals 1 of 50, 2.5 % of 5 %"),
            budget("membership_removals", 2, used="members of 'planning' 2 of 100, 18.2 % of 30 %"),
        ),
    )


def refused() -> Plan:
    """The source lost nine people at once: a guard withholds their removals, and the rest goes on."""
    reason = "missing from 3 complete reads since 2026-02-27"
    lost = [removal(f"person{number}", reason, ("staff",)) for number in range(1, 10)]
    text = (
        "would deregister users: 9 of 40 (22.5 %); the limit is at most 50 and 5 % (guards.removals). "
        "If this is right, approve the plan; if not, mend the source"
    )
    adopted = operation(
        "adopt",
        KEYS["hermes"],
        entity=entity_id("hermes"),
        summary="adopt user hermes as user:1006",
        reason="primary address and name match people.csv:7",
        after={"key": KEYS["hermes"]},
        proposal=True,
    )
    follows = operation(
        "profile.update",
        KEYS["hermes"],
        reason="people.csv:7",
        before={"job_title": ""},
        after={"job_title": "Bureaucrat, grade 37"},
        needs=frozenset({adopted.id}),
    )
    withheld = [one for operations in lost for one in operations]
    return a_plan(
        *withheld,
        *newcomer("fry", 2),
        adopted,
        follows,
        withheld=dict.fromkeys((one.id for one in withheld), f"guard removals: {text}")
        | {
            adopted.id: "needs approval: primary address and name match people.csv:7",
            follows.id: "needs an operation that is withheld",
        },
        findings=(
            Finding(
                guard="removals",
                counted=9,
                population=40,
                tripped=True,
                label="user removals",
                budget="9 of 50, 22.5 % of 5 %",
                limit=Limit(count=50, percent=5),
                text=text,
                bundles=frozenset(one.bundle for one in withheld),
            ),
        ),
    )


def empty() -> Plan:
    """Nothing to do."""
    return a_plan(findings=(budget("removals", 0), budget("rejections", 0)))


def aside() -> Plan:
    """Hardly anything to do, but much to know."""
    return a_plan(
        *joins("crew", "amy"),
        outside=tuple(removal("zoidberg", "disabled in people.csv:12", ("crew",))),
        deferred={"alias.add": 4800, "member.add": 12},
        pending=(
            pending("bender", "missing since 2026-03-01 07:45 UTC", cycles=1, hours=24),
            replace(pending("hermes", "disabled since 2026-03-01 07:45 UTC", cycles=0, hours=2), cycles_needed=0),
            replace(
                pending("leela", f"missing since 2026-03-01 07:45 UTC; counted anew: {ANEW}", cycles=2, hours=24),
                anew=ANEW,
            ),
            replace(
                pending("fry", f"missing since 2026-03-01 07:45 UTC; not counted: {ROW}", cycles=0, hours=0),
                due_at=None,
                because=ROW,
            ),
        ),
        rejections=(
            Rejection(
                key=Key("user:1031"),
                origin="people.csv:31",
                reason="login 'nixon head' has a character that is not allowed (letters, digits, . - _)",
                remedy="change login, or map another attribute to name",
            ),
            Rejection(
                key=None,
                origin="people.csv:44",
                reason="has 9 fields, the header has 11",
                remedy="quote the value that holds a comma",
            ),
            Rejection(
                key=Key("user:\x1b[2Jevil"),
                origin="people.csv:45",
                reason="display name \x1b]0;owned\x07\u202egnp.exe has a control character",
                remedy="remove it",
            ),
        ),
        notes=(
            Note(
                code="address_waits",
                subject="user:1003",
                text=f"wants wong@{DOMAIN}, which the foreign user wong holds until he gives it up",
            ),
            Note(
                code="name_differs",
                subject="user:1002",
                text="is called 'leela' in WorkMail and 'turanga' in the directory; WorkMail can't rename",
            ),
        ),
        populations={**POPULATIONS, "frozen": 4},
    )


def pending(name: str, why: str, *, cycles: int, hours: int) -> Pending:
    return Pending(
        key=Key(KEYS[name]),
        entity=EntityId(entity_id(name)),
        name=name,
        why=why,
        cycles=cycles,
        cycles_needed=3,
        since=NOW - timedelta(minutes=15),
        due_at=NOW + timedelta(hours=hours),
        counted=timedelta(minutes=15),
        needed=timedelta(hours=hours, minutes=15),
    )


ANEW = "no read counted for 3d; after more than 46m30s (removal.hole) it begins anew"
ROW = "people.csv:9: it is rejected, and has 'fry' as they have"


UNDER_WAY = "its removal began 2026-02-28 23:50 and is finished"
GIVEN_UP = "its removal is given up: the entry is back in the directory"


def goes_on() -> Plan:
    """Zoidberg's removal was interrupted before its last step, and goes on; Bender's begins."""
    *_, last = removal("zoidberg", UNDER_WAY, ())
    return a_plan(
        last,
        *removal("bender", "disabled in people.csv:5 (status is inactive)", ("crew",)),
        notes=(Note(code=REMOVAL_GOES_ON, subject=KEYS["zoidberg"], text=UNDER_WAY),),
        findings=(budget("removals", 1, used="user removals 1 of 50, 2.5 % of 5 %"),),
    )


def rollback() -> Plan:
    """Amy came back while she was being removed, so everything is put back; of Hermes nothing is left to be."""
    subject, parked = KEYS["amy"], f"syncd-parked-1003@{DOMAIN}"
    bundle = f"rollback:{subject}"
    steps = [
        operation("alias.add", subject, bundle=bundle, reason=GIVEN_UP, after={"alias": f"wong@{DOMAIN}"}),
        operation(
            "primary.change",
            subject,
            bundle=bundle,
            reason=GIVEN_UP,
            before={"primary": parked},
            after={"primary": f"amy@{DOMAIN}"},
        ),
        operation("alias.remove", subject, bundle=bundle, reason=GIVEN_UP, before={"alias": parked}),
    ]
    back = [
        operation(
            "member.add",
            f"group:{group}",
            bundle=bundle,
            reason="amy was in it before the removal",
            after={"member": "amy"},
        )
        for group in ("crew", "staff")
    ]
    hermes = "its removal is given up: it is protected by the configuration"
    return a_plan(
        *steps,
        *back,
        notes=(
            Note(code=HALF_REMOVED, subject=subject, text=GIVEN_UP),
            Note(code=HALF_REMOVED, subject=KEYS["hermes"], text=hermes),
        ),
        populations={**POPULATIONS, "frozen": 2},
    )


def half_removed_report() -> Report:
    """Zoidberg's last step failed and is tried again; Amy's removal was refused for good, and is given back."""
    refused = "its removal is given up: the service refused it for good (AccessDeniedException)"
    half = [
        HalfRemoved(
            key=Key(KEYS[name]),
            entity=EntityId(entity_id(name)),
            name=name,
            since=NOW - timedelta(minutes=10),
            until=NOW + timedelta(minutes=50),
            next=following,
            why=why,
        )
        for name, following, why in (("zoidberg", Next.FINISHED, ""), ("amy", Next.GIVEN_BACK, refused))
    ]
    planned = goes_on()
    failed = Outcome(
        operation=planned.operations[0],
        result=Result.FAILED,
        code="InternalFailure",
        message="try again later",
        attempts=6,
    )
    applied = [Outcome(operation=one, result=Result.APPLIED) for one in planned.operations[1:]]
    return replace(report(), plan=planned, outcomes=(failed, *applied), half_removed=tuple(half))


def report() -> Report:
    """Most of it worked."""
    applied = leaver()
    results = {
        "register": (
            Result.FAILED,
            "EmailAddressInUseException",
            f"The email address amy@{DOMAIN} is already in use",
        ),
        "profile.update": (Result.SKIPPED, "", "needs register amy, which failed"),
        "alias.add": (Result.SKIPPED, "", "needs register amy, which failed"),
        "member.remove": (Result.UNKNOWN, "OutcomeUnknown", "no answer within 30 s"),
    }
    outcomes = []
    for one in applied.operations:
        result, code, message = results.get(one.kind, (Result.APPLIED, "", ""))
        if one.bundle.kind is BundleKind.REMOVAL:
            result, code, message = Result.APPLIED, "", ""
        attempts = 3 if result is Result.UNKNOWN else 1
        advice = ADVICE.get(code, "")
        outcomes.append(
            Outcome(operation=one, result=result, code=code, message=message, attempts=attempts, advice=advice)
        )
    return Report(
        cycle_id="01HQZX4Y",
        organization="planetexpress",
        command="sync",
        started_at=NOW,
        finished_at=NOW + timedelta(seconds=12.3),
        plan=applied,
        outcomes=tuple(outcomes),
        exit_code=4,
        calls={"ListUsers": 1, "AssociateMemberToGroup": 4, "CreateUser": 1},
    )


PLANS: Mapping[str, Plan] = {
    "first": first(),
    "swap": swap(),
    "leaver": leaver(),
    "refused": refused(),
    "empty": empty(),
    "aside": aside(),
    "goes_on": goes_on(),
    "rollback": rollback(),
}
