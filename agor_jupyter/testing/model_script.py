"""What a scripted model says: scripts as data, and the stateless brain that plays them.

A *script* is a list of turns of the assistant; a turn is a list of blocks (text, thought, tool
use) or a fault (an HTTP error, a cut connection). The brain keeps nothing between requests: it
picks the script from the last thing a person said, and the turn by counting the assistant's
turns since then. So a restarted server, a resumed conversation and a fork all go on rightly.

It knows no vendor's wire format: `anthropic_server` and its kin turn history into `Said` and
turns into bytes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from agor_jupyter.domain.model import Value


class Text(Value):
    """Words. They are sent `chunk` characters at a time, `delay_seconds` apart."""

    type: Literal["text"] = "text"
    text: str
    chunk: int = 12
    delay_seconds: float = 0.0


class Thinking(Value):
    """A thought, sent like words."""

    type: Literal["thinking"] = "thinking"
    text: str
    chunk: int = 12
    delay_seconds: float = 0.0


class ToolUse(Value):
    """A call of one of the agent's own tools, with whatever input it should get."""

    type: Literal["tool_use"] = "tool_use"
    name: str
    input: dict[str, Any] = {}  # vendor JSON: any shape is legal
    id: str = ""  # empty: made from the place in the script
    chunk: int = 64
    delay_seconds: float = 0.0


class Echo(Value):
    """Words out of the history: all earlier prompts, the last tools' results, or `images: N`."""

    type: Literal["echo"] = "echo"
    of: Literal["prompts", "results", "images"]


Block = Annotated[Text | Thinking | ToolUse | Echo, Field(discriminator="type")]


class Source(Value):
    """A page of the web, as the provider names it."""

    title: str
    url: str


class Looked(Value):
    """The provider itself looked something up in the web: a search by `query`, or one page by `url`.

    `failed`: it did not get there. Only wires whose vendor has such a tool play it.
    """

    query: str = ""
    url: str = ""
    sources: tuple[Source, ...] = ()
    failed: bool = False


class Fault(Value):
    """What goes wrong instead of an answer, or (a cut) in the middle of one."""

    status: int = 0  # an HTTP status: 401, 404, 429, 529
    message: str = "Scripted failure"
    retry_after_seconds: int | None = None


class Turn(Value):
    """One answer of the model.

    `hold_seconds` passes before the first byte; `cut_after` ends the connection after so many
    blocks; `fault` answers with an HTTP error. `times` > 0 limits a fault to the first requests.
    `looked` comes before the blocks: what the provider's own web tools did on the way.
    """

    blocks: tuple[Block, ...] = ()
    looked: tuple[Looked, ...] = ()
    fault: Fault | None = None
    fault_times: int = 0  # 0: every time
    hold_seconds: float = 0.0
    cut_after: int | None = None
    input_tokens: int = 100
    output_tokens: int = 20
    cached_read_tokens: int = 0
    cached_write_tokens: int = 0
    stop_reason: Literal["auto", "max_tokens", "refusal"] = "auto"

    @property
    def uses_tools(self) -> bool:
        return any(isinstance(block, ToolUse) for block in self.blocks)


class Script(Value):
    """Turns in order. After the last one the model says `afterwards`."""

    turns: tuple[Turn, ...]
    afterwards: str = "Done."


class Said(Value):
    """One message of the history, without the vendor's dress. What tools gave back is `results`."""

    role: Literal["user", "assistant"]
    text: str = ""
    results: str = ""
    images: int = 0


class Choice(Value):
    """The turn to play: which script, which of its turns, and what the person had said."""

    script: str
    step: int
    prompt: str
    turn: Turn


_MARK = re.compile(r"SCRIPT:([A-Za-z0-9_.-]+)")
_REMINDER = re.compile(r"<system-reminder>.*?</system-reminder>", re.DOTALL)

_books: TypeAdapter[dict[str, Script]] = TypeAdapter(dict[str, Script])


def choose(book: Mapping[str, Script], history: Sequence[Said]) -> Choice:
    """Pick the script that the last prompt names with `SCRIPT:<name>`, and its present turn.

    Words without a name that come while a script is not at its end are steering: it goes on. Else a
    prompt that names none, or an unknown one, is echoed: `You said: …`.
    """
    place, prompt = _last_prompt(history)
    if not _MARK.search(prompt):
        place, prompt = _steered(book, history, place) or (place, prompt)
    step = sum(1 for said in history[place + 1 :] if said.role == "assistant")
    # The last mark: agents join a prompt to one before it that was never answered.
    name = (_MARK.findall(prompt) or [""])[-1]
    script = book.get(name)
    if script is None:
        answer = Turn(blocks=(Text(text=f"You said: {prompt.strip()[:2000]}"),))
        return Choice(script="", step=step, prompt=prompt, turn=answer)
    if step < len(script.turns):
        turn = _with_echoes(script.turns[step], history, place)
        return Choice(script=name, step=step, prompt=prompt, turn=turn)
    end = Turn(blocks=(Text(text=script.afterwards),))
    return Choice(script=name, step=step, prompt=prompt, turn=end)


def _with_echoes(turn: Turn, history: Sequence[Said], place: int) -> Turn:
    """Put words in the place of echoes. `place` is the last prompt's: it is not echoed itself."""

    def words(block: Block) -> Block:
        if not isinstance(block, Echo):
            return block
        if block.of == "results":
            return Text(text=next((said.results for said in reversed(history) if said.results), ""))
        if block.of == "images":
            return Text(text=f"images: {sum(said.images for said in history)}")
        prompts = (_REMINDER.sub("", said.text).strip() for said in history[:place] if said.role == "user")
        return Text(text="\n".join(prompt for prompt in prompts if prompt))

    if not any(isinstance(block, Echo) for block in turn.blocks):
        return turn
    return turn.model_copy(update={"blocks": tuple(words(block) for block in turn.blocks)})


def _steered(book: Mapping[str, Script], history: Sequence[Said], place: int) -> tuple[int, str] | None:
    """Find the prompt of a script that words at `place` were put into, if one is under way."""
    for earlier in range(place - 1, -1, -1):
        said = history[earlier]
        marks = _MARK.findall(said.text) if said.role == "user" else []
        if marks:
            step = sum(1 for later in history[earlier + 1 :] if later.role == "assistant")
            script = book.get(marks[-1])
            under_way = script is not None and step < len(script.turns)
            return (earlier, said.text) if under_way else None
    return None


def _last_prompt(history: Sequence[Said]) -> tuple[int, str]:
    """Find the last message in which a person said something; agents add reminders of their own."""
    for place in range(len(history) - 1, -1, -1):
        said = history[place]
        words = _REMINDER.sub("", said.text)
        if said.role == "user" and words.strip():
            return place, words
    return -1, ""


def pieces(text: str, chunk: int) -> Iterable[str]:
    """Cut `text` into pieces of `chunk` characters; an empty text gives none."""
    size = max(1, chunk)
    return (text[start : start + size] for start in range(0, len(text), size))


def say(*texts: str, **turn: Any) -> Turn:
    """Make a turn of plain words."""
    return Turn(blocks=tuple(Text(text=text) for text in texts), **turn)


def use(name: str, /, **tool_input: Any) -> Turn:
    """Make a turn that calls one tool."""
    return Turn(blocks=(ToolUse(name=name, input=tool_input),))


def script(*turns: Turn, afterwards: str = "Done.") -> Script:
    return Script(turns=turns, afterwards=afterwards)


def load_book(path: Path) -> dict[str, Script]:
    """Read scripts from a JSON file: `{name: {"turns": [...]}}`."""
    return _books.validate_python(json.loads(path.read_text(encoding="utf-8")))


def dump_book(book: Mapping[str, Script]) -> str:
    """Write scripts as the JSON that `load_book` reads."""
    return _books.dump_json(dict(book), indent=1).decode()
