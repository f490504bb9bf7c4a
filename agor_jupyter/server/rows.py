"""Short ways to write the two commonest operations of the route table."""

from __future__ import annotations

from pydantic import BaseModel

from agor_jupyter.server.operation import Method, Operation, Run

Model = type[BaseModel]


def get(verb: str, run: Run, answer: Model | None, summary: str, query: Model | None = None) -> Operation:
    return Operation("GET", verb, run, summary, answer, query=query)


def send(
    method: Method, verb: str, run: Run, body: Model, answer: Model, summary: str, status: int = 200
) -> Operation:
    return Operation(method, verb, run, summary, answer, body=body, status=status)
