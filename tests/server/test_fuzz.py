"""The running server under generated requests, made from the document that it serves itself (F7).

1,200 cases in CI; `AGOR_FUZZ_CASES=5000` sends five thousand and fails if it sends fewer. What counts:
no 5xx, ever, and every refusal is a problem.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from agor_jupyter.domain.ids import SessionId
from agor_jupyter.server.table import ROUTES
from tests.server.conftest import Stand

CASES = int(os.environ.get("AGOR_FUZZ_CASES", "1200"))
SECONDS = 120 + CASES // 5
"""Drawing and sending a case takes 0.03 s on a free machine of 2026."""
METHODS = sum(len(route.operations) for route in ROUTES)
EACH = max(5, -(-CASES // METHODS))


def calm(examples: int) -> settings:
    """Draw so many, the same at every run, and never shrink."""
    return settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


def generated(document: dict[str, Any], each: int = EACH) -> list[Any]:
    """Draw cases for every operation, valid ones and broken ones, in a fixed order."""
    schema = schemathesis.openapi.from_dict(document)
    schema.config.generation.update(
        modes=[schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE]
    )
    cases: list[Any] = []
    for result in schema.get_all_operations():
        strategy = result.ok().as_strategy(generation_mode=schemathesis.GenerationMode.POSITIVE)
        broken = result.ok().as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE)

        @calm(each)
        @given(st.one_of(strategy, broken))
        def draw(case: Any) -> None:
            cases.append(case)

        try:
            draw()
        except Exception as error:  # an operation without input has no broken form
            assert "Unsatisfiable" in type(error).__name__ + str(error), error
    return cases


@pytest.mark.slow
@pytest.mark.timeout(SECONDS)
async def test_generated_requests_never_break_it(stand: Stand) -> None:
    board = await stand.send("POST", "/boards", {"name": "B"}, status=201)
    tree = await stand.worktree("w", board_id=board["id"])
    session = await stand.session(prompt="go")
    await stand.made.work.start(SessionId(session["id"]))
    request = await stand.made.work.ask(SessionId(session["id"]))
    task = await stand.send("POST", f"/sessions/{session['id']}/tasks", {"prompt": "x"}, status=202)
    known = [board["id"], tree["id"], session["id"], request, task["id"], tree["repo_id"]]
    served = await stand.ask("GET", "/openapi.json")
    cases = await asyncio.to_thread(generated, json.loads(served.body))
    choice = random.Random(7)
    choice.shuffle(cases)
    started, done, statuses = time.monotonic(), 0, {}
    for case in cases:
        answer = await send_case(stand, case, choice, known)
        statuses[answer.code] = statuses.get(answer.code, 0) + 1
        where = f"{case.method} {case.path} {case.path_parameters} {case.query} {case.body!r:.300}"
        assert answer.code < 500, f"{answer.code} {where}\n{answer.body!r:.500}"
        if answer.code >= 400 and answer.code != 403:
            assert answer.headers["Content-Type"].startswith("application/problem+json"), where
        done += 1
    print(f"\n{done} cases in {time.monotonic() - started:.0f} s: {dict(sorted(statuses.items()))}")
    assert done >= CASES, f"only {done} cases: {statuses}"
    # A fuzzer that is refused at the door finds nothing.
    assert sum(count for code, count in statuses.items() if code < 400) >= done * 0.1, statuses


async def send_case(stand: Stand, case: Any, choice: random.Random, known: list[str]) -> Any:
    sent = case.as_transport_kwargs(base_url="http://x")
    path = case.formatted_path
    if "{id}" in case.path and choice.random() < 0.7:
        path = case.path.replace("{id}", choice.choice(known))
    body = sent.get("data") if sent.get("data") is not None else sent.get("json")
    raw = body if isinstance(body, (bytes, str)) or body is None else json.dumps(body)
    query = {
        str(name): str(value[0] if isinstance(value, list) and value else value)
        for name, value in (case.query or {}).items()
    }
    headers = {}
    key = (case.headers or {}).get("Idempotency-Key")
    if isinstance(key, str) and key.isascii() and key.isprintable():
        headers["Idempotency-Key"] = key
    # One person for all, an admin: what is under test lies behind the door.
    return await stand.ask(case.method.upper(), _quoted(path), raw, person="ada", headers=headers, **query)


def _quoted(path: str) -> str:
    return "".join(letter if 32 < ord(letter) < 127 else "%3F" for letter in path)


FRAMES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["id", "subscribe", "unsubscribe", "ping", "session", "workspace", "inbox", "after_seq", "x"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_generated_frames_never_break_the_socket(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agor_jupyter.server.events.MAX_MESSAGES_A_SECOND", 100_000)
    frames: list[Any] = []

    @calm(300)
    @given(FRAMES)
    def draw(frame: Any) -> None:
        frames.append(frame)

    await asyncio.to_thread(draw)
    client = await stand.connect()
    for number, frame in enumerate(frames):
        await client.write_message(json.dumps(frame))
        await client.write_message(json.dumps({"ping": number}))
        while (heard := json.loads(await asyncio.wait_for(client.read_message(), 5) or "null")) is not None:
            assert heard.get("problem", {}).get("status", 0) < 500, (frame, heard)
            if heard.get("pong") == number:
                break
        assert heard is not None, f"closed with {client.close_code} after {frame!r}"
