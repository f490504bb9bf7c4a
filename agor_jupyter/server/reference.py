"""Writes the tables of `docs/reference-rest.md` from the route table; `python -m` prints the page.

The page is never edited by hand; a test compares it with what this writes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from pydantic import BaseModel

from agor_jupyter.server.operation import Operation
from agor_jupyter.server.table import ROUTES
from agor_jupyter.service.access import RULES

HEAD = """\
# REST reference

Everything below stands under `<base_url>agor/api/v1`. The same table makes the handlers, the OpenAPI 3.1
document at `openapi.json` and this page (`python -m agor_jupyter.server.reference > docs/reference-rest.md`).

- **Who.** Authentication and XSRF are Jupyter Server's own. A kernel sends its scoped token,
  `Authorization: token agor_…`, acts as the person who started it, and gets in here only.
- **Lists** answer `{"items": […], "next": cursor|null}` and take `limit` (1 to 200) and `cursor`. Events take
  `after_seq` or `before_seq` instead, up to 500 at once; `next` is the value for the following page.
- **Once.** Every POST takes an `Idempotency-Key` of 1 to 200 characters. The same key gives the same answer
  and does the thing once, also for requests at the same moment; a replay carries the header
  `Idempotency-Replayed: true`; another request under the key is a 422. What failed was not done, and may be
  tried again under the same key.
- **Errors** are `application/problem+json`: `type title status detail hint` and the error's own fields.
  400 cannot be read, 403 may not, 404 is not there, 409 the state forbids it, 422 makes no sense, 507 the
  disk is full.
- **Bodies** are at most 8 MiB of JSON in UTF-8, without NUL characters; unknown fields are refused.

## What each request asks

`Asks` is put to Jupyter's Authorizer. "owner" narrows it: only who made the thing, or an admin.

| Request | Asks | Body | Answer | |
|---|---|---|---|---|
"""

TAIL = """
## Who may do what

Roles are names for grants of Jupyter's Authorizer: a *viewer* reads, a *member* also writes and executes, an
*admin* holds `admin`; *owner* is who made the thing. Without named users everyone is the one person `local`.

| Verb | Asks | Narrowed to the owner |
|---|---|---|
"""

SOCKET = """
## The events socket

`GET /events` upgrades to a websocket (asks read `agor:sessions`; same origin only). Frames are JSON texts.

| A client says | It means |
|---|---|
| `{"id": n, "subscribe": {"session": id, "after_seq": n}}` | every event of the session after that seq |
| `{"id": n, "subscribe": {"workspace": true, "after_seq": n}}` | all else and records (null: from now) |
| `{"id": n, "subscribe": {"inbox": true}}` | what waits for a person in all sessions, and its end |
| `{"id": n, "unsubscribe": {"session": id}}` | no more of it; or `"workspace"`, `"inbox"` |
| `{"ping": n}` | answered by `{"pong": n}` |

| The server says | When |
|---|---|
| `{"reply": n, "ok": true}` or `{"reply": n, "problem": {…}}` | for each message with its `id` |
| `{"session": id, "events": […]}` | in order, without gap or repetition; one frame in 33 ms at most |
| `{"workspace": […]}` | what happened outside of sessions |
| `{"sessions": […]}` | sessions' records as they change; last words alone at most twice a second |
| `{"inbox": […], "whole": true}` | each `permission_request` that waits; it replaces what was known |
| `{"inbox": […]}` | a `permission_request`, `permission_resolved` or `task_ended` of any session |

Subscribe first, then read lists by REST: what changes in between is heard. At most 200 subscriptions a
socket, 100 messages a second, 16 KB a message, 500 events a frame. Rights are asked at each subscription and
every 5 s. Close codes: 1001 the server stops, 1008 too many messages, 1009 a message above 1 MB, 1011 failed
and 1013 behind (the client takes nothing for 4 s): come again with `after_seq`; 4403 may not read (any more).
"""


def page() -> str:
    """Give the whole page."""
    rows = (_row(route.path, operation) for route in ROUTES for operation in route.operations)
    verbs = (
        f"| `{verb}` | {rule.action} `{rule.resource}` | {'yes' if rule.narrowed else ''} |"
        for verb, rule in sorted(RULES.items())
    )
    return HEAD + "\n".join(rows) + "\n" + TAIL + "\n".join(verbs) + "\n" + SOCKET


def _row(path: str, operation: Operation) -> str:
    rule = operation.rule
    asks = f"{rule.action} `{rule.resource}`{', owner' if rule.narrowed else ''}"
    query = f"?{'&'.join(f'{name}=' for name in operation.query.model_fields)}" if operation.query else ""
    return (
        f"| `{operation.method} {path}{query}` | {asks} | {_shape(operation.body)} "
        f"| {' or '.join(_answers(operation))} | {operation.summary} |"
    )


def _answers(operation: Operation) -> Iterator[str]:
    if operation.map_of_text:
        yield "200 an object of texts"
    elif operation.answer is None:
        yield "204"
    else:
        yield f"{operation.status} `{operation.answer.__name__}`"
    if operation.also_empty:
        yield "204"
    if operation.follows:
        yield "NDJSON"


def _shape(model: type[BaseModel] | None) -> str:
    if model is None:
        return ""
    names = (name if field.is_required() else f"{name}?" for name, field in model.model_fields.items())
    return f"`{{{', '.join(names)}}}`"


if __name__ == "__main__":
    sys.stdout.write(page())
