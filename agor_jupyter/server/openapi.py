"""The OpenAPI 3.1 document, made from the route table and the models; `python -m` prints it.

It needs no running server. Every `SessionEvent` update is a component, and so are the frames of
the events socket: the front end generates its types from this document.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from agor_jupyter import __version__
from agor_jupyter.domain.board import InboxItem, SessionRow, WorktreeCard, Zone
from agor_jupyter.domain.events import SessionEvent, SessionUpdate, WorkspaceEvent
from agor_jupyter.server.frames import ClientFrame, Problem, ServerFrame
from agor_jupyter.server.operation import Operation, Route
from agor_jupyter.server.table import ROUTES

REF = "#/components/schemas/{model}"
PREFIX = "agor/api/v1"
_TEXTS: dict[str, Any] = {"type": "object", "additionalProperties": {"type": "string"}}


def document(base_url: str = "/") -> dict[str, Any]:
    """Give the document; paths are relative to `<base_url>agor/api/v1`."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "agor-jupyter", "version": __version__},
        "servers": [{"url": f"{base_url.rstrip('/')}/{PREFIX}"}],
        "security": [{"token": []}, {"cookie": []}],
        "paths": {**{route.path: _path(route) for route in ROUTES}, "/openapi.json": _self()},
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {
                "token": {"type": "apiKey", "in": "header", "name": "Authorization"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": "_xsrf"},
            },
        },
    }


def _self() -> dict[str, Any]:
    return {
        "get": {
            "operationId": "house.describe",
            "summary": "This document",
            "responses": {"200": {"description": "OpenAPI 3.1", **_content({"type": "object"})}},
        }
    }


def _path(route: Route) -> dict[str, Any]:
    item: dict[str, Any] = {operation.method.lower(): _operation(operation) for operation in route.operations}
    if route.parameters:
        item["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
            for name in route.parameters
        ]
    return item


def _operation(operation: Operation) -> dict[str, Any]:
    rule = operation.rule
    described: dict[str, Any] = {
        "operationId": operation.verb,
        "summary": operation.summary,
        "description": f"Asks {rule.action} on {rule.resource}"
        + (", and to be the owner or an admin." if rule.narrowed else "."),
        "parameters": [*_query(operation), *_idempotency(operation)],
        "responses": _responses(operation),
    }
    if operation.body is not None or (operation.map_of_text and operation.method != "GET"):
        schema = _ref(operation.body) if operation.body is not None else _TEXTS
        described["requestBody"] = {"required": True, **_content(schema)}
    return described


def _responses(operation: Operation) -> dict[str, Any]:
    responses: dict[str, Any] = {
        "default": {
            "description": "What went wrong, and what to do",
            "content": {"application/problem+json": {"schema": _ref(Problem)}},
        }
    }
    if operation.answer is None and not operation.map_of_text:
        responses["204"] = {"description": "Done"}
        return responses
    schema = _ref(operation.answer) if operation.answer is not None else _TEXTS
    responses[str(operation.status)] = {"description": operation.summary, **_content(schema)}
    if operation.follows:
        lines = {"application/x-ndjson": {"schema": _ref(SessionEvent)}}
        responses[str(operation.status)]["content"].update(lines)
    if operation.also_empty:
        responses["204"] = {"description": "Done; the record is gone"}
    return responses


def _query(operation: Operation) -> list[dict[str, Any]]:
    if operation.query is None:
        return []
    schema = operation.query.model_json_schema()
    return [
        {"name": name, "in": "query", "required": False, "schema": field}
        for name, field in schema["properties"].items()
    ]


def _idempotency(operation: Operation) -> list[dict[str, Any]]:
    if operation.method != "POST":
        return []
    schema = {"type": "string", "minLength": 1, "maxLength": 200}
    description = "The same key gives the same answer and does the thing once."
    return [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "schema": schema,
            "description": description,
        }
    ]


def _content(schema: dict[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}


def _ref(model: type[BaseModel]) -> dict[str, Any]:
    return {"$ref": REF.format(model=_name(model))}


def _name(model: type[BaseModel]) -> str:
    return model.__name__.replace("[", "_").replace("]", "_")


def _schemas() -> dict[str, Any]:
    """Give every model by its name: what is served as it is served, what is sent as it is read."""
    served = sorted({*_served()}, key=lambda model: model.__name__)
    sent = sorted({*_sent()}, key=lambda model: model.__name__)
    _, out = models_json_schema([(model, "serialization") for model in served], ref_template=REF)
    _, read = models_json_schema([(model, "validation") for model in sent], ref_template=REF)
    schemas: dict[str, Any] = {name: _complete(name, schema) for name, schema in out["$defs"].items()}
    for name, schema in read["$defs"].items():
        # A model that is both sent and served must look the same in both directions.
        if schemas.setdefault(name, schema) != schema:
            raise ValueError(f"{name} differs between what is sent and what is served")
    return schemas


def _complete(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Require every field: what is served is whole. Only a frame leaves out the groups that it is not."""
    if name == ServerFrame.__name__ or "properties" not in schema:
        return schema
    return {**schema, "required": list(schema["properties"])}


def _served() -> Iterator[type[BaseModel]]:
    yield from (SessionEvent, WorkspaceEvent, ServerFrame, Problem, WorktreeCard, SessionRow, InboxItem, Zone)
    yield from get_args(get_args(SessionUpdate)[0])
    for route in ROUTES:
        yield from (op.answer for op in route.operations if op.answer is not None)


def _sent() -> Iterator[type[BaseModel]]:
    yield ClientFrame
    for route in ROUTES:
        yield from (op.body for op in route.operations if op.body is not None)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(document(), indent=1, sort_keys=True) + "\n")
