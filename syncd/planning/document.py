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
from datetime import UTC, datetime, timedelta
from typing import Any

from syncd.errors import UsageError
from syncd.model.action import Action
from syncd.model.entry import Rejection
from syncd.model.names import EntityId, Key
from syncd.model.operation import Bundle, Call, Fact, Generated, Merged, Operation, Parameter, Ref, hashed, plain
from syncd.model.page import Pages, Verb
from syncd.model.plan import SCHEMA_VERSION, Cause, Gist, Later, Note, Plan, Populations, Withheld
from syncd.model.standing import Pending
from syncd.planning.document_findings import read_finding, write_finding
from syncd.planning.fields import HINT, Field


def dumps(plan: Plan, *, indent: int | None = 2) -> str:
    """Return *plan* as JSON text: pure ASCII, so that no terminal reads an escape sequence out of a name."""
    return json.dumps(to_document(plan), indent=indent, ensure_ascii=True, allow_nan=False) + "\n"


def loads(text: str, pages: Pages) -> Plan:
    """Return the plan that *text* holds.

    Raises:
        UsageError: no JSON, another schema version, or a document that was edited.
    """
    return from_document(_parsed(text), pages)


def gist(text: str) -> Gist:
    """Return the gist of the plan that *text* holds, in a tenth of the time: no operation is read or looked at.

    Raises:
        UsageError: no JSON, another schema version, or something missing or of a wrong type.
    """
    root = _root(_parsed(text))
    return Gist(
        digest=root["digest"].text(),
        withheld=frozenset(root["withheld"].members()),
        notes=root["notes"].each(_read_note),
        names=root["names"].mapped(Field.text),
    )


def _parsed(text: str) -> object:
    try:
        document: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"The plan document can't be used: it is no JSON: {error}.", hint=HINT) from error
    return document


def _root(document: object) -> Field:
    root = Field(document)
    version = root["schema_version"]
    if version.value != SCHEMA_VERSION:
        raise version.refusal(f"is {version.value!r}, this syncd reads {SCHEMA_VERSION}")
    return root


def to_document(plan: Plan) -> dict[str, Any]:
    """Return *plan* in JSON form; members in a fixed order, mappings and sets sorted."""
    return {
        "schema_version": SCHEMA_VERSION,
        "digest": plan.digest,
        "organization": plan.organization,
        "organization_id": plan.organization_id,
        "created_at": _moment(plan.created_at),
        "populations": _sorted(plan.populations.numbers()),
        "counts": dict(plan.counts),
        "operations": [_operation(operation, plan) for operation in plan.operations],
        "outside": [_operation(operation, plan) for operation in plan.outside],
        "deferred": _sorted({verb.name: count for verb, count in plan.deferred.items()}),
        **({"later": [_later(later) for later in plan.later]} if plan.later else {}),
        **({"only": list(plan.only)} if plan.only else {}),
        **({"paused": plan.paused} if plan.paused else {}),
        "withheld": _sorted({identity: why.text for identity, why in plan.withheld.items()}),
        "withheld_by": _sorted({i: {"cause": why.cause.value, "guard": why.guard} for i, why in plan.withheld.items()}),
        "findings": [write_finding(finding) for finding in plan.findings],
        "pending": [_pending(pending) for pending in plan.pending],
        "rejections": [_rejection(rejection) for rejection in plan.rejections],
        "notes": [{"code": note.code, "subject": note.subject, "text": note.text} for note in plan.notes],
        "names": _sorted(plan.names),
    }


def from_document(document: object, pages: Pages) -> Plan:
    """Return the plan in *document*, made by `to_document`; members that it doesn't know are passed over.

    Raises:
        UsageError: another schema version, something missing or of a wrong type, or an id, digest or count
            that isn't what the content gives.
    """
    root = _root(document)
    read = _Reader(pages)
    plan = Plan(
        organization=root["organization"].text(),
        organization_id=root["organization_id"].text(),
        created_at=root["created_at"].moment(),
        operations=root["operations"].each(read.operation),
        outside=root["outside"].each(read.operation),
        deferred=read.deferred(root["deferred"]),
        later=() if (found := root.optional("later")) is None else found.each(read.later),
        only=() if (keys := root.optional("only")) is None else keys.each(Field.text),
        paused="" if (said := root.optional("paused")) is None else said.text(),
        withheld=_read_withheld(root),
        findings=root["findings"].each(read_finding),
        pending=root["pending"].each(_read_pending),
        rejections=root["rejections"].each(_read_rejection),
        notes=root["notes"].each(_read_note),
        populations=Populations.of_numbers(root["populations"].mapped(Field.number)),
        names=root["names"].mapped(Field.text),
    )
    _refuse_edited(root, plan)
    return plan


def _refuse_edited(root: Field, plan: Plan) -> None:
    """Compare what the document says of its own content with what that content gives."""
    for name, operations in (("operations", plan.operations), ("outside", plan.outside)):
        for field, operation in zip(root[name].items(), operations, strict=True):
            _same(field["id"], operation.id)
            _same(field["withheld"], _why(plan, operation))
            _same(field["destructive"], operation.destructive)
            if (content := field.optional("content")) is not None:
                _same(content, _content(operation))
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
        "bundle": str(operation.bundle),
        "summary": operation.summary,
        "reason": operation.reason,
        "call": call and {"operation": call.operation, "parameters": _value(call.parameters)},
        **({} if operation.stored_id else {"effect": _value(operation.effect)}),
        "before": _value(operation.before),
        "after": _value(operation.after),
        "awaits": sorted(operation.awaits),
        "gives": sorted(operation.gives),
        "needs": sorted(operation.needs),
        "follows": sorted(operation.follows),
        "destructive": operation.destructive,
        "proposal": operation.proposal,
        **({"tidies": True} if operation.tidies else {}),
        "content": _content(operation),
        "withheld": _why(plan, operation),
    }


def _content(operation: Operation) -> str:
    """Return what stands for all that is done: its id tells the effect only."""
    call = None if operation.call is None else [operation.call.operation, plain(operation.call.parameters)]
    shown = [operation.action, str(operation.bundle), operation.summary, operation.proposal]
    shown += ["tidies"] if operation.tidies else []
    return hashed([operation.id, call, plain(operation.before), plain(operation.after), *shown])


def _why(plan: Plan, operation: Operation) -> str | None:
    why = plan.withheld.get(operation.id)
    return None if why is None else why.text


class _Reader:
    """Reads operations back; *pages* know the verbs."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    def operation(self, field: Field) -> Operation:
        entity = field["entity"].optional_text()
        call = None if field["call"].value is None else _read_call(field["call"])
        effect = field.optional("effect")
        before, after = field["before"].mapped(_read_value), field["after"].mapped(_read_value)
        return Operation(
            verb=self._verb(field["kind"]),
            action=field["action"].word(Action),
            subject=Key(field["subject"].text()),
            entity=None if entity is None else EntityId(entity),
            bundle=Bundle.parse(field["bundle"].text()),
            summary=field["summary"].text(),
            reason=field["reason"].text(),
            call=call,
            effect={} if effect is None else effect.mapped(_read_value),
            before=before,
            after=after,
            awaits=_facts(field["awaits"]),
            gives=_facts(field["gives"]),
            needs=field["needs"].texts(),
            follows=field["follows"].texts(),
            proposal=field["proposal"].flag(),
            tidies=(said := field.optional("tidies")) is not None and said.flag(),
            stored_id=_id_of_first_version(field, call, before, after) if effect is None else "",
        )

    def deferred(self, field: Field) -> Mapping[Verb, int]:
        return {self._verb(Field(name, member.path)): member.number() for name, member in field.members().items()}

    def later(self, field: Field) -> Later:
        return Later(
            verb=self._verb(field["kind"]),
            rows=field["keys"].mapped(Field.text),
            guard=field["guard"].text(),
            proposal=field["proposal"].flag(),
        )

    def _verb(self, field: Field) -> Verb:
        try:
            return self._pages.verb(field.text())
        except KeyError:
            raise field.refusal(f"is {field.value!r}, which this syncd does not do") from None


def _id_of_first_version(
    field: Field, call: Call | None, before: Mapping[str, object], after: Mapping[str, object]
) -> str:
    """Return the id that operations had until what we change on the way left it: plans stored then stay readable."""
    made = None if call is None else [call.operation, plain(call.parameters)]
    entity = field["entity"].optional_text()
    return hashed([field["kind"].text(), field["subject"].text(), entity, made, plain(before), plain(after)])


def _read_withheld(root: Field) -> Mapping[str, Withheld]:
    by = root.optional("withheld_by")
    said = root["withheld"].mapped(Field.text)
    if by is None:
        return {identity: Withheld(cause=Cause.SAID, text=text) for identity, text in said.items()}
    return {
        identity: Withheld(cause=by[identity]["cause"].word(Cause), text=text, guard=by[identity]["guard"].text())
        for identity, text in said.items()
    }


def _later(later: Later) -> dict[str, Any]:
    """Return *later* in JSON form: by what each is approved, and whom it is about."""
    return {
        "kind": later.verb.name,
        "guard": later.guard,
        "proposal": later.proposal,
        "keys": _sorted(later.rows),
    }


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
        "counted_s": pending.counted.total_seconds(),
        "needed_s": pending.needed.total_seconds(),
        "anew": pending.anew,
        "because": pending.because,
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
        counted=_read_span(field.optional("counted_s")),
        needed=_read_span(field.optional("needed_s")),
        anew=_read_text(field.optional("anew")),
        because=_read_text(field.optional("because")),
    )


def _read_span(field: Field | None) -> timedelta:
    """Return the duration of so many seconds; none where an earlier version didn't write any."""
    seconds = None if field is None else field.optional_number()
    return timedelta(seconds=seconds or 0)


def _read_text(field: Field | None) -> str:
    return "" if field is None else field.text()


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
