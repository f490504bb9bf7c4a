"""A prompt of a mebibyte passes whole through REST, engine, log, socket, board and transcript."""

from __future__ import annotations

import asyncio
import json

import pytest

from agor_jupyter.service.requests import PROMPT_LIMIT
from agor_jupyter.testing.y_client import SocketWire, YClient
from agor_jupyter.transcripts.notebook import prompt_sha
from tests.server.conftest import Stand, hear_until, problem

MEBIBYTE = 2**20
STEPS = '```demo\n- say: "All is well."\n```\n'


def prompt_of(letters: str) -> str:
    """Make a prompt that has as many bytes as fit into a mebibyte."""
    room = MEBIBYTE - len(STEPS.encode())
    return STEPS + letters * (room // len(letters.encode())) + "x" * (room % len(letters.encode()))


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_it_passes_whole_everywhere(real: Stand) -> None:
    assert PROMPT_LIMIT >= MEBIBYTE
    plain, mixed = prompt_of("word "), prompt_of("wörd 数🙂 ")
    assert len(plain.encode()) == len(mixed.encode()) == len(plain) == MEBIBYTE
    board = await real.send("POST", "/boards", {"name": "B"}, status=201)
    await real.worktree("w", board_id=board["id"])
    session = await real.session(prompt=mixed)
    live = await real.connect()
    await live.write_message(json.dumps({"id": 1, "subscribe": {"session": session["id"], "after_seq": 0}}))
    heard = await hear_until(live, "task_ended")
    assert heard[-1]["update"]["stop_reason"] == "end_turn"
    await real.send("POST", f"/sessions/{session['id']}/tasks", {"prompt": plain}, status=202)
    heard += await hear_until(live, "task_ended")
    assert [event["seq"] for event in heard] == list(range(1, len(heard) + 1))
    queued = [event["update"]["prompt"] for event in heard if event["update"]["type"] == "task_queued"]
    assert queued == [mixed, plain]
    stored = (await real.get(f"/sessions/{session['id']}/events"))["items"]
    assert stored == heard
    tasks = (await real.get(f"/sessions/{session['id']}/tasks"))["items"]
    assert {task["prompt"] for task in tasks} == {mixed, plain}
    await _stands_in_its_notebook(real, session["id"], (mixed, plain))
    await _stands_on_its_board(real, board["id"], session["id"])


async def _stands_in_its_notebook(real: Stand, session_id: str, prompts: tuple[str, ...]) -> None:
    place = await real.get(f"/sessions/{session_id}/transcript")
    path = real.server.root / place["path"]
    async with asyncio.timeout(60):
        while True:
            text = await asyncio.to_thread(path.read_text, "utf-8") if path.exists() else "{}"
            cells = json.loads(text).get("cells", [])
            drawn = [cell for cell in cells if "prompt_sha" in cell["metadata"].get("agor", {})]
            if len(drawn) == len(prompts):
                break
            await asyncio.sleep(0.2)
    for cell, prompt in zip(drawn, prompts, strict=True):
        source = "".join(cell["source"])
        assert prompt[:5000] in source and prompt[-5000:].strip() in source
        assert "bytes left out" in source, "a notebook is for people: the log has it whole"
        assert cell["metadata"]["agor"]["prompt_sha"] == prompt_sha(prompt)


async def _stands_on_its_board(real: Stand, board_id: str, session_id: str) -> None:
    """The board shows that the session rests; no prompt is in its document."""
    client = YClient("oscar", echoes=True)
    place = f"agor/api/v1/rooms/{board_id}/status"
    socket = await real.server.connect(place, person="oscar", clientId=str(client.client_id))
    async with client.connected(SocketWire(socket)):
        await client.wait_until(client.synced.is_set)

        def row() -> str:
            return str(client.map("sessions").to_py().get(session_id, ""))

        await client.wait_until(lambda: '"status":"idle"' in row(), timeout_seconds=60)
        assert "All is well." in row()
        assert len(row()) < 5_000


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_a_longer_one_is_refused_in_words(real: Stand) -> None:
    await real.worktree("w")
    session = await real.session()
    answer = await real.ask("POST", f"/sessions/{session['id']}/tasks", {"prompt": "x" * (PROMPT_LIMIT + 1)})
    assert "prompt" in json.dumps(problem(answer, 400))
