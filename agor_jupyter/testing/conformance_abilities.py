"""The cases of what only some kinds can do: each is skipped where the capability is false."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable

from agor_jupyter.domain.content import Attachment
from agor_jupyter.domain.errors import AgorError
from agor_jupyter.domain.events import AgentMessageChunk, ToolCall, ToolCallUpdate, TurnEnded, UsageUpdate
from agor_jupyter.domain.session import ForkPoint
from agor_jupyter.testing.conformance import (
    PROBE_SECRET,
    WAIT_SECONDS,
    Bench,
    Case,
    CountImages,
    Recall,
    Run,
    Say,
    UseTool,
    Write,
)
from agor_jupyter.testing.conformance_cases import ended

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


async def forks(bench: Bench) -> None:
    """A fork knows all that its parent knew; each then goes its own way."""
    bench.needs("fork")
    parent = await bench.open()
    reference = (await parent.wait_ready()).native_ref
    await parent.prompt(Say("Noted."), note="the-word-is-heron")
    await parent.turn()
    point = ForkPoint(native_ref=reference, worktree=str(bench.worktree))
    child = await bench.open(fork=point)
    own = (await child.wait_ready()).native_ref
    assert own and own != reference
    await child.prompt(Recall(), note="the-word-is-stork")
    assert ended(await child.turn()).stop_reason == "end_turn"
    assert "the-word-is-heron" in child.said()
    await parent.prompt(Recall())
    await parent.turn()
    assert "the-word-is-heron" in parent.said()
    assert "the-word-is-stork" not in parent.said()


async def forks_at_a_message(bench: Bench) -> None:
    """A fork at the end of an earlier turn knows nothing of what came after it."""
    bench.needs("fork_at_message")
    parent = await bench.open()
    reference = (await parent.wait_ready()).native_ref
    await parent.prompt(Say("Noted."), note="the-word-is-heron")
    first = ended(await parent.turn())
    assert first.last_message_ref
    await parent.prompt(Say("Noted."), note="the-word-is-stork")
    await parent.turn()
    point = ForkPoint(native_ref=reference, worktree=str(bench.worktree), message_ref=first.last_message_ref)
    child = await bench.open(fork=point)
    await child.wait_ready()
    await child.prompt(Recall())
    await child.turn()
    assert "the-word-is-heron" in child.said()
    assert "the-word-is-stork" not in child.said()


async def resumes_a_fork(bench: Bench) -> None:
    """A fork is taken up again by its own reference, after its process has ended."""
    bench.needs("fork", "resume")
    parent = await bench.open()
    reference = (await parent.wait_ready()).native_ref
    await parent.prompt(Say("Noted."), note="the-word-is-heron")
    await parent.turn()
    child = await bench.open(fork=ForkPoint(native_ref=reference, worktree=str(bench.worktree)))
    own = (await child.wait_ready()).native_ref
    await child.prompt(Say("Noted."), note="the-word-is-stork")
    await child.turn()
    await child.talk.close()
    again = await bench.open(native_ref=own)
    await again.wait_ready()
    await again.prompt(Recall())
    await again.turn()
    assert "the-word-is-heron" in again.said()
    assert "the-word-is-stork" in again.said()


async def steers(bench: Bench) -> None:
    """Words that are put into a running turn reach the model, and end no turn of their own."""
    bench.needs("steer")
    talk = await bench.open()
    await talk.wait_ready()
    await talk.prompt(Run("touch begun; sleep 1.5"), Say("Done."))
    asked = asyncio.create_task(talk.turn_allowing())
    async with asyncio.timeout(WAIT_SECONDS):
        while not (bench.worktree / "begun").exists():  # noqa: ASYNC110  (a file has no event)
            await asyncio.sleep(0.02)
    await talk.talk.steer("the-word-is-heron")
    assert ended(await asked).stop_reason == "end_turn"
    await talk.prompt(Recall())
    assert ended(await talk.turn_allowing()).stop_reason == "end_turn"
    assert "the-word-is-heron" in talk.said()
    assert len([item for item in talk.updates if isinstance(item, TurnEnded)]) == 2


async def steers_only_a_turn(bench: Bench) -> None:
    """Without a turn under way, words are refused: they must not vanish or begin a turn."""
    bench.needs("steer")
    talk = await bench.open()
    await talk.wait_ready()
    await talk.prompt(Say("Done."))
    await talk.turn()
    try:
        await talk.talk.steer("too-late")
    except AgorError:
        return
    raise AssertionError("it took words that no turn can hear")


async def uses_an_mcp_server(bench: Bench) -> None:
    """A person's MCP server is passed on: its tool runs, and its call is told with its result."""
    bench.needs("mcp")
    talk = await bench.open()
    await talk.prompt(UseTool("probe", "shout", {"text": "heron"}))
    updates = await talk.turn_allowing()
    assert ended(updates).stop_reason == "end_turn"
    assert [item for item in updates if isinstance(item, ToolCall)]
    assert "HERON" in str([item for item in updates if isinstance(item, ToolCallUpdate)])
    assert "HERON" in talk.said()


async def resolves_references(bench: Bench) -> None:
    """A secret of an MCP server is passed by reference: the server has it, no command line shows it."""
    bench.needs("mcp")
    talk = await bench.open()
    await talk.prompt(UseTool("probe", "word", {}))
    await talk.turn_allowing()
    assert PROBE_SECRET in talk.said()


async def uses_a_house_tool(bench: Bench) -> None:
    """A tool of the house is there, and answers; no person is asked for it."""
    bench.needs("house_tools")
    talk = await bench.open()
    await talk.prompt(UseTool("", "agor_whoami", {"loud": True}))
    updates = await talk.turn()
    assert ended(updates).stop_reason == "end_turn"
    assert "you are under test" in talk.said()
    assert "loud" in talk.said()
    calls = [item for item in updates if isinstance(item, ToolCall)]
    assert any("whoami" in call.title for call in calls)


async def sees_images(bench: Bench) -> None:
    """An image that is attached reaches the model."""
    bench.needs("images")
    talk = await bench.open()
    pixel = Attachment(name="pixel.png", media_type="image/png", data=PIXEL)
    assert base64.b64decode(PIXEL).startswith(b"\x89PNG")
    await talk.prompt(CountImages(), attachments=(pixel,))
    assert ended(await talk.turn()).stop_reason == "end_turn"
    assert "images: 1" in talk.said()


async def refuses_what_it_lacks(bench: Bench) -> None:
    """What an agent says that it lacks is of its kind, and is refused by that name."""
    talk = await bench.open()
    ready = await talk.wait_ready()
    assert all(getattr(bench.capabilities, name) is True for name in ready.unable)
    if "images" in ready.unable:
        pixel = Attachment(name="pixel.png", media_type="image/png", data=PIXEL)
        refused = await _refused(talk.prompt(Say("Seen."), attachments=(pixel,)))
        assert refused == "images"
    if "fork" in ready.unable:
        point = ForkPoint(native_ref=ready.native_ref, worktree=str(bench.worktree))
        assert await _refused(bench.open(fork=point)) == "fork"


async def _refused(act: Awaitable[object]) -> object:
    """Give the capability for which `act` is refused."""
    try:
        await act
    except AgorError as error:
        return error.fields.get("capability")
    return None


async def reads_files(bench: Bench) -> None:
    """The text of a file that is attached reaches the model."""
    bench.needs("files")
    talk = await bench.open()
    noted = Attachment(name="notes.txt", media_type="text/plain", data="the-word-is-heron")
    await talk.prompt(Recall(), attachments=(noted,))
    await talk.turn()
    await talk.prompt(Recall())
    await talk.turn()
    assert "the-word-is-heron" in talk.said()


async def switches_model(bench: Bench) -> None:
    """Another model, or another effort, holds from the next turn on; the conversation goes on."""
    bench.needs("set_model")
    talk = await bench.open()
    ready = await talk.wait_ready()
    await talk.prompt(Say("Noted."), note="the-word-is-heron")
    await talk.turn()
    await talk.talk.set_model(ready.models[-1] if ready.models else ready.model)
    if bench.capabilities.set_effort:
        assert ready.efforts
        await talk.talk.set_effort(ready.efforts[-1])
    await talk.prompt(Recall())
    assert ended(await talk.turn()).stop_reason == "end_turn"
    assert "the-word-is-heron" in talk.said()


async def lists_commands(bench: Bench) -> None:
    """Its slash commands are listed when it is ready."""
    bench.needs("commands")
    talk = await bench.open()
    assert (await talk.wait_ready()).commands


async def tells_its_context(bench: Bench) -> None:
    """How full the context is, is told at least once a turn."""
    bench.needs("context_usage")
    talk = await bench.open()
    await talk.prompt(Say("Done."))
    updates = await talk.turn()
    # Some agents say it just after the turn.
    told = [item for item in updates if isinstance(item, UsageUpdate) and item.context_used]
    if not told:
        told = [await talk.wait_for(UsageUpdate, lambda item: bool(item.context_used))]
    assert told[-1].context_used


async def works_in_its_mode(bench: Bench) -> None:
    """`accept_edits` edits inside the worktree unasked; `plan` changes nothing (by our policy)."""
    bench.needs("permissions")
    if "accept_edits" in bench.capabilities.modes:
        talk = await bench.open(mode="accept_edits")
        await talk.prompt(Write("made.txt", "text\n"))
        await talk.turn()
        assert (bench.worktree / "made.txt").exists()
        await talk.talk.close()
    if "plan" in bench.capabilities.modes:
        talk = await bench.open(mode="plan")
        await talk.prompt(Write("never.txt", "text\n"), Say("After."))
        await talk.turn()
        assert not (bench.worktree / "never.txt").exists()


async def interrupts_twice(bench: Bench) -> None:
    """Two interrupts at once end one turn once."""
    bench.needs("interrupt")
    talk = await bench.open()
    await talk.prompt(Say("word " * 400, seconds=20))
    await talk.wait_for(AgentMessageChunk)
    await asyncio.gather(talk.talk.interrupt(), talk.talk.interrupt())
    assert ended(await talk.turn()).stop_reason == "cancelled"
    await talk.prompt(Say("Still here."))
    assert ended(await talk.turn()).stop_reason == "end_turn"


async def interrupts_at_once(bench: Bench) -> None:
    """An interrupt right behind a prompt ends its turn, however little of it has begun."""
    bench.needs("interrupt")
    talk = await bench.open()
    await talk.wait_ready()
    await talk.prompt(Say("word " * 400, seconds=20))
    await talk.talk.interrupt()
    assert ended(await talk.turn()).stop_reason == "cancelled"
    await talk.prompt(Say("Still here."))
    assert ended(await talk.turn()).stop_reason == "end_turn"


ABILITIES = [
    Case("forks", forks, ("direct",)),
    Case("forks_at_a_message", forks_at_a_message, ("direct",)),
    Case("resumes_a_fork", resumes_a_fork, ("direct",)),
    Case("steers", steers),
    Case("steers_only_a_turn", steers_only_a_turn),
    Case("uses_an_mcp_server", uses_an_mcp_server, ("direct",)),
    Case("resolves_references", resolves_references, ("direct",)),
    Case("uses_a_house_tool", uses_a_house_tool),
    Case("sees_images", sees_images, ("direct",)),
    Case("refuses_what_it_lacks", refuses_what_it_lacks, ("direct",)),
    Case("reads_files", reads_files, ("direct",)),
    Case("switches_model", switches_model, ("direct",)),
    Case("lists_commands", lists_commands, ("direct",)),
    Case("tells_its_context", tells_its_context, ("direct",)),
    Case("works_in_its_mode", works_in_its_mode, ("runner",)),
    Case("interrupts_twice", interrupts_twice),
    Case("interrupts_at_once", interrupts_at_once),
]
