"""The cases that every kind of agent must pass. Each reads as what the house expects of every agent."""

from __future__ import annotations

import asyncio
import os
from typing import TypeVar

from agor_jupyter.agents.base import Decision
from agor_jupyter.domain.content import DiffContent, TerminalContent, Usage
from agor_jupyter.domain.events import (
    AgentMessageChunk,
    AgentThoughtChunk,
    AgentUpdate,
    PermissionRequest,
    Plan,
    ToolCall,
    ToolCallUpdate,
    TurnEnded,
)
from agor_jupyter.testing.conformance import (
    Ask,
    Bench,
    Case,
    MakePlan,
    Recall,
    Run,
    Say,
    Think,
    Write,
)

WORDS = "One two three four five six seven eight nine ten eleven twelve. Ünïcödé, too: 数 🙂.\nAnd a line."
GONE_SECONDS = 2.0
ContentT = TypeVar("ContentT")


async def ready(bench: Bench) -> None:
    """It says that it is ready, and how the conversation is taken up again."""
    talk = await bench.open()
    found = await talk.wait_ready()
    assert found.native_ref or not bench.capabilities.resume


async def streams_text(bench: Bench) -> None:
    """Text comes in pieces that join, in order, to what was said."""
    bench.needs("streaming")
    talk = await bench.open()
    await talk.prompt(Say(WORDS, seconds=0.5))
    updates = await talk.turn()
    chunks = [item for item in updates if isinstance(item, AgentMessageChunk)]
    assert talk.said().strip() == WORDS.strip()
    assert len(chunks) > 1
    assert len({chunk.message_id for chunk in chunks}) == 1
    assert ended(updates).stop_reason == "end_turn"


async def thinks(bench: Bench) -> None:
    """Thoughts are told apart from words."""
    bench.needs("thinking")
    talk = await bench.open()
    await talk.prompt(Think("I wonder about that."), Say("Done."))
    updates = await talk.turn()
    thoughts = [item.text for item in updates if isinstance(item, AgentThoughtChunk)]
    assert "".join(thoughts).strip() == "I wonder about that."
    assert talk.said().strip() == "Done."


async def tool_lifecycle(bench: Bench) -> None:
    """A tool call begins once, changes, and ends once; its updates name it."""
    talk = await bench.open()
    await talk.prompt(Write("made.txt", "made\n"), Say("Done."))
    updates = await talk.turn_allowing()
    calls = [item for item in updates if isinstance(item, ToolCall)]
    ids = [call.tool_call_id for call in calls]
    assert ids, "no tool call"
    assert len(set(ids)) == len(ids)
    for call_id in ids:
        changes = [
            item for item in updates if isinstance(item, ToolCallUpdate) and item.tool_call_id == call_id
        ]
        ends = [item for item in changes if item.status in ("completed", "failed")]
        assert len(ends) == 1, f"a tool call ended {len(ends)} times"
        assert changes[-1].status == "completed"
    known = {item.tool_call_id for item in updates if isinstance(item, ToolCallUpdate)}
    assert known <= set(ids)


async def edit_writes(bench: Bench) -> None:
    """An edit writes the real file, and shows it as a diff with a path."""
    talk = await bench.open()
    await talk.prompt(Write("made.txt", "made by the agent\n"))
    updates = await talk.turn_allowing()
    assert (bench.worktree / "made.txt").read_text("utf-8") == "made by the agent\n"
    diffs = contents(updates, DiffContent)
    assert any(item.path.endswith("made.txt") and item.new_text for item in diffs)
    call = next(item for item in updates if isinstance(item, ToolCall) and item.kind == "edit")
    places = [place.path for place in call.locations]
    for change in updates:
        if isinstance(change, ToolCallUpdate) and change.locations:
            places += [place.path for place in change.locations]
    assert any(place.endswith("made.txt") for place in places)


async def command_output(bench: Bench) -> None:
    """A command's output comes back with its exit code, also when it fails."""
    talk = await bench.open()
    await talk.prompt(Run("echo first; echo second >&2"))
    updates = await talk.turn_allowing()
    shown = contents(updates, TerminalContent)[-1]
    assert "first" in shown.text
    assert "second" in shown.text
    assert shown.exit_code == 0
    await talk.prompt(Run("echo before; exit 3"))
    updates = await talk.turn_allowing()
    shown = contents(updates, TerminalContent)[-1]
    assert shown.exit_code == 3
    assert any(isinstance(item, ToolCallUpdate) and item.status == "failed" for item in updates)


async def permission_once(bench: Bench) -> None:
    """Nothing is written before the answer; allowed once, the next write asks again."""
    bench.needs("permissions")
    talk = await bench.open()
    for name in ("one.txt", "two.txt"):
        await talk.prompt(Write(name, "text\n"))
        request = await talk.wait_for(PermissionRequest)
        assert request.digest
        assert request.kind == "edit"
        assert request.tool_call_id is not None
        assert not (bench.worktree / name).exists()
        await talk.choose(request, "allow_once")
        await talk.turn()
        assert (bench.worktree / name).exists()


async def permission_always(bench: Bench) -> None:
    """Allowed always, the same command is not asked about again (the house's policy, or the agent)."""
    bench.needs("permissions", "allow_always")
    talk = await bench.open()
    await talk.prompt(Run("touch ran"))
    await talk.choose(await talk.wait_for(PermissionRequest), "allow_always")
    await talk.turn()
    (bench.worktree / "ran").unlink()
    await talk.prompt(Run("touch ran"))
    if bench.driver == "direct":
        # An agent that leaves the rule to the runner's policy asks again; that is allowed here.
        await talk.turn_allowing()
    else:
        await talk.turn()
    assert (bench.worktree / "ran").exists()


async def permission_reject(bench: Bench) -> None:
    """Rejected, nothing is done, the call has failed, and the turn goes on to its end."""
    bench.needs("permissions")
    talk = await bench.open()
    await talk.prompt(Write("made.txt", "text\n"), Say("After."))
    request = await talk.wait_for(PermissionRequest)
    await talk.choose(request, "reject_once", "Not in this folder, please.")
    updates = await talk.turn()
    assert not (bench.worktree / "made.txt").exists()
    failed = [item for item in updates if isinstance(item, ToolCallUpdate) and item.status == "failed"]
    assert failed
    assert "Not in this folder" in str(failed[-1].content)
    assert "After." in talk.said()
    assert ended(updates).stop_reason == "end_turn"


async def question(bench: Bench) -> None:
    """A question reaches the person with its choices and what they mean; the answer reaches the agent.

    So does an answer in the person's own words, where the question takes one.
    """
    bench.needs("questions")
    talk = await bench.open()
    await talk.prompt(Ask("Which colour?", ("red", "blue"), ("as a rose", "as the sea")))
    request = await talk.wait_for(PermissionRequest, lambda item: bool(item.questions))
    (asked,) = request.questions
    assert asked.question == "Which colour?"
    assert asked.choices[:2] == ("red", "blue")
    assert asked.descriptions[:2] in ((), ("as a rose", "as the sea"))
    answers = {"Which colour?": "blue"}
    await talk.decide(request, Decision(outcome="selected", answers=answers))
    await talk.turn_allowing()
    assert "blue" in talk.said()
    if not asked.own:
        return
    await talk.prompt(Ask("Which colour?", ("red", "blue")))
    request = await talk.wait_for(PermissionRequest, lambda item: bool(item.questions))
    await talk.decide(request, Decision(outcome="selected", answers={"Which colour?": "green, as grass"}))
    await talk.turn_allowing()
    assert "green, as grass" in talk.said()


async def plan(bench: Bench) -> None:
    """A plan is told as a whole."""
    bench.needs("plan")
    talk = await bench.open()
    await talk.prompt(MakePlan(("Look", "Change", "Test")), Say("Done."))
    updates = await talk.turn_allowing()
    plans = [item for item in updates if isinstance(item, Plan)]
    assert plans
    assert [entry.content for entry in plans[-1].entries] == ["Look", "Change", "Test"]


async def interrupt_stream(bench: Bench) -> None:
    """An interrupt ends a stream soon, with `cancelled`; a second one does nothing."""
    bench.needs("interrupt")
    talk = await bench.open()
    await talk.prompt(Say(WORDS * 40, seconds=20))
    await talk.wait_for(AgentMessageChunk)
    begun = asyncio.get_running_loop().time()
    await talk.talk.interrupt()
    updates = await talk.turn()
    assert asyncio.get_running_loop().time() - begun < GONE_SECONDS
    assert ended(updates).stop_reason == "cancelled"
    await talk.talk.interrupt()
    await talk.prompt(Say("Still here."))
    assert ended(await talk.turn()).stop_reason == "end_turn"
    assert "Still here." in talk.said()


async def interrupt_command(bench: Bench) -> None:
    """An interrupt ends a running command and all that it started."""
    bench.needs("interrupt")
    talk = await bench.open()
    await talk.wait_ready()
    before = await bench.processes()
    await talk.prompt(Run("sleep 61 & echo begun; sleep 62"))
    if bench.capabilities.permissions:
        await talk.choose(await talk.wait_for(PermissionRequest), "allow_once")
    await wait_more(bench, before)
    await talk.talk.interrupt()
    updates = await talk.turn()
    assert ended(updates).stop_reason == "cancelled"
    await bench.wait_alone(GONE_SECONDS, besides=before)


async def interrupt_request(bench: Bench) -> None:
    """An interrupt while it waits for an answer ends the turn; a late answer is ignored."""
    bench.needs("interrupt", "permissions")
    talk = await bench.open()
    await talk.prompt(Write("made.txt", "text\n"))
    request = await talk.wait_for(PermissionRequest)
    await talk.talk.interrupt()
    assert ended(await talk.turn()).stop_reason == "cancelled"
    if bench.driver == "direct":
        await talk.choose(request, "allow_once")
    await talk.prompt(Say("On."))
    await talk.turn()
    assert not (bench.worktree / "made.txt").exists()


async def one_end_a_prompt(bench: Bench) -> None:
    """Each prompt has one `turn_ended`, and nothing of a turn comes after it."""
    talk = await bench.open()
    for number in range(3):
        await talk.prompt(Say(f"Answer {number}."))
        await talk.turn()
    ends = [item for item in talk.updates if isinstance(item, TurnEnded)]
    assert len(ends) == 3
    assert isinstance(talk.updates[-1], TurnEnded)


async def resumes(bench: Bench) -> None:
    """After a kill in mid-turn the same conversation goes on, and remembers what was asked."""
    bench.needs("resume")
    talk = await bench.open()
    reference = (await talk.wait_ready()).native_ref
    await talk.prompt(Say("Noted."), note="the-word-is-heron")
    await talk.turn()
    await talk.prompt(Say(WORDS * 40, seconds=20), note="the-word-is-stork")
    await talk.wait_for(AgentMessageChunk)
    if bench.driver == "runner":
        await talk.talk.kill()
        await bench.wait_alone(GONE_SECONDS)
    else:
        await talk.talk.close()
    again = await bench.open(native_ref=reference)
    await again.wait_ready()
    await again.prompt(Recall())
    assert ended(await again.turn()).stop_reason == "end_turn"
    assert "the-word-is-heron" in again.said()


async def usage_a_turn(bench: Bench) -> None:
    """Usage is of the turn, not of the session: equal turns do not add up."""
    talk = await bench.open()
    used: list[Usage] = []
    for _ in range(3):
        await talk.prompt(Say("The same words."))
        used.append(ended(await talk.turn()).usage)
    assert all(usage.output_tokens > 0 for usage in used)
    assert used[2].output_tokens < used[0].output_tokens + used[1].output_tokens
    costs = [usage.cost_usd for usage in used if usage.cost_usd is not None]
    if len(costs) == 3 and costs[0] > 0:
        assert costs[2] < costs[0] + costs[1]


async def environment(bench: Bench) -> None:
    """The server's secrets are not in the environment of what the agent runs."""
    secret = "canary-4be1f0"  # noqa: S105  (a canary, not a secret)
    names = ("JUPYTER_TOKEN", "JUPYTERHUB_API_TOKEN", "JPY_API_TOKEN", "AGOR_JUPYTER_TOKEN", "SOME_SECRET")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, secret))
    try:
        talk = await bench.open()
        await talk.prompt(Run("env; echo the-end-of-it"))
        updates = await talk.turn_allowing()
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
    shown = contents(updates, TerminalContent)[-1].text
    assert "the-end-of-it" in shown
    assert secret not in shown


async def closes(bench: Bench) -> None:
    """Closed in mid-command, it leaves no process; closing again does nothing."""
    talk = await bench.open()
    await talk.wait_ready()
    before = await bench.processes()
    await talk.prompt(Run("sleep 63 & sleep 64"))
    if bench.capabilities.permissions:
        await talk.choose(await talk.wait_for(PermissionRequest), "allow_once")
    await wait_more(bench, before)
    await talk.talk.close()
    await bench.wait_alone(GONE_SECONDS)


async def unknown_request(bench: Bench) -> None:
    """An answer to what nobody asked is ignored."""
    talk = await bench.open()
    await talk.wait_ready()
    await talk.talk.answer("req_0000000000000000", Decision(outcome="selected", option_id="allow_once"))
    await talk.prompt(Say("All is well."))
    await talk.turn()
    assert "All is well." in talk.said()


BASIC = [
    Case("ready", ready),
    Case("streams_text", streams_text),
    Case("thinks", thinks),
    Case("tool_lifecycle", tool_lifecycle),
    Case("edit_writes", edit_writes),
    Case("command_output", command_output),
    Case("permission_once", permission_once),
    Case("permission_always", permission_always),
    Case("permission_reject", permission_reject),
    Case("question", question),
    Case("plan", plan),
    Case("interrupt_stream", interrupt_stream),
    Case("interrupt_command", interrupt_command),
    Case("interrupt_request", interrupt_request),
    Case("one_end_a_prompt", one_end_a_prompt),
    Case("resumes", resumes),
    Case("usage_a_turn", usage_a_turn),
    Case("environment", environment),
    Case("closes", closes),
    Case("unknown_request", unknown_request),
]


def ended(updates: list[AgentUpdate]) -> TurnEnded:
    ends = [item for item in updates if isinstance(item, TurnEnded)]
    assert len(ends) == 1, f"{len(ends)} turn_ended for one prompt"
    return ends[0]


def contents(updates: list[AgentUpdate], wanted: type[ContentT]) -> list[ContentT]:
    """Collect the contents of a kind from the tool calls' results."""
    found: list[ContentT] = []
    for item in updates:
        if isinstance(item, ToolCallUpdate):
            found += [content for content in item.content or () if isinstance(content, wanted)]
    assert found, f"no {wanted.__name__}"
    return found


async def wait_more(bench: Bench, before: set[int]) -> None:
    """Wait until the command's own processes are there, past any shell and guard."""
    deadline = asyncio.get_running_loop().time() + 10
    while asyncio.get_running_loop().time() < deadline:
        if len(await bench.processes() - before) >= 2:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the command did not start")
