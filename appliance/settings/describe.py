"""What can be said of a model's keys, for the sample file and the reference."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, final

import pydantic
from pydantic_core import PydanticUndefined


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Described:
    """One key: ``value`` is its default as TOML, or an example where ``default`` is False."""

    name: str
    meaning: str
    values: str
    value: str
    default: bool
    required: bool


def keys(model: type[pydantic.BaseModel], given: Mapping[str, Any] | None = None) -> Iterator[Described]:
    """Describe every key of a table in the order of its model; ``given`` are values for required ones."""
    properties = model.model_json_schema()["properties"]
    for name, field in model.model_fields.items():
        default = field.get_default(call_default_factory=True, validated_data={})
        has_default = default is not PydanticUndefined and default is not None
        example = (given or {}).get(name, (field.examples or [_example(properties[name])])[0])
        yield Described(
            name=name,
            meaning=field.description or "",
            values=_values(properties[name]),
            value=toml(default if has_default else example),
            default=has_default,
            required=field.is_required(),
        )


def _example(schema: Mapping[str, Any]) -> Any:
    """Give a value of the schema's type, for a key that declares neither a default nor an example."""
    match schema.get("type"):
        case "array":
            return [_example(schema.get("items", {}))]
        case "integer" | "number":
            return schema.get("minimum", 0)
        case _:
            return "..."


def first_line(model: type[Any]) -> str:
    """First line of the class's docstring."""
    return (model.__doc__ or "").strip().split("\n", maxsplit=1)[0]


def toml(value: Any) -> str:
    """Write a value as TOML."""
    match value:
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case float():
            return f"{value:g}"
        case list() | tuple():
            return f"[{', '.join(toml(item) for item in value)}]"
        case dict():
            return "{ " + ", ".join(f"{json.dumps(k)} = {toml(v)}" for k, v in value.items()) + " }" if value else "{}"
        case str() | Path():
            return json.dumps(str(value), ensure_ascii=False)
        case _:
            return json.dumps(str(value), ensure_ascii=False)


def _values(schema: Mapping[str, Any]) -> str:
    """Say which values a JSON schema takes."""
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_values(one) for one in schema["anyOf"] if one.get("type") != "null"))
    if "enum" in schema:
        return ", ".join(f"`{json.dumps(value)}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    match schema.get("type"):
        case "array":
            items = schema.get("items") or (schema.get("prefixItems") or [{}])[0]
            return f"list of {_values(items)}"
        case "integer" | "number":
            return _range(schema)
        case "boolean":
            return "`true`, `false`"
        case "object":
            return "table"
        case _:
            return {"path": "path", "file-path": "path"}.get(schema.get("format", ""), "text")


def _range(schema: Mapping[str, Any]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    word = "whole number" if schema["type"] == "integer" else "number"
    if low is not None and high is not None:
        return f"{word}, {low:g} to {high:g}" if high < 1_000_000 else f"{word}, {low:g} to {high}"
    return f"{word}, {low:g} or more" if low is not None else word
