"""A process that appends for ever and prints each acknowledgement: to be killed at any moment.

`python -m tests.store.appender <data folder> <round>` prints `<session> <seq> <word>` a line, once
it is durable.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from agor_jupyter.domain.events import AgentMessageChunk
from agor_jupyter.domain.ports import RunnerMark
from agor_jupyter.store.opening import open_store
from tests.store.making import open_session, said, session_id

SESSIONS = 10


async def main(folder: Path, turn: str) -> None:
    store = open_store(folder)
    if store.read_only:
        raise SystemExit(store.read_only)

    async def producer(number: int) -> None:
        name = session_id(number)
        if await store.log.session(name) is None:
            await open_session(store.log, number)
            await store.log.save_runner(f"run_{number}", name, "{}")
        count = 0
        while True:
            count += 1
            word = f"{turn}-{number}-{count}"
            # The mark is the length of what was said: it must never part from the events.
            appended = await store.log.append(
                name, [said(word), said("+")], mark=RunnerMark(f"run_{number}", (await last_seq(name)) + 2)
            )
            event = appended.events[0]
            assert isinstance(event.update, AgentMessageChunk)
            os.write(1, f"{name} {event.seq} {event.update.text}\n".encode())

    async def last_seq(name: str) -> int:
        record = await store.log.session(name)  # type: ignore[arg-type]  # an id
        assert record is not None
        return record.last_seq

    await asyncio.gather(*(producer(number) for number in range(1, SESSIONS + 1)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
