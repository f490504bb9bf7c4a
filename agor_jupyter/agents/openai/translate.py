"""The bench's entries as items of the Responses API, and its events as words and answers. Pure.

The SDK speaks this one dialect to the bench for both APIs; it turns it into chat completions itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from agor_jupyter.agents.openai import searches
from agor_jupyter.agents.workbench.history import Answered, Call, Did, Prompted
from agor_jupyter.agents.workbench.model import Answer, Offered, Words
from agor_jupyter.domain.content import StopReason, Usage

FAKE_ID = "__fake_id__"
"""What the SDK puts where chat completions have no id."""

_REASONS = re.compile(r"^(gpt-[5-9]|gpt-\d\d|o\d|codex)")
_CHATS = re.compile(r"^(gpt-|o\d|chatgpt-|codex)")
_OTHER_WORK = re.compile(r"(audio|realtime|transcribe|tts|image|search|instruct|embedding|moderation)")


def items_of(entries: Sequence[Prompted | Answered | Did], *, responses: bool) -> list[dict[str, Any]]:
    """Give the whole conversation as input items, in order."""
    items: list[dict[str, Any]] = []
    for entry in entries:
        match entry:
            case Prompted():
                items.append({"role": "user", "content": _prompt(entry)})
            case Answered() if entry.items:
                items += _answer_items(entry.items, responses=responses)
            case Answered():
                items += [{"role": "assistant", "content": entry.text}] if entry.text else []
            case Did():
                output = entry.text or "(no output)"
                items.append({"type": "function_call_output", "call_id": entry.call_id, "output": output})
    return items


def _prompt(prompt: Prompted) -> str | list[dict[str, Any]]:
    if not prompt.attachments:
        return prompt.text
    parts: list[dict[str, Any]] = []
    for item in prompt.attachments:
        if item.media_type.startswith("image/"):
            url = f"data:{item.media_type};base64,{item.data}"
            parts.append({"type": "input_image", "image_url": url, "detail": "auto"})
        else:
            parts.append({"type": "input_text", "text": f"File {item.name}:\n\n{item.data}"})
    return [*parts, {"type": "input_text", "text": prompt.text}]


def _answer_items(items: Sequence[Mapping[str, Any]], *, responses: bool) -> list[dict[str, Any]]:
    """Send an answer back as it came, but for what the server would look up and not find.

    Nothing is stored there (`store` is off): ids mean nothing to it, and a thought counts only with
    its encrypted content. A conversation may also have begun with the other API.
    """
    kept: list[dict[str, Any]] = []
    for given in items:
        item = _mended(given)
        if item.get("type") == searches.ITEM:
            item = searches.bare(item)
            if not responses:
                continue  # the SDK refuses what chat completions have no word for
        if not responses:
            kept.append(dict(item))
        elif item.get("type") != "reasoning":
            kept.append({key: value for key, value in item.items() if key not in ("id", "provider_data")})
        elif item.get("encrypted_content"):
            kept.append({key: value for key, value in item.items() if key != "provider_data"})
    return kept


def _mended(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """Servers that parse the arguments of old calls fail for ever on ones that are no JSON object."""
    if item.get("type") != "function_call" or _call(item).arguments is not None:
        return item
    return {**item, "arguments": "{}"}


def words_of(event: Mapping[str, Any]) -> Words | None:
    """Take the words out of a stream's event, if it has some."""
    match event.get("type"):
        case "response.output_text.delta" | "response.refusal.delta":
            kind: Any = "text"
        case "response.reasoning_summary_text.delta" | "response.reasoning_text.delta":
            kind = "thought"
        case _:
            return None
    text = event.get("delta")
    return Words(kind, text) if isinstance(text, str) and text else None


def answer_of(response: Mapping[str, Any]) -> Answer:
    """Take the whole answer out of a response (as plain JSON)."""
    items = tuple(item for item in response.get("output") or () if isinstance(item, dict))
    calls = tuple(_call(item) for item in items if item.get("type") == "function_call")
    return Answer(
        entry=Answered(text=_text(items), items=items, calls=calls),
        usage=usage_of(response.get("usage")),
        stop_reason=_stop_reason(response, items),
    )


def _text(items: Sequence[Mapping[str, Any]]) -> str:
    parts = [part for item in items if item.get("type") == "message" for part in item.get("content") or ()]
    return "".join(str(part.get("text") or part.get("refusal") or "") for part in parts)


def _call(item: Mapping[str, Any]) -> Call:
    try:
        arguments = json.loads(item.get("arguments") or "{}")
    except (ValueError, RecursionError):
        arguments = None
    return Call(
        id=str(item.get("call_id", "")),
        name=str(item.get("name", "")),
        arguments=arguments if isinstance(arguments, dict) else None,
    )


def _stop_reason(response: Mapping[str, Any], items: Sequence[Mapping[str, Any]]) -> StopReason:
    reason = (response.get("incomplete_details") or {}).get("reason")
    if reason == "max_output_tokens":
        return "max_tokens"
    refused = any(
        part.get("type") == "refusal"
        for item in items
        if item.get("type") == "message"
        for part in item.get("content") or ()
    )
    return "refusal" if refused or reason == "content_filter" else "end_turn"


def usage_of(raw: object) -> Usage:
    """Translate usage. OpenAI counts cached tokens within the input; the house does not."""
    if not isinstance(raw, Mapping):
        return Usage()
    read = raw.get("input_tokens_details") or {}
    written = raw.get("output_tokens_details") or {}
    cached = _count(read.get("cached_tokens"))
    stored = _count(read.get("cache_write_tokens"))
    return Usage(
        input_tokens=max(0, _count(raw.get("input_tokens")) - cached - stored),
        output_tokens=_count(raw.get("output_tokens")),
        cached_read_tokens=cached,
        cached_write_tokens=stored,
        thought_tokens=_count(written.get("reasoning_tokens")),
    )


def offered_of(listed: Sequence[Mapping[str, Any]], *, official: bool) -> list[Offered]:
    """Read a list of models. OpenAI's own has much that cannot chat; others say how much theirs hold."""
    found: list[Offered] = []
    for item in listed:
        name = str(item.get("id", ""))
        if not name or (official and (not _CHATS.match(name) or _OTHER_WORK.search(name))):
            continue
        size = next(
            (item[key] for key in ("max_model_len", "context_length", "context_window") if item.get(key)),
            None,
        )
        found.append(Offered(name, size if isinstance(size, int) else None))
    return found


def reasons(model: str) -> bool:
    """Say whether OpenAI's model of this name takes settings about its reasoning."""
    return bool(_REASONS.match(model)) and "-chat" not in model


def _count(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0
