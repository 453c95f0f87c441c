"""The API's OpenAPI document, made from the table of endpoints and the records; as a command it prints it.

python -m turnwise.view.server.openapi > src/turnwise/view/web/openapi.json
"""

from __future__ import annotations

import ast
import inspect
import json
import re
import sys
from functools import cache
from itertools import pairwise
from typing import Any

import msgspec

from turnwise.view.server import shapes
from turnwise.view.server.endpoints import ENDPOINTS, Endpoint

_PLACE = re.compile(r"{(\w+)}")
_NUMBERS = ("number", "turn", "frame", "label")
"""Path parameters that are numbers; all others are texts."""
_PROBLEMS = {
    400: "Bad request",
    401: "No token",
    403: "Refused",
    404: "Not found",
    409: "Conflict",
    413: "Too large",
    500: "Failed",
    503: "Trouble with the store",
}
_REF = "#/components/schemas/{name}"


def document() -> dict[str, Any]:
    """OpenAPI 3.1, as JSON values."""
    records = [
        record
        for endpoint in ENDPOINTS
        for record in (endpoint.query, endpoint.body, endpoint.reply)
        if record
    ]
    wanted = list(dict.fromkeys([*records, shapes.Problem, shapes.Event]))
    _, components = msgspec.json.schema_components(wanted, ref_template=_REF)
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in ENDPOINTS:
        parameters = [_place(name) for name in _PLACE.findall(endpoint.path)] + _query(endpoint, components)
        paths.setdefault(f"/api{endpoint.path}", {})[endpoint.method.lower()] = _operation(
            endpoint, parameters
        )
    for record in wanted:
        if issubclass(record, shapes.Asked) and all(record is not endpoint.body for endpoint in ENDPOINTS):
            del components[record.__name__]
    return {
        "openapi": "3.1.0",
        "info": {"title": "Turnwise viewer", "version": "1", "description": (shapes.__doc__ or "").strip()},
        "paths": paths,
        "components": {
            "schemas": {name: _whole(name, schema) for name, schema in sorted(components.items())}
        },
    }


def text() -> str:
    """The document as a file."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


def _operation(endpoint: Endpoint, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    if endpoint.reply is None:
        content: dict[str, Any] = {media: {} for media in endpoint.media}
    else:
        content = {"application/json": {"schema": _ref(endpoint.reply)}}
    problem = {"application/json": {"schema": _ref(shapes.Problem)}}
    operation: dict[str, Any] = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "parameters": parameters,
        "responses": {
            str(endpoint.status): {"description": endpoint.summary, "content": content},
            **{str(status): {"description": told, "content": problem} for status, told in _PROBLEMS.items()},
        },
    }
    if endpoint.body is not None:
        body = {"application/json": {"schema": _ref(endpoint.body)}}
        operation["requestBody"] = {"required": True, "content": body}
    return operation


def _place(name: str) -> dict[str, Any]:
    schema = {"type": "integer", "minimum": 0} if name in _NUMBERS else {"type": "string", "minLength": 1}
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _query(endpoint: Endpoint, components: dict[str, Any]) -> list[dict[str, Any]]:
    schema = components[endpoint.query.__name__]
    described = _described()[endpoint.query.__name__]
    found: list[dict[str, Any]] = []
    for name, given in schema["properties"].items():
        required = name in schema.get("required", ())
        one: dict[str, Any] = {"name": name, "in": "query", "required": required}
        if name in described:
            one["description"] = described[name]
        found.append({**one, "schema": _without_null(given)})
    return found


def _without_null(given: dict[str, Any]) -> dict[str, Any]:
    """A query leaves out what is null."""
    schema = {key: value for key, value in given.items() if not (key == "default" and value is None)}
    kinds = [kind for kind in schema.pop("anyOf", ()) if kind.get("type") != "null"]
    if len(kinds) == 1:
        schema |= kinds[0]
    elif kinds:
        schema["anyOf"] = kinds
    if isinstance(schema.get("enum"), list):
        schema["enum"] = [value for value in schema["enum"] if value is not None]
    return schema


def _whole(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """A record's schema; a reply gives all its fields."""
    record = getattr(shapes, name)
    if issubclass(record, shapes.Reply):
        schema = {**schema, "required": list(schema["properties"])}
    described = _described().get(name, {})
    properties = {
        key: {**value, "description": described[key]} if key in described else value
        for key, value in schema["properties"].items()
    }
    return {**schema, "properties": properties}


@cache
def _described() -> dict[str, dict[str, str]]:
    """What the source says below each field of each record."""
    found: dict[str, dict[str, str]] = {}
    records = [record for record in vars(shapes).values() if isinstance(record, type)]
    modules = dict.fromkeys(record.__module__ for record in records)
    sources = [inspect.getsource(sys.modules[module]) for module in modules]
    for record in (node for source in sources for node in ast.parse(source).body):
        if isinstance(record, ast.ClassDef):
            fields = found.setdefault(record.name, {})
            for field, told in pairwise(record.body):
                if isinstance(field, ast.AnnAssign) and isinstance(told, ast.Expr):
                    assert isinstance(field.target, ast.Name)
                    fields[field.target.id] = " ".join(str(ast.literal_eval(told.value)).split())
    return found


def _ref(record: type[msgspec.Struct]) -> dict[str, str]:
    return {"$ref": _REF.format(name=record.__name__)}


if __name__ == "__main__":
    sys.stdout.write(text())
