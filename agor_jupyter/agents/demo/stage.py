"""What the steps of a turn act on: the worktree, the conversation, and who hears and answers."""

from __future__ import annotations

import asyncio
import re
import secrets
import sys
from collections.abc import Awaitable, Callable

from agor_jupyter.agents.base import Decision, SessionSpec, ToolCaller
from agor_jupyter.agents.demo.memory import Conversation
from agor_jupyter.domain.content import Usage
from agor_jupyter.domain.events import AgentUpdate, PermissionRequest, TurnEnded, UsageUpdate
from agor_jupyter.domain.ids import RequestId, ToolCallId

CONTEXT_SIZE = 200_000
PIECE_CHARACTERS = 12


class EndTurn(Exception):
    """A step ended the turn."""

    def __init__(self, ended: TurnEnded) -> None:
        super().__init__(ended.stop_reason)
        self.ended = ended


class Stage:
    """What steps act on: the worktree, the conversation, and who hears and answers."""

    def __init__(
        self,
        spec: SessionSpec,
        conversation: Conversation,
        emit: Callable[[AgentUpdate], Awaitable[None]],
        *,
        pace: float,
        call_tool: ToolCaller,
    ) -> None:
        self.spec = spec
        self.conversation = conversation
        self.emit = emit
        self.pace = pace
        self.call_tool = call_tool
        self.usage = Usage()
        self.names: dict[str, str] = {}
        self.exit_code: int | None = None
        self.rejected = False
        self.recorded = False
        self.context: tuple[int, int] | None = None
        self._asked: dict[RequestId, asyncio.Future[Decision]] = {}

    def begin_turn(self, prompt: str, found: re.Match[str] | None, *, recorded: bool = False) -> None:
        """Begin with nothing said. `recorded`: texts are literal, and only the script's own usage counts."""
        earlier = self.conversation.prompts[-1] if self.conversation.prompts else ""
        self.names = {
            "prompt": prompt,
            "earlier": earlier,
            "history": "\n".join(self.conversation.prompts),
            "python": sys.executable,
            "answer": "",
            "result": "",
        }
        if found is not None:
            self.names |= {str(index): text or "" for index, text in enumerate(found.groups(), 1)}
            self.names |= {name: text or "" for name, text in found.groupdict().items()}
        self.conversation = self.conversation.model_copy(
            update={"prompts": (*self.conversation.prompts, prompt)}
        )
        self.recorded, self.context = recorded, None
        counted = 0 if recorded else count_tokens(prompt) + self.conversation.tokens
        self.usage = Usage(input_tokens=counted)
        self.exit_code, self.rejected = None, False

    def filled(self, text: str) -> str:
        """Put in the values of `{names}`; braces around anything else stay, and a recording's texts too."""
        if self.recorded:
            return text
        return re.sub(r"\{(\w+)\}", lambda found: self.names.get(found[1], found[0]), text)

    def spend(self, output: str, *, thought: bool = False) -> None:
        if self.recorded:
            return
        count = count_tokens(output)
        thoughts = self.usage.thought_tokens + (count if thought else 0)
        self.usage = self.usage.model_copy(
            update={"output_tokens": self.usage.output_tokens + count, "thought_tokens": thoughts}
        )

    async def ask(self, request: PermissionRequest) -> Decision:
        answer: asyncio.Future[Decision] = asyncio.get_running_loop().create_future()
        self._asked[request.request_id] = answer
        await self.emit(request)
        try:
            return await answer
        finally:
            self._asked.pop(request.request_id, None)

    def answer(self, request_id: RequestId, decision: Decision) -> None:
        answer = self._asked.get(request_id)
        if answer is not None and not answer.done():
            answer.set_result(decision)

    def usage_update(self) -> UsageUpdate:
        used, size = self.context or (self.usage.input_tokens + self.usage.output_tokens, CONTEXT_SIZE)
        return UsageUpdate(usage=self.usage, context_used=used, context_size=size)

    async def end_turn(self, ended: TurnEnded) -> None:
        update = self.usage_update()
        self.conversation = self.conversation.model_copy(update={"tokens": update.context_used})
        await self.emit(update)
        reference = f"{self.conversation.native_ref}:{len(self.conversation.prompts)}"
        await self.emit(ended.model_copy(update={"usage": self.usage, "last_message_ref": reference}))


def pieces_of(text: str) -> list[str]:
    """Cut into small pieces at spaces, as a model's tokens come; joined they are `text`."""
    pieces: list[str] = []
    for word in re.findall(r"\s*\S+\s*$|\s*\S+|\s+", text):
        if pieces and len(pieces[-1]) + len(word) <= PIECE_CHARACTERS:
            pieces[-1] += word
        else:
            pieces.append(word)
    return pieces


def count_tokens(text: str) -> int:
    """Guess as everyone does: four characters a token."""
    return (len(text) + 3) // 4


def new_call_id() -> ToolCallId:
    return ToolCallId(f"call-{secrets.token_hex(6)}")
