"""The cases of what goes wrong: it is told in a sentence, nothing runs on, and the next prompt works.

Faults of the model's server and of the agent's own output need a harness that can make them
(`faulty.Faulty`); a case whose fault the harness cannot make is skipped.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from agor_jupyter.agents.base import McpServer, ToolSpec
from agor_jupyter.domain.events import PermissionRequest, PermissionResolved, TurnEnded
from agor_jupyter.testing import mcp_probe
from agor_jupyter.testing.conformance import (
    WAIT_SECONDS,
    Bench,
    Case,
    Conversation,
    Recall,
    Run,
    Say,
    UseTool,
    Write,
)
from agor_jupyter.testing.conformance_cases import GONE_SECONDS, ended, wait_more
from agor_jupyter.testing.faulty import ModelFault, failing_prompt, member

DAYS_SECONDS = 2 * 86_400.0
START_SECONDS = 60.0
"""How long a tool server that never answers may hold up a conversation, at most."""

TURN_LIMIT = 2_000_000
"""What all updates of a turn with three such results come to, at most: the log is not a heap."""

HELD_SECONDS = 5.0
"""How long an interrupt may take, at most, where a tool server keeps the turn from beginning."""

MEBIBYTE = 2**20
MARK = "cut-me"
MUCH = ToolSpec(name="agor_much", description="Give much.", parameters={"type": "object"})
MUTE = McpServer(name="mute", command=(sys.executable, "-I", "-S", str(Path(mcp_probe.__file__)), "--mute"))
_LOGIN = re.compile(r"log ?in|\bkeys?\b", re.IGNORECASE)


async def killed_in_mid_tool(bench: Bench) -> None:
    """Killed while a command runs: the turn is told as lost, nothing runs on, the conversation is kept.

    On the adapter the agent's own processes are killed (of an agent without any: its command), through a
    runner the runner.
    """
    talk = await bench.open_as(bench.spec().model_copy(update={"mcp_servers": (), "tools": ()}))
    reference = (await talk.wait_ready()).native_ref
    await talk.prompt(Say("Noted."), note="the-word-is-heron")
    await talk.turn()
    before = await bench.processes()
    await talk.prompt(Run("sleep 65 & echo begun; sleep 66"))
    if bench.capabilities.permissions:
        await talk.choose(await talk.wait_for(PermissionRequest), "allow_once")
    await wait_more(bench, before)
    if bench.driver == "runner":
        await talk.talk.kill()
        lost = True
    else:
        kill(before or await bench.processes())
        lost = (await _told(talk)).stop_reason == "lost"
        assert lost == bool(before)
    if lost and not bench.capabilities.resume:
        await talk.talk.close()
        await bench.wait_alone(GONE_SECONDS)
        return
    if lost:
        await talk.talk.close()
        await bench.wait_alone(GONE_SECONDS)
        talk = await bench.open(native_ref=reference)
        await talk.wait_ready()
    else:
        await bench.wait_alone(GONE_SECONDS)
    await talk.prompt(Recall())
    assert ended(await talk.turn()).stop_reason == "end_turn"
    assert "the-word-is-heron" in talk.said()


async def breaks_in_mid_line(bench: Bench) -> None:
    """Output that ends in the middle of a line: the turn is lost, what was whole stays, it resumes."""
    bench.needs("resume")
    break_output, mend_output = member(bench, "break_output"), member(bench, "mend_output")
    break_output(MARK)
    try:
        talk = await bench.open()
        reference = (await talk.wait_ready()).native_ref
        await talk.prompt(Say("Noted."), note="the-word-is-heron")
        await talk.turn()
        await talk.prompt(Say(f"{MARK} " * 20))
        assert (await _told(talk)).stop_reason == "lost"
        await talk.talk.close()
    finally:
        mend_output()
    await bench.wait_alone(GONE_SECONDS)
    again = await bench.open(native_ref=reference)
    await again.wait_ready()
    await again.prompt(Recall())
    assert ended(await again.turn()).stop_reason == "end_turn"
    assert "the-word-is-heron" in again.said()


async def huge_tool_result(bench: Bench) -> None:
    """Twenty megabytes of a command, a tool server and the house pass, clipped; the turn goes on."""
    spec = bench.spec()
    talk = await bench.open_as(spec.model_copy(update={"tools": (*spec.tools, MUCH) if spec.tools else ()}))
    acts: list[Run | UseTool] = [Run("head -c 20000000 /dev/zero | tr '\\0' x")]
    if bench.capabilities.mcp:
        acts.append(UseTool("probe", "much", {}, silent=True))
    if bench.capabilities.house_tools:
        acts.append(UseTool("", "agor_much", {}, silent=True))
    await talk.prompt(*acts, Say("All done."))
    updates = await talk.turn_allowing()
    assert ended(updates).stop_reason == "end_turn"
    assert "All done." in talk.said()
    assert sum(len(update.model_dump_json()) for update in updates) < TURN_LIMIT
    await _goes_on(talk)


async def rate_limit_after_a_tool(bench: Bench) -> None:
    """A rate limit in mid-turn: what was done stays and is counted, and one learns to wait."""
    hint = await _fails_after_a_tool(bench, "rate_limit")
    assert "wait" in hint.lower()


async def overload_after_a_tool(bench: Bench) -> None:
    """An overloaded model in mid-turn: the same."""
    await _fails_after_a_tool(bench, "overloaded")


async def expired_login_after_a_tool(bench: Bench) -> None:
    """A login that ends in mid-turn: one learns how to log in; logged in, the session goes on."""
    hint = await _fails_after_a_tool(bench, "expired_login")
    assert _LOGIN.search(hint), hint


async def cut_answer_after_a_tool(bench: Bench) -> None:
    """A model's answer that ends in the middle is no answer: the turn has failed, and says so."""
    await _fails_after_a_tool(bench, "cut")


async def mute_tool_server(bench: Bench) -> None:
    """A tool server that never says a word holds up no conversation for long, and no interrupt at all."""
    bench.needs("mcp", "interrupt")
    loop = asyncio.get_running_loop()
    begun = loop.time()
    talk = await bench.open_as(bench.spec().model_copy(update={"mcp_servers": (MUTE,)}))
    await talk.wait_ready()
    await talk.prompt(Say("Hello."))
    try:
        async with asyncio.timeout(3.0):
            await talk.wait_for(TurnEnded)
    except TimeoutError:
        # It waits for the server: that is allowed, but a person must be able to end it.
        stopped = loop.time()
        await talk.talk.interrupt()
        assert ended(await talk.turn()).stop_reason == "cancelled"
        assert loop.time() - stopped < HELD_SECONDS
    await _goes_on(talk)
    assert loop.time() - begun < START_SECONDS
    await talk.talk.close()
    await bench.wait_alone(GONE_SECONDS)


async def hanging_tool(bench: Bench) -> None:
    """A tool server that hangs in a call: an interrupt ends the turn soon, and the session goes on."""
    bench.needs("mcp", "interrupt")
    talk = await bench.open()
    await talk.wait_ready()
    reached = bench.folder / "reached"
    await talk.prompt(UseTool("probe", "hang", {"text": str(reached)}), Say("Never."))
    allowing = asyncio.create_task(talk.turn_allowing())
    async with asyncio.timeout(WAIT_SECONDS):
        while not reached.exists():
            assert not allowing.done(), "the turn ended before the tool was reached"
            await asyncio.sleep(0.02)
    begun = asyncio.get_running_loop().time()
    await talk.talk.interrupt()
    assert ended(await allowing).stop_reason == "cancelled"
    assert asyncio.get_running_loop().time() - begun < GONE_SECONDS
    await _goes_on(talk)
    await talk.talk.close()
    await bench.wait_alone(GONE_SECONDS)


async def unanswered_for_days(bench: Bench) -> None:
    """A request that nobody answers for days waits: no timer ends it, and the answer then counts.

    The clock of this process is moved; that of a program of its own cannot be.
    """
    bench.needs("permissions")
    talk = await bench.open()
    await talk.prompt(Write("made.txt", "text\n"))
    request = await talk.wait_for(PermissionRequest)
    async with _later(DAYS_SECONDS):
        pass
    since = talk.updates[talk.mark :]
    assert not [item for item in since if isinstance(item, TurnEnded | PermissionResolved)]
    assert not (bench.worktree / "made.txt").exists()
    await talk.choose(request, "allow_once")
    assert ended(await talk.turn_allowing()).stop_reason == "end_turn"
    assert (bench.worktree / "made.txt").read_text("utf-8") == "text\n"


async def megabyte_prompt(bench: Bench) -> None:
    """A prompt of a mebibyte, of letters of more than one byte too, reaches the model whole."""
    words = "wörd 数🙂 "
    count = MEBIBYTE // len(words.encode()) - 100  # the harness adds words of its own
    talk = await bench.open()
    await talk.prompt(Say("Noted."), note=words * count + "the-word-is-heron")
    assert ended(await talk.turn()).stop_reason == "end_turn"
    heard = getattr(bench.harness, "heard", None)
    if heard is not None:
        found = heard()
        assert found.count(words.strip()) == count
        assert "the-word-is-heron" in found
    await _goes_on(talk)


FAULTS = [
    Case("killed_in_mid_tool", killed_in_mid_tool),
    Case("breaks_in_mid_line", breaks_in_mid_line, ("direct",)),
    Case("huge_tool_result", huge_tool_result, ("direct",)),
    Case("rate_limit_after_a_tool", rate_limit_after_a_tool, ("direct",)),
    Case("overload_after_a_tool", overload_after_a_tool, ("direct",)),
    Case("expired_login_after_a_tool", expired_login_after_a_tool, ("direct",)),
    Case("cut_answer_after_a_tool", cut_answer_after_a_tool, ("direct",)),
    Case("mute_tool_server", mute_tool_server, ("direct",)),
    Case("hanging_tool", hanging_tool, ("direct",)),
    Case("unanswered_for_days", unanswered_for_days, ("direct",)),
    Case("megabyte_prompt", megabyte_prompt, ("direct",)),
]


async def _fails_after_a_tool(bench: Bench, fault: ModelFault) -> str:
    """Let the model fail after a write. Gives what the person is told to do."""
    prompt = failing_prompt(bench, [Write("made.txt", "text\n")], fault)
    talk = await bench.open()
    await talk.send(prompt)
    updates = await talk.turn_allowing()
    told = _explained(ended(updates))
    assert told.stop_reason == "failed"
    assert (bench.worktree / "made.txt").read_text("utf-8") == "text\n"
    await _goes_on(talk)
    assert len([item for item in talk.updates if isinstance(item, TurnEnded)]) == 2
    return told.hint


async def _goes_on(talk: Conversation) -> None:
    """The same conversation answers the next prompt."""
    await talk.prompt(Say("Still here."))
    assert ended(await talk.turn()).stop_reason == "end_turn"
    assert "Still here." in talk.said()


async def _told(talk: Conversation) -> TurnEnded:
    """Wait for the end of a turn that may go wrong; one that did says why, and what to do."""
    end = ended(await talk.turn_allowing())
    return end if end.stop_reason == "end_turn" else _explained(end)


def _explained(end: TurnEnded) -> TurnEnded:
    for words in (end.error, end.hint):
        assert words.strip(), f"it does not say what happened and what to do: {end}"
        assert "\n" not in words and "Traceback" not in words, words
        assert len(words) < 500, words
    return end


def kill(processes: Collection[int]) -> None:
    for number in processes:
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)


@asynccontextmanager
async def _later(seconds: float) -> AsyncIterator[None]:
    """Let the loop believe that so much time has passed: every timer that is armed goes off."""
    loop = asyncio.get_running_loop()
    late = loop.time() + seconds
    own = loop.time
    loop.time = lambda: late  # type: ignore[method-assign]  # the loop has no other clock to move
    try:
        for _ in range(50):
            await asyncio.sleep(0)
        yield
    finally:
        loop.time = own  # type: ignore[method-assign]  # as above
