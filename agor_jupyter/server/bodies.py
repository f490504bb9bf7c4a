"""Reads what was sent: JSON bodies and query strings into models, or `InvalidRequest`.

Whatever bytes arrive, the worst answer is a 400: bad UTF-8, `null`, `1`, `[]`, ten thousand
brackets, NUL characters and lone surrogates are all refused here, before a verb sees them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, TypeVar

import pydantic_core
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from agor_jupyter.domain.errors import InvalidRequest
from agor_jupyter.domain.session import SessionStatus
from agor_jupyter.service.worktrees import Files, RecordFate

M = TypeVar("M", bound=BaseModel)
MAX_BODY = 8 * 2**20
MAX_SEQ = 2**53 - 1
"""The largest whole number that JSON readers agree on (and far below SQLite's own limit)."""

Id = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Seq = Annotated[int, Field(ge=0, le=MAX_SEQ)]


class Query(BaseModel):
    """Unknown query fields are ignored: JupyterLab adds some of its own (`no_track_activity`, a time)."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class ListQuery(Query):
    limit: Annotated[int, Field(ge=1, le=200)] = 100
    cursor: Annotated[str, StringConstraints(max_length=500)] | None = None


class CredentialQuery(Query):
    name: Id


class WorktreeQuery(ListQuery):
    repo_id: Id | None = None
    board_id: Id | None = None


class SessionQuery(ListQuery):
    worktree_id: Id | None = None
    status: SessionStatus | None = None
    archived: bool | None = False


class PermissionQuery(ListQuery):
    state: Annotated[str, StringConstraints(pattern="^pending$")] = "pending"


class EventQuery(Query):
    after_seq: Seq = 0
    before_seq: Seq | None = None
    limit: Annotated[int, Field(ge=1, le=500)] = 500
    task_id: Id | None = None
    newest: bool = False


class DeleteQuery(Query):
    files: Files = "keep"
    record: RecordFate = "archive"
    force: bool = False


class DiffQuery(Query):
    against: Annotated[str, StringConstraints(max_length=100)] = "base"


def read_json(raw: bytes) -> object:
    """Parse JSON. Raises `InvalidRequest` for anything that is none, or that hides a NUL."""
    if len(raw) > MAX_BODY:
        raise InvalidRequest(f"The body is larger than {MAX_BODY >> 20} MiB.", hint="Send less at once.")
    try:
        value = pydantic_core.from_json(raw, allow_inf_nan=False)
    except ValueError as error:
        raise InvalidRequest(f"The body is not JSON: {error}.", hint="Send an object in UTF-8.") from None
    # Both spellings of NUL, and no parsed tree to walk. A backslash before the escape makes the
    # text of it harmless, and refusing that too costs nobody anything.
    if b"\\u0000" in raw or b"\x00" in raw:
        raise InvalidRequest("The body contains a NUL character.", hint="Take it out.")
    return value


def parse_body(raw: bytes, model: type[M]) -> M:
    """Read a body as `model`; an empty one counts as `{}`."""
    return _checked(read_json(raw) if raw.strip() else {}, model)


def parse_query(arguments: Mapping[str, list[bytes]], model: type[M]) -> M:
    """Read a query string as `model`: the last of a repeated name counts, an empty value counts as absent."""
    given: dict[str, object] = {}
    for name, values in arguments.items():
        try:
            text = values[-1].decode()
        except UnicodeDecodeError:
            raise InvalidRequest(f"The value of {name[:80]!r} is not UTF-8.") from None
        if "\x00" in text:
            raise InvalidRequest(f"The value of {name[:80]!r} contains a NUL character.")
        if text:
            given[name] = text
    return _checked(given, model)


def parse_texts(raw: bytes) -> dict[str, str]:
    """Read an object whose values are all text."""
    value = read_json(raw) if raw.strip() else {}
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise InvalidRequest("The body must be an object of texts.")
    return {str(name): str(text) for name, text in value.items()}


def _checked(value: object, model: type[M]) -> M:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise invalid(error) from None


def invalid(error: ValidationError) -> InvalidRequest:
    """Say what does not fit, field by field, without repeating what was sent (it may be secret)."""
    errors = [
        {"field": ".".join(str(part)[:80] for part in item["loc"]), "message": item["msg"][:300]}
        for item in error.errors(include_url=False, include_context=False, include_input=False)[:20]
    ]
    first = errors[0]
    return InvalidRequest(
        f"{first['field'] or 'The body'}: {first['message']}.",
        hint="See `errors`." if len(errors) > 1 else "",
        errors=errors,
    )
