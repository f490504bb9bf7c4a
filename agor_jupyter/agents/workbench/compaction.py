"""Make a long conversation fit: what is older is summed up by the model, or (if it fails) cut.

The file of the conversation keeps everything; only what the model is told gets shorter.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing

from agor_jupyter.agents.clip import clip
from agor_jupyter.agents.workbench import briefing
from agor_jupyter.agents.workbench.bench import CHARACTERS_A_TOKEN, Bench, size_of
from agor_jupyter.agents.workbench.failing import ModelFailed
from agor_jupyter.agents.workbench.history import Answered, Did, Entry, Prompted, Summed
from agor_jupyter.agents.workbench.model import Answer, Request
from agor_jupyter.domain.content import Usage
from agor_jupyter.domain.events import Compaction, Notice

KEPT_SHARE = 0.25
"""How much of the context the newest entries may fill that are kept as they are."""

RESULT_CHARACTERS = 2000
"""How much of one tool's result goes into the text that is summed up."""

CUT_CHARACTERS = 4000


def is_due(bench: Bench) -> bool:
    return bench.used > bench.context_size * bench.settings.compact_at


async def compact(bench: Bench, *, keep: float = KEPT_SHARE) -> Usage | None:
    """Sum up what is older. Gives what that used; None when there is nothing left to sum up."""
    entries = bench.history.entries
    start, before = _last_summary(entries)
    keep_from = place_to_keep(entries, start, int(bench.context_size * keep))
    if keep_from <= start:
        return None
    room = int(bench.context_size * CHARACTERS_A_TOKEN * 0.5)
    older = clip(transcript(before, entries[start:keep_from]), room)[0]
    try:
        summary, usage = await _summary(bench, older)
    except ModelFailed as error:
        bench.outbox.put(
            Notice(
                level="warning",
                text=f"The older part of the conversation could not be summed up: {error.sentence}",
                hint="The model now knows only the end of it. The transcript is complete.",
            )
        )
        summary, usage = older[-CUT_CHARACTERS:], Usage()
    text = f"{briefing.SUMMARY_HEAD}\n\n{summary}"
    if not any(isinstance(entry, Prompted) for entry in entries[keep_from:]):
        prompt = next((entry.text for entry in reversed(entries) if isinstance(entry, Prompted)), "")
        text += f"\n\nThe person's last prompt, on which you are at work:\n\n{clip(prompt, room // 2)[0]}"
    held = bench.used
    bench.history.append(Summed(text=text, keep_from=keep_from))
    bench.outbox.put(Compaction(before_tokens=held, after_tokens=bench.measure()))
    return usage


def place_to_keep(entries: Sequence[Entry], start: int, room: int) -> int:
    """Find where the part begins that is kept: as early as fits, never between a call and its result."""
    size, found = 0, len(entries)
    for place in range(len(entries) - 1, start - 1, -1):
        entry = entries[place]
        if isinstance(entry, Prompted | Answered | Did):
            size += size_of(entry)
        if size > room:
            break
        if isinstance(entry, Prompted | Answered):
            found = place
    return found


def transcript(before: str, entries: Sequence[Entry]) -> str:
    """Write entries as plain text: a summary must not depend on a vendor's rules about calls."""
    parts = [before] if before else []
    for entry in entries:
        match entry:
            case Prompted(text=text):
                parts.append(f"Person: {text}")
            case Answered(text=text, calls=calls):
                parts += [f"Agent: {text}"] if text else []
                parts += [f"Agent calls {call.name}: {_brief(str(call.arguments))}" for call in calls]
            case Did(name=name, text=text):
                parts.append(f"{name} gave: {_brief(text)}")
            case _:
                pass
    return "\n\n".join(parts)


def _brief(text: str) -> str:
    return clip(text, RESULT_CHARACTERS)[0]


def _last_summary(entries: Sequence[Entry]) -> tuple[int, str]:
    for entry in reversed(entries):
        if isinstance(entry, Summed):
            return entry.keep_from, entry.text
    return 0, ""


async def _summary(bench: Bench, older: str) -> tuple[str, Usage]:
    request = Request(system=briefing.SUMMARISE, entries=[Prompted(text=older)], tools=())
    async with aclosing(bench.model.ask(request)) as stream:
        async for piece in stream:
            if isinstance(piece, Answer) and piece.entry.text:
                return piece.entry.text, piece.usage
    raise ModelFailed("The model gave no summary.", "")
