"""The plan as JSON: what `--format json` prints, the store keeps and `apply` reads back, value for value.

    schema_version  1; grows by adding members only
    digest          sha256 over the organization id and the sorted operation ids
    operations[]    everything planned within the mode, in sending order; `withheld` tells why one isn't sent
    outside[]       what the mode leaves out, in the same form

A placeholder in a call is an object of one member: `{"$ref": key}`, `{"$generated": name}`, `{"$merged":
operation}`; a set among the values is `{"$set": [...]}`. Reading recomputes every operation id, the digest
and the counts, and refuses a document in which one of them differs.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from syncd.errors import UsageError
from syncd.model.entry import Rejection
from syncd.model.names import EntityId, Key
from syncd.model.operation import Action, Call, Fact, Generated, Merged, Operation, Parameter, Ref, plain
from syncd.model.plan import SCHEMA_VERSION, Finding, Note, Plan
from syncd.model.standing import Pending
from syncd.planning.fields import HINT, Field


def dumps(plan: Plan, *, indent: int | None = 2) -> str:
    """Return *plan* as JSON text: pure ASCII, so that no terminal reads an escape sequence out of a name."""
    return json.dumps(to_document(plan), indent=indent, ensure_ascii=True, allow_nan=False) + "\n"


def loads(text: str) -> Plan:
    """Return the plan that *text* holds.

    Raises:
        UsageError: no JSON, another schema version, or a document that was edited.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"The plan document can't be used: it is no JSON: {error}.", hint=HINT) from error
    return from_document(document)


def to_document(plan: Plan) -> dict[str, Any]:
    """Return *plan* in JSON form; members in a fixed order, mappings and sets sorted."""
    return {
        "schema_version": SCHEMA_VERSION,
        "digest": plan.digest,
        "organization": plan.organization,
        "organization_id": plan.organization_id,
        "created_at": _moment(plan.created_at),
        "populations": _sorted(plan.populations),
        "counts": dict(plan.counts),
        "operations": [_operation(operation, plan) for operation in plan.operations],
        "outside": [_operation(operation, plan) for operation in plan.outside],
        "deferred": _sorted(plan.deferred),
        "withheld": _sorted(plan.withheld),
        "findings": [_finding(finding) for finding in plan.findings],
        "pending": [_pending(pending) for pending in plan.pending],
        "rejections": [_rejection(rejection) for rejection in plan.rejections],
        "notes": [{"code": note.code, "subject": note.subject, "text": note.text} for note in plan.notes],
        "names": _sorted(plan.names),
    }


def from_document(document: object) -> Plan:
    """Return the plan in *document*, made by `to_document`; members that it doesn't know are passed over.

    Raises:
        UsageError: another schema version, something missing or of a wrong type, or an id, digest or count
            that isn't what the content gives.
    """
    root = Field(document)
    version = root["schema_version"]
    if version.value != SCHEMA_VERSION:
        raise version.refusal(f"is {version.value!r}, this syncd reads {SCHEMA_VERSION}")
    plan = Plan(
        organization=root["organization"].text(),
        organization_id=root["organization_id"].text(),
        created_at=root["created_at"].moment(),
        operations=root["operations"].each(_read_operation),
        outside=root["outside"].each(_read_operation),
        deferred=root["deferred"].mapped(Field.number),
        withheld=root["withheld"].mapped(Field.text),
        findings=root["findings"].each(_read_finding),
        pending=root["pending"].each(_read_pending),
        rejections=root["rejections"].each(_read_rejection),
        notes=root["notes"].each(_read_note),
        populations=root["populations"].mapped(Field.number),
        names=root["names"].mapped(Field.text),
    )
    _refuse_edited(root, plan)
    return plan


def _refuse_edited(root: Field, plan: Plan) -> None:
    """Compare what the document says of its own content with what that content gives."""
    for name, operations in (("operations", plan.operations), ("outside", plan.outside)):
        for field, operation in zip(root[name].items(), operations, strict=True):
            _same(field["id"], operation.id)
            _same(field["withheld"], plan.withheld.get(operation.id))
    _same(root["digest"], plan.digest)
    for action, count in plan.counts.items():
        _same(root["counts"][action], count)


def _same(said: Field, given: object) -> None:
    if said.value != given:
        raise said.refusal(f"was edited: it says {said.value!r}, the content gives {given!r}")


def _operation(operation: Operation, plan: Plan) -> dict[str, Any]:
    call = operation.call
    return {
        "id": operation.id,
        "kind": operation.kind,
        "action": operation.action.value,
        "subject": operation.subject,
        "entity": operation.entity,
        "bundle": operation.bundle,
        "summary": operation.summary,
        "reason": operation.reason,
        "call": call and {"operation": call.operation, "parameters": _value(call.parameters)},
        "before": _value(operation.before),
        "after": _value(operation.after),
        "awaits": sorted(operation.awaits),
        "gives": sorted(operation.gives),
        "needs": sorted(operation.needs),
        "follows": sorted(operation.follows),
        "destructive": operation.destructive,
        "proposal": operation.proposal,
        "withheld": plan.withheld.get(operation.id),
    }


def _read_operation(field: Field) -> Operation:
    entity = field["entity"].optional_text()
    return Operation(
        kind=field["kind"].text(),
        action=field["action"].word(Action),
        subject=Key(field["subject"].text()),
        entity=None if entity is None else EntityId(entity),
        bundle=field["bundle"].text(),
        summary=field["summary"].text(),
        reason=field["reason"].text(),
        call=None if field["call"].value is None else _read_call(field["call"]),
        before=field["before"].mapped(_read_value),
        after=field["after"].mapped(_read_value),
        awaits=_facts(field["awaits"]),
        gives=_facts(field["gives"]),
        needs=field["needs"].texts(),
        follows=field["follows"].texts(),
        destructive=field["destructive"].flag(),
        proposal=field["proposal"].flag(),
    )


def _facts(field: Field) -> frozenset[Fact]:
    return frozenset(Fact(text) for text in field.texts())


def _read_call(field: Field) -> Call:
    return Call(field["operation"].text(), field["parameters"].mapped(_read_parameter))


def _read_parameter(field: Field) -> Parameter:
    value = _read_value(field)
    if not isinstance(value, str | int | Ref | Generated | Merged):
        raise field.refusal("is no value of a call")
    return value


def _value(value: object) -> Any:  # noqa: ANN401 - JSON has no narrower type
    """Return *value* in JSON form, sets told from lists so that reading gives back what was written."""
    match value:
        case Mapping():
            return {str(name): _value(value[name]) for name in sorted(value, key=str)}
        case set() | frozenset():
            return {"$set": sorted(str(item) for item in value)}
        case tuple() | list():
            return [_value(item) for item in value]
        case _:
            return plain(value)


def _read_value(field: Field) -> object:
    match field.value:
        case {"$ref": str(key), **rest} if not rest:
            return Ref(Key(key))
        case {"$generated": str(name), **rest} if not rest:
            return Generated(name)
        case {"$merged": str(operation), **rest} if not rest:
            return Merged(operation)
        case {"$set": list(), **rest} if not rest:
            return field["$set"].texts()
        case dict():
            return field.mapped(_read_value)
        case list():
            return field.each(_read_value)
        case _:
            return field.value


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "guard": finding.guard,
        "counted": finding.counted,
        "population": finding.population,
        "tripped": finding.tripped,
        "used": finding.used,
        "text": finding.text,
        "bundles": sorted(finding.bundles),
    }


def _read_finding(field: Field) -> Finding:
    return Finding(
        guard=field["guard"].text(),
        counted=field["counted"].number(),
        population=field["population"].number(),
        tripped=field["tripped"].flag(),
        used=field["used"].text(),
        text=field["text"].text(),
        bundles=field["bundles"].texts(),
    )


def _pending(pending: Pending) -> dict[str, Any]:
    return {
        "key": pending.key,
        "entity": pending.entity,
        "name": pending.name,
        "why": pending.why,
        "cycles": pending.cycles,
        "cycles_needed": pending.cycles_needed,
        "since": _moment(pending.since),
        "due_at": pending.due_at and _moment(pending.due_at),
    }


def _read_pending(field: Field) -> Pending:
    return Pending(
        key=Key(field["key"].text()),
        entity=EntityId(field["entity"].text()),
        name=field["name"].text(),
        why=field["why"].text(),
        cycles=field["cycles"].number(),
        cycles_needed=field["cycles_needed"].number(),
        since=field["since"].moment(),
        due_at=field["due_at"].optional_moment(),
    )


def _rejection(rejection: Rejection) -> dict[str, Any]:
    return {
        "key": rejection.key,
        "origin": rejection.origin,
        "reason": rejection.reason,
        "remedy": rejection.remedy,
    }


def _read_rejection(field: Field) -> Rejection:
    key = field["key"].optional_text()
    return Rejection(
        key=None if key is None else Key(key),
        origin=field["origin"].text(),
        reason=field["reason"].text(),
        remedy=field["remedy"].text(),
    )


def _read_note(field: Field) -> Note:
    return Note(code=field["code"].text(), subject=field["subject"].text(), text=field["text"].text())


def _sorted(mapping: Mapping[str, Any]) -> dict[str, Any]:
    return {name: mapping[name] for name in sorted(mapping)}


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
