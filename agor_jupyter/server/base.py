"""The base of every REST handler: the door, the body, the answer, and what goes wrong on the way."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Callable
from types import TracebackType
from typing import Any, cast

from jupyter_server.base.call_context import CallContext
from jupyter_server.base.handlers import APIHandler, JupyterHandler
from pydantic import BaseModel
from tornado import web
from tornado.iostream import StreamClosedError

from agor_jupyter.domain.errors import NotFound
from agor_jupyter.domain.ports import Answer
from agor_jupyter.domain.user import Actor
from agor_jupyter.server import bodies, idempotency, roles
from agor_jupyter.server.doors import guarded
from agor_jupyter.server.errors import PROBLEM_TYPE, is_bug, log_bug, problem_of
from agor_jupyter.server.lines import write_lines
from agor_jupyter.server.operation import Call, Lines, Operation, Result
from agor_jupyter.service.house import House

KEY_HEADER = "Idempotency-Key"


class Entrance(JupyterHandler):
    """The door: Jupyter's own, and beside it the scoped token of a kernel, good for these routes only."""

    came_by_token = False

    @property
    def house(self) -> House:
        if "agor" not in self.settings:
            # `agor_closed` says why the extension could not open (a newer database, a network folder).
            raise self.settings.get("agor_closed") or web.HTTPError(503, reason="Starting")
        return cast(House, self.settings["agor"])

    async def enter_by_token(self) -> bool:
        """Let a scoped token in; say whether the request carries one. Raises 403 for a bad one.

        The header cannot be set across origins, so neither XSRF nor origin is asked; the host is.
        """
        token = roles.scoped_token(self)
        if token is None:
            return False
        CallContext.set(CallContext.JUPYTER_HANDLER, self)
        user = await roles.user_of_token(self, self.house, token) if self.check_host() else None
        self.current_user = self._jupyter_current_user = user
        if user is None:
            raise web.HTTPError(403)
        self.came_by_token = True
        return True

    async def still_known(self) -> bool:
        """Say whether the scoped token that this came with, if any, is valid still."""
        token = roles.scoped_token(self)
        return token is None or await roles.user_of_token(self, self.house, token) is not None

    async def find_actor(self) -> Actor:
        """Name the actor, with what is granted at this moment."""
        return await roles.actor_for(self, via_token=self.came_by_token)


class AgorHandler(Entrance, APIHandler):
    """Answers the operations of one route. Subclasses are made by `handler_of`, one for each route."""

    auth_resource = "agor:settings"
    following: asyncio.Task[Any] | None = None

    async def prepare(self) -> None:  # type: ignore[override]  # as APIHandler's own
        if not await self.enter_by_token():
            await super().prepare()

    async def answer(self, operation: Operation, path: dict[str, str]) -> None:
        """Run an operation and finish. The one place where any error becomes an answer."""
        try:
            call = await self._call(operation, path)
            keyed = operation.method == "POST" and self.request.headers.get(KEY_HEADER) is not None
            if keyed and not operation.secret:
                await self._finish_once(operation, call)
                return
            result = await operation.run(call)
            if isinstance(result, Lines):
                await write_lines(self, result.batches)
            else:
                self._finish(_answer_of(operation, result))
        except StreamClosedError:
            return  # the client left
        except web.HTTPError:
            raise
        except Exception as error:  # the handler base: each is reported, none swallowed
            self._finish_problem(error)

    async def _call(self, operation: Operation, path: dict[str, str]) -> Call:
        for name, value in path.items():
            if not value.isascii() or not value.replace("_", "").replace("-", "").isalnum():
                raise NotFound(f"There is no {name} {value[:80]!r}.")
        house = self.house
        body, arguments = self.request.body, self.request.query_arguments
        actor = await self.find_actor()
        named = roles.has_named_users(self.identity_provider)
        return Call(
            house=house,
            actor=actor,
            path=path,
            query=bodies.parse_query(arguments, operation.query) if operation.query else None,
            body=bodies.parse_body(body, operation.body) if operation.body else None,
            texts=bodies.parse_texts(body) if operation.map_of_text and operation.method != "GET" else {},
            accept=self.request.headers.get("Accept", ""),
            browser=None if named or self.came_by_token else roles.browser_of(self),
            named_users=named,
        )

    async def _finish_once(self, operation: Operation, call: Call) -> None:
        key = idempotency.check_key(self.request.headers[KEY_HEADER])
        print_ = idempotency.fingerprint(operation.method, self.request.path, self.request.body)
        new_id = idempotency.derived_ids(call.actor.id, key, print_)
        house = dataclasses.replace(call.house, new_id=new_id)
        keyed = dataclasses.replace(call, house=house)

        async def act() -> Answer:
            return _answer_of(operation, await operation.run(keyed))

        once: idempotency.Once = self.settings.setdefault("agor_once", idempotency.Once())
        answer, replayed = await once.answer(house.records, call.actor.id, key, print_, act)
        if replayed:
            self.set_header("Idempotency-Replayed", "true")
        self._finish(answer)

    def _finish(self, answer: Answer) -> None:
        self.set_status(answer.status)
        if answer.status == 204:
            # A 204 has neither body nor type; APIHandler.finish would set one.
            web.RequestHandler.finish(self)
        else:
            self.finish(answer.body)

    def _finish_problem(self, error: BaseException) -> None:
        if is_bug(error):
            log_bug(self.log, error, f"{self.request.method} {self.request.path}")
        problem = problem_of(error)
        if self._headers_written:
            # A stream that had begun: all that can still be said is that it is cut off.
            self.request.connection.stream.close()  # type: ignore[union-attr]  # HTTP/1 here
            return
        self.set_status(cast(int, problem["status"]))
        self.finish(json.dumps(problem), set_content_type=PROBLEM_TYPE)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Say what tornado and Jupyter refuse (403, 404, 405 …) as a problem too."""
        error = kwargs["exc_info"][1] if "exc_info" in kwargs else web.HTTPError(status_code)
        self.finish(json.dumps(problem_of(error)), set_content_type=PROBLEM_TYPE)

    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Log bugs without their values; refusals are in the access log already."""
        if value is not None and is_bug(value):
            log_bug(self.log, value, f"{self.request.method} {self.request.path}")

    def on_connection_close(self) -> None:
        if self.following is not None:
            self.following.cancel()
        super().on_connection_close()


def _answer_of(operation: Operation, result: Result) -> Answer:
    if result is None:
        return Answer(status=204, body="")
    if isinstance(result, BaseModel):
        return Answer(status=operation.status, body=result.model_dump_json())
    return Answer(status=operation.status, body=json.dumps(result))


def method_of(operation: Operation) -> Callable[..., Any]:
    """Make the method that serves an operation, behind its guards."""

    @guarded(operation.rule)
    async def method(self: AgorHandler, **path: str) -> None:
        await self.answer(operation, path)

    return method
