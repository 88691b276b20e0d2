"""The OpenAPI document (3.1) of the WebAPI, made from the declarations of the messages.

All messages stand on one page and are told apart by ``type``, so there is one operation a method, whose parameters are
one of the messages' schemas. ``python -m appliance.webapi.openapi`` prints it.
"""

from __future__ import annotations

import functools
import importlib.metadata
import inspect
import json
from collections.abc import Iterator
from typing import Any

from appliance.errors import RequestError, ResultCode
from appliance.messages.catalog import catalog
from appliance.messages.envelope import Envelope
from appliance.messages.origin import Port
from appliance.messages.parameter import INT32_MAX, Choice, Flag, Number, Parameter, Reading, Text
from appliance.messages.request import Request

PAGE = "/webAPI.aspx"
_FORM = "application/x-www-form-urlencoded"
_ENVELOPE = ("REQUESTTYPE", "REQUESTID", "RESULTTYPE", "RESULTCODE", "RESULTMSG")


def web_types() -> list[type[Request]]:
    """Give the messages that the WebAPI takes, in alphabetical order."""
    return [kind for kind in dict.fromkeys(catalog().values()) if Port.WEB in kind.ports]


@functools.cache
def document() -> dict[str, Any]:
    """Give the whole document."""
    kinds = web_types()
    one_of = {
        "oneOf": [{"$ref": f"#/components/schemas/{kind.wire_name()}"} for kind in kinds],
        "discriminator": {
            "propertyName": "type",
            "mapping": {kind.wire_name(): f"#/components/schemas/{kind.wire_name()}" for kind in kinds},
        },
    }
    query = {"name": "message", "in": "query", "required": True, "style": "form", "explode": True, "schema": one_of}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Linetap WebAPI",
            "version": importlib.metadata.version("linetap"),
            "license": {"name": "GPL-2.0-or-later", "identifier": "GPL-2.0-or-later"},
            "description": "Every message by query or form. Letter case of page, names and types does not matter. "
            "The answer of a message that fails is HTTP 200 too: RESULTCODE tells.",
        },
        "servers": [{"url": "/"}],
        "security": [{}, {"token": []}, {"basic": []}],
        "paths": {
            PAGE: {
                "get": {"operationId": "ask", "summary": "A message in the query", "parameters": [query]}
                | {"responses": _responses()},
                "post": {"operationId": "send", "summary": "A message in a form; it counts before the query"}
                | {
                    "requestBody": {"required": True, "content": {_FORM: {"schema": one_of}}},
                    "responses": _responses(),
                },
            }
        },
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "where the port asks for a token"},
                "basic": {"type": "http", "scheme": "basic", "description": "the token as the password"},
            },
            "schemas": {kind.wire_name(): _schema(kind) for kind in kinds} | {"RESULT": _result()},
        },
    }


def words_of(kind: type[Request]) -> str:
    """Give the text of a message."""
    return inspect.cleandoc(kind.__doc__ or "").replace("``", "`")


def named(kind: type[Request]) -> Iterator[tuple[str, str, Parameter]]:
    """Give the wire name, the field and the declaration of each parameter."""
    for field, parameter in kind.parameters.items():
        yield parameter.name or field.upper(), field, parameter


def _schema(kind: type[Request]) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "type": {"type": "string", "enum": [kind.wire_name(), *kind.synonyms]},
        "requestid": {"type": "integer", "minimum": 0, "maximum": INT32_MAX, "description": "echoed"},
    }
    required = ["type", *(["requestid"] if kind.request_id_required else [])]
    keys = [{"required": [name.lower()]} for name, field, _ in named(kind) if field in kind.keys]
    for name, _, parameter in named(kind):
        properties[name.lower()] = _property(parameter)
        if parameter.required:
            required.append(name.lower())
    samples = [
        {"type": kind.wire_name()} | {name.lower(): value for name, value in sample.items()}
        for sample in kind.samples
        if _is_good(kind, sample)
    ]
    return (
        {"type": "object", "title": kind.wire_name(), "description": words_of(kind), "properties": properties}
        | {"required": required, "x-answers": list(kind.returns), "examples": samples}
        | ({"anyOf": keys} if keys else {})
    )


def _is_good(kind: type[Request], sample: dict[str, str]) -> bool:
    """Whether the message takes it; others stand in the reference to show how they are refused."""
    values = {"TYPE": kind.wire_name(), **sample}
    try:
        kind.read(values, Envelope.read(values), Reading(kind.wire_name(), "", strict_lengths=True))
    except RequestError:
        return False
    return True


def _property(parameter: Parameter) -> dict[str, Any]:
    fault = {"x-fault": int(parameter.fault.code)} if parameter.can_fail else {}
    also = {"x-synonyms": [name.lower() for name in parameter.synonyms]} if parameter.synonyms else {}
    return _values(parameter) | {"description": f"{parameter.text} ({parameter.limits})"} | fault | also


def _values(parameter: Parameter) -> dict[str, Any]:
    match parameter:
        case Text():
            return {"type": "string", "maxLength": parameter.length}
        case Number():
            return {"type": "integer", "minimum": parameter.lowest, "maximum": parameter.highest}
        case Flag():
            return {"type": "string", "enum": ["Y", "N"]}
        case Choice(otherwise=""):
            return {"type": "string", "enum": list(parameter.words)}
    return {"type": "string"}


def _result() -> dict[str, Any]:
    codes = {code.label: code.value for code in ResultCode}
    properties: dict[str, Any] = {name: {"type": "string"} for name in _ENVELOPE}
    properties["RESULTCODE"] = {"type": "integer", "enum": list(codes.values()), "x-labels": codes}
    return {"type": "object", "xml": {"name": "RESULT"}, "required": list(_ENVELOPE), "properties": properties}


def _responses() -> dict[str, Any]:
    result = {"text/xml": {"schema": {"$ref": "#/components/schemas/RESULT"}}}
    return {
        "200": {
            "description": "the answer; for EXPORT that succeeds the octets of the file",
            "content": result | {"audio/*": {}, "application/octet-stream": {}},
        },
        "206": {"description": "EXPORT: the part that Range asked for", "content": {"audio/*": {}}},
        "401": {"description": "the port asks for a token", "content": result},
        "413": {"description": "the form is too long", "content": result},
        "416": {"description": "EXPORT: nothing of the file lies in the Range", "content": {}},
        "429": {"description": "too many requests; Retry-After tells when to come again", "content": result},
    }


if __name__ == "__main__":
    print(json.dumps(document(), indent=1))  # noqa: T201 - it is what the command is for
