"""Does a POST once for each Idempotency-Key, whoever repeats it: in turn, at once, or after a crash.

Three layers: requests under way share one run; finished answers are kept for a day; and the ids of
what a keyed request makes are derived from the key, so that a repetition after a crash between
doing and keeping finds the thing made.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from agor_jupyter.domain.errors import AgorError, Conflict, InvalidRequest, Unprocessable
from agor_jupyter.domain.ids import ENTROPY_BYTES, UserId, make_id
from agor_jupyter.domain.ports import Answer, NewId, Records

MAX_KEY = 200
log = logging.getLogger(__name__)


def check_key(key: str) -> str:
    """Give the key back, or raise `InvalidRequest`: 1 to 200 printable ASCII characters."""
    if not 1 <= len(key) <= MAX_KEY or not key.isascii() or not key.isprintable():
        raise InvalidRequest(
            f"An Idempotency-Key has 1 to {MAX_KEY} printable characters.", hint="Use a UUID."
        )
    return key


def fingerprint(method: str, path: str, body: bytes) -> str:
    return hashlib.sha256(b"\0".join((method.encode(), path.encode(), body))).hexdigest()


def derived_ids(actor: UserId, key: str, print_of_request: str) -> NewId:
    """Make ids that are the same at each repetition: the first, the second … of this key and request."""
    count = 0

    def make(prefix: str) -> str:
        nonlocal count
        count += 1
        seed = f"{actor}\0{key}\0{print_of_request}\0{count}\0{prefix}".encode()
        return make_id(prefix, hashlib.sha256(seed).digest()[:ENTROPY_BYTES])

    return make


@dataclass
class _Running:
    fingerprint: str
    done: asyncio.Future[Answer]


@dataclass
class Once:
    """The keyed requests under way in this server."""

    _running: dict[tuple[UserId, str], _Running] = field(default_factory=dict)

    async def answer(
        self, records: Records, actor: UserId, key: str, print_: str, act: Callable[[], Awaitable[Answer]]
    ) -> tuple[Answer, bool]:
        """Act, or give the answer that this key got; the flag says which (True: replayed).

        Raises `Unprocessable` when the key was used for another request. What failed is not kept:
        nothing was done, and a later repetition tries again; those that waited get the same error.
        """
        running = self._running.get((actor, key))
        if running is not None:
            _require_same(running.fingerprint, print_)
            return await asyncio.shield(running.done), True
        # No await between the look above and the entry here: of two at once, one runs.
        mine = _Running(print_, asyncio.get_running_loop().create_future())
        self._running[actor, key] = mine
        try:
            answer, replayed = await self._act_or_recall(records, actor, key, print_, act)
        except BaseException as error:
            mine.done.set_exception(_passed_on(error))
            mine.done.exception()  # nobody may have waited for it
            raise
        else:
            mine.done.set_result(answer)
            return answer, replayed
        finally:
            del self._running[actor, key]

    async def _act_or_recall(
        self, records: Records, actor: UserId, key: str, print_: str, act: Callable[[], Awaitable[Answer]]
    ) -> tuple[Answer, bool]:
        before = await records.fingerprint_of(actor, key)
        if before is not None:
            _require_same(before, print_)
            kept = await records.answer_of(actor, key)
            if kept is not None:
                return kept, True
        answer = await act()
        try:
            await records.keep_answer(actor, key, print_, answer)
        except AgorError as error:
            # It is done; only the memory of it is not. The derived ids recognise a repetition.
            log.warning("an answer could not be kept: %s", error.title)
        return answer, False


def _require_same(before: str, now: str) -> None:
    if before != now:
        raise Unprocessable(
            "This Idempotency-Key was used for another request.",
            hint="Make a new key for each request; repeat a key only with the same request.",
        )


def _passed_on(error: BaseException) -> BaseException:
    if isinstance(error, AgorError):
        return error
    return Conflict("The request that this one repeats was cut off.", hint="Send it again with the same key.")
