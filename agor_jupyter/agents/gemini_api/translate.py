"""The bench's entries as contents of the Gemini API, and its chunks as words and answers. Pure.

Parts are kept as the API's own JSON, with their `thoughtSignature`: a call that comes back without the
signature it was made with is refused by newer models.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from agor_jupyter.agents.gemini_api.probe import DEFAULT_MODEL, EFFORTS
from agor_jupyter.agents.workbench.failing import RESUME, ModelFailed, cut_off
from agor_jupyter.agents.workbench.history import Answered, Call, Did, Prompted
from agor_jupyter.agents.workbench.model import Answer, Offered, Words
from agor_jupyter.domain.content import StopReason, Usage

OWN_ID = "agor-call-"
"""Begins the ids of calls that the API gave none: they are not sent back."""

BUDGETS: Mapping[str, int] = {"minimal": 512, "low": 1024, "medium": 8192, "high": 24576}

_THINKS = re.compile(r"^gemini-(2\.5|[3-9]|\d\d|pro-latest|flash)")
_BY_BUDGET = re.compile(r"^gemini-2\.5")
_ODD = frozenset({"MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "MALFORMED_RESPONSE"})
_OTHER_WORK = re.compile(r"(embedding|image|tts|audio|live|robotics|computer-use|aqa|veo|imagen)")


def contents_of(entries: Sequence[Prompted | Answered | Did]) -> list[dict[str, Any]]:
    """Give the whole conversation in order. The results of one answer's calls are one content."""
    contents: list[dict[str, Any]] = []
    before: Prompted | Answered | Did | None = None
    for entry in entries:
        match entry:
            case Prompted():
                contents.append({"role": "user", "parts": _prompt(entry)})
            case Answered():
                parts = [dict(part) for part in entry.items if not _is_bare_thought(part)]
                if parts or entry.text:
                    contents.append({"role": "model", "parts": parts or [{"text": entry.text}]})
            case Did() if isinstance(before, Did):
                contents[-1]["parts"].append(_result(entry))
            case Did():
                contents.append({"role": "user", "parts": [_result(entry)]})
        before = entry
    return contents


def _prompt(prompt: Prompted) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = []
    for item in prompt.attachments:
        if item.media_type.startswith("image/"):
            parts.append({"inlineData": {"mimeType": item.media_type, "data": item.data}})
        else:
            parts.append({"text": f"File {item.name}:\n\n{item.data}"})
    return [*parts, {"text": prompt.text}]


def _is_bare_thought(part: Mapping[str, Any]) -> bool:
    """Thoughts were for people; only what carries a signature means something to the model."""
    return bool(part.get("thought")) and not part.get("thoughtSignature")


def _result(did: Did) -> dict[str, Any]:
    response = {"error" if did.failed else "output": did.text}
    named = {} if did.call_id.startswith(OWN_ID) else {"id": did.call_id}
    return {"functionResponse": {**named, "name": did.name, "response": response}}


class Gatherer:
    """Takes the chunks of one answer, gives their words, and at the end the whole."""

    def __init__(self) -> None:
        self._parts: list[dict[str, Any]] = []
        self._reason = ""
        self._blocked = ""
        self._usage: Mapping[str, Any] = {}

    def feed(self, chunk: Mapping[str, Any]) -> list[Words]:
        """Take a chunk (as plain JSON)."""
        self._usage = chunk.get("usageMetadata") or self._usage
        self._blocked = (chunk.get("promptFeedback") or {}).get("blockReason") or self._blocked
        words: list[Words] = []
        for candidate in (chunk.get("candidates") or ())[:1]:
            self._reason = candidate.get("finishReason") or self._reason
            for part in (candidate.get("content") or {}).get("parts") or ():
                self._add(part)
                if text := part.get("text"):
                    words.append(Words("thought" if part.get("thought") else "text", str(text)))
        return words

    def _add(self, part: Mapping[str, Any]) -> None:
        """Keep a part. Pieces of one text are joined, but never over a signature."""
        if part.get("text") == "" and not part.get("thoughtSignature"):
            return
        last = self._parts[-1] if self._parts else {}
        plain = set(part) <= {"text", "thought"} and set(last) <= {"text", "thought"}
        if plain and last and last.get("thought") == part.get("thought"):
            last["text"] += part["text"]
        else:
            self._parts.append(dict(part))

    def answer(self) -> Answer:
        """Give the whole answer. Raises `ModelFailed` where it is none."""
        if self._blocked and not self._parts:
            raise ModelFailed(
                f"Gemini refused the prompt ({self._blocked}).",
                "Say it in another way, or choose another model.",
            )
        if self._reason in _ODD:
            raise ModelFailed(f"Gemini's answer cannot be used ({self._reason}).", RESUME, again=True)
        if not self._reason:
            raise cut_off()
        calls = [part["functionCall"] for part in self._parts if part.get("functionCall")]
        said = [part for part in self._parts if "text" in part and not part.get("thought")]
        return Answer(
            entry=Answered(
                text="".join(str(part["text"]) for part in said),
                items=tuple(self._parts),
                calls=tuple(_call(call, number) for number, call in enumerate(calls)),
            ),
            usage=usage_of(self._usage),
            stop_reason=_stop_reason(self._reason),
        )


def _call(call: Mapping[str, Any], number: int) -> Call:
    arguments = call.get("args") or {}
    return Call(
        id=str(call.get("id") or f"{OWN_ID}{number}"),
        name=str(call.get("name", "")),
        arguments=dict(arguments) if isinstance(arguments, Mapping) else None,
    )


def _stop_reason(reason: str) -> StopReason:
    if reason == "MAX_TOKENS":
        return "max_tokens"
    return "end_turn" if reason == "STOP" else "refusal"


def usage_of(raw: Mapping[str, Any]) -> Usage:
    """Translate usage. Gemini counts cached tokens within the prompt, and thoughts beside the answer."""
    cached, thoughts = _count(raw, "cachedContentTokenCount"), _count(raw, "thoughtsTokenCount")
    read = _count(raw, "promptTokenCount") + _count(raw, "toolUsePromptTokenCount")
    return Usage(
        input_tokens=max(0, read - cached),
        output_tokens=_count(raw, "candidatesTokenCount") + thoughts,
        cached_read_tokens=cached,
        thought_tokens=thoughts,
    )


def thinking_of(model: str, effort: str) -> dict[str, Any] | None:
    """Give the thinking settings of a model; None for one that does not think."""
    if not _THINKS.match(model):
        return None
    if effort not in EFFORTS:
        return {"includeThoughts": True}
    if _BY_BUDGET.match(model):
        return {"includeThoughts": True, "thinkingBudget": BUDGETS[effort]}
    return {"includeThoughts": True, "thinkingLevel": effort.upper()}


def offered_of(listed: Sequence[Mapping[str, Any]]) -> list[Offered]:
    """Read a list of models: those that chat, the one that is taken by default first."""
    found = []
    for item in listed:
        name = str(item.get("name", "")).removeprefix("models/")
        actions = item.get("supportedActions") or item.get("supportedGenerationMethods") or ()
        if not name or _OTHER_WORK.search(name) or (actions and "generateContent" not in actions):
            continue
        size = item.get("inputTokenLimit")
        label = str(item.get("displayName") or "")
        found.append(Offered(name, size if isinstance(size, int) else None, label if label != name else ""))
    return sorted(found, key=lambda offered: offered.name != DEFAULT_MODEL)


def _count(raw: Mapping[str, Any], name: str) -> int:
    value = raw.get(name)
    return value if isinstance(value, int) and value > 0 else 0
