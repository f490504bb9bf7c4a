"""The demo agent as an adapter: one turn at a time, which plays a script's steps.

What the steps do is in `player`; here is only the life of a conversation.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Mapping
from typing import Any

from agor_jupyter.agents.base import Decision, SessionSpec, ToolAnswer, ToolCaller
from agor_jupyter.agents.demo import memory
from agor_jupyter.agents.demo.kind import MODELS, VERSION
from agor_jupyter.agents.demo.player import Player
from agor_jupyter.agents.demo.script import Script, load_script
from agor_jupyter.agents.demo.stage import EndTurn, Stage
from agor_jupyter.domain.content import Attachment, Mode
from agor_jupyter.domain.errors import AgorError, Conflict, Unprocessable, UnsupportedByAgent
from agor_jupyter.domain.events import AgentReady, AgentUpdate, TurnEnded
from agor_jupyter.domain.ids import RequestId, TaskId

QUEUE = 256
SLOW_FACTOR = 5.0

log = logging.getLogger(__name__)


class DemoAdapter:
    """See `agents.base.AgentAdapter`."""

    def __init__(self) -> None:
        self._updates: asyncio.Queue[AgentUpdate | None] = asyncio.Queue(QUEUE)
        self._stage: Stage | None = None
        self._script: Script | None = None
        self._turn: asyncio.Task[None] | None = None
        self._closed = False
        self._held: int | None = None
        self._call_tool: ToolCaller = _no_tools

    async def start(self, spec: SessionSpec) -> None:
        """Begin a conversation, or take `spec.native_ref` up again."""
        name = spec.options.get("script", "default")
        if not isinstance(name, str):
            raise Unprocessable("The option `script` is the name or path of a script.")
        self._script = await asyncio.to_thread(load_script, name)
        if spec.native_ref:
            conversation = await asyncio.to_thread(memory.load, spec.state_dir, spec.native_ref)
        else:
            conversation = memory.begin()
            if spec.fork is not None:
                parent = await asyncio.to_thread(memory.load, spec.state_dir, spec.fork.native_ref)
                conversation = memory.branch(parent, spec.fork.message_ref)
            await asyncio.to_thread(memory.save, spec.state_dir, conversation)
        self._held = await asyncio.to_thread(memory.hold, spec.state_dir, conversation.native_ref)
        model = spec.model or MODELS[0]
        self._stage = Stage(
            spec, conversation, self._updates.put, pace=_pace(model), call_tool=self._call_tool
        )
        await self._updates.put(
            AgentReady(native_ref=conversation.native_ref, version=VERSION, model=model, models=MODELS)
        )

    async def prompt(self, task_id: TaskId, text: str, attachments: tuple[Attachment, ...]) -> None:
        """Begin a turn. Raises `Conflict` while one is under way."""
        stage, script = self._ready()
        if self._turn is not None and not self._turn.done():
            raise Conflict("The demo agent is at work on another prompt.")
        turn, found = script.turn_for(text, stage.conversation.prompts)
        stage.begin_turn(text, found, recorded=script.recorded)
        # Before anything is done: a kill in mid-turn must not make it forget what it was asked.
        await asyncio.to_thread(memory.save, stage.spec.state_dir, stage.conversation)
        player = Player(stage, script.delay_ms)
        self._turn = asyncio.create_task(self._play(player.play(turn.steps), stage))
        await asyncio.sleep(0)  # it has begun now: a turn that is stopped before would end without a word

    def use_tools(self, call: ToolCaller) -> None:
        self._call_tool = call

    async def steer(self, text: str, attachments: tuple[Attachment, ...]) -> None:
        raise UnsupportedByAgent("demo", "steer", hint="Queue a prompt.")

    async def set_effort(self, effort: str) -> None:
        raise UnsupportedByAgent("demo", "set_effort", hint="A script thinks as it is written.")

    async def interrupt(self) -> None:
        """Stop the turn and its command; `turn_ended` is queued when this returns."""
        turn = self._turn
        if turn is None or turn.done():
            return
        turn.cancel()
        await asyncio.gather(turn, return_exceptions=True)

    async def answer(self, request_id: RequestId, decision: Decision) -> None:
        self._ready()[0].answer(request_id, decision)

    async def set_mode(self, mode: Mode) -> None:
        """Nothing to do: it asks for every act, and the policy answers by the mode."""

    async def set_model(self, model: str) -> None:
        if model not in MODELS:
            raise Unprocessable(f"There is no model {model!r}.", hint=f"Models: {', '.join(MODELS)}.")
        self._ready()[0].pace = _pace(model)

    async def events(self) -> AsyncIterator[AgentUpdate]:
        while (update := await self._updates.get()) is not None:
            yield update

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        await self.interrupt()
        self.let_go()
        # Nobody may be reading any more: what does not fit is not waited for.
        if self._updates.full():
            self._updates.get_nowait()
        self._updates.put_nowait(None)

    def let_go(self) -> None:
        """Leave the conversation to another client, as the end of the process does."""
        if self._held is not None:
            os.close(self._held)
            self._held = None

    async def _play(self, steps: AsyncIterator[None], stage: Stage) -> None:
        """Play to the end, and say how it ended, exactly once."""
        ended = TurnEnded(stop_reason="end_turn")
        try:
            async for _ in steps:
                await asyncio.to_thread(memory.save, stage.spec.state_dir, stage.conversation)
        except EndTurn as end:
            ended = end.ended
        except asyncio.CancelledError:
            ended = TurnEnded(stop_reason="cancelled")
        except (AgorError, OSError) as error:
            hint = error.hint if isinstance(error, AgorError) else ""
            ended = TurnEnded(stop_reason="failed", error=str(error), hint=hint)
        await stage.end_turn(ended)

    def _ready(self) -> tuple[Stage, Script]:
        if self._stage is None or self._script is None:
            raise Conflict("The demo agent has not started.")
        return self._stage, self._script


async def _no_tools(tool: str, arguments: Mapping[str, Any]) -> ToolAnswer:
    return ToolAnswer(text="No tools were handed in.", failed=True)


def _pace(model: str) -> float:
    return SLOW_FACTOR if model == "demo-slow" else 1.0
