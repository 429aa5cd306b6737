"""The JSON Schema of the configuration, for editors: `# yaml-language-server: $schema=…/syncd.schema.json`."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pydantic import TypeAdapter

from syncd.model.durations import format_duration
from syncd.settings.root import Settings

_DURATION = r"^(\d+d)?(\d+h)?(\d+m)?(\d+(\.\d+)?s)?$"
_ENVIRONMENT = {
    "title": "FromEnvironment",
    "description": "The value of an environment variable.",
    "type": "object",
    "properties": {"env": {"type": "string"}},
    "required": ["env"],
    "additionalProperties": False,
}
_SECRET = {
    "title": "Secret",
    "description": "Where a secret stands: in a file, in the environment, or among systemd's credentials.",
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("file", "env", "credential")},
    "minProperties": 1,
    "maxProperties": 1,
    "additionalProperties": False,
}
#: Reads the form in which pydantic writes the default of a duration.
_ISO = TypeAdapter(timedelta)
_SCALARS = frozenset({"string", "integer", "number", "boolean"})


def editor_schema() -> dict[str, Any]:
    """Return what an editor may take for right: what the reader takes."""
    schema = _widened(Settings.model_json_schema(by_alias=True))
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "Configuration of syncd"
    schema["$defs"] = schema["$defs"] | {"FromEnvironment": _ENVIRONMENT, "Secret": _SECRET}
    return schema


def _widened(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return *schema* with the forms that are read before pydantic sees them."""
    whole = {key: _inner(key, value) for key, value in schema.items() if key != "title"}
    if isinstance(whole.get("default"), Mapping):
        del whole["default"]  # what a section holds when it is left out, its keys say themselves
    if whole.get("format") == "duration":
        del whole["format"]
        whole["pattern"] = _DURATION
        if "default" in whole:
            whole["default"] = format_duration(_ISO.validate_python(whole["default"]))
    if whole.get("format") == "password":
        return {"$ref": "#/$defs/Secret"}
    is_value = whole.get("type") in _SCALARS or "enum" in whole
    if not is_value or "const" in whole:
        return whole
    aside: dict[str, Any] = {key: whole.pop(key) for key in ("description", "default") if key in whole}
    return {**aside, "anyOf": [whole, {"$ref": "#/$defs/FromEnvironment"}]}


def _inner(key: str, value: Any) -> Any:  # noqa: ANN401 - JSON has no narrower type
    if key in ("properties", "$defs") and isinstance(value, Mapping):
        return {name: _widened(part) for name, part in value.items()}
    if key in ("anyOf", "oneOf", "allOf") and isinstance(value, list):
        return [_widened(part) for part in value]
    if key in ("items", "additionalProperties") and isinstance(value, Mapping):
        return _widened(value)
    return value
