"""The bench's entries as contents, and the API's chunks as words and answers: tables."""

from __future__ import annotations

from typing import Any

import pytest

from agor_jupyter.agents.gemini_api import translate
from agor_jupyter.agents.workbench.failing import ModelFailed
from agor_jupyter.agents.workbench.history import Answered, Call, Did, Prompted
from agor_jupyter.agents.workbench.model import Answer, Words
from agor_jupyter.domain.content import Attachment, Usage


def chunk(*parts: dict[str, Any], reason: str | None = None, **more: Any) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}}
    if reason:
        candidate["finishReason"] = reason
    return {"candidates": [candidate], **more}


def gather(*chunks: dict[str, Any]) -> tuple[list[Words], Answer]:
    gatherer = translate.Gatherer()
    words = [piece for each in chunks for piece in gatherer.feed(each)]
    return words, gatherer.answer()


def test_pieces_are_joined_but_never_over_a_signature() -> None:
    words, answer = gather(
        chunk({"text": "I ", "thought": True}),
        chunk({"text": "think.", "thought": True}),
        chunk({"text": "Hel"}),
        chunk({"text": "lo."}),
        chunk({"text": "", "thoughtSignature": "c2ln"}),
        chunk({"text": "More."}),
        chunk({"functionCall": {"name": "list_files"}, "thoughtSignature": "c2ln"}),
        chunk({"text": ""}, reason="STOP", usageMetadata={"promptTokenCount": 9, "candidatesTokenCount": 4}),
    )
    assert words == [
        Words("thought", "I "),
        Words("thought", "think."),
        Words("text", "Hel"),
        Words("text", "lo."),
        Words("text", "More."),
    ]
    assert answer.entry.text == "Hello.More."
    assert list(answer.entry.items) == [
        {"text": "I think.", "thought": True},
        {"text": "Hello."},
        {"text": "", "thoughtSignature": "c2ln"},
        {"text": "More."},
        {"functionCall": {"name": "list_files"}, "thoughtSignature": "c2ln"},
    ]
    assert answer.entry.calls == (Call(id="agor-call-0", name="list_files", arguments={}),)
    assert answer.usage == Usage(input_tokens=9, output_tokens=4)


@pytest.mark.parametrize(
    ("reason", "stop"), [("STOP", "end_turn"), ("MAX_TOKENS", "max_tokens"), ("SAFETY", "refusal")]
)
def test_why_an_answer_ended(reason: str, stop: str) -> None:
    assert gather(chunk({"text": "a"}, reason=reason))[1].stop_reason == stop


@pytest.mark.parametrize(
    ("chunks", "says", "again"),
    [
        ([chunk({"text": "a"})], "cut off", True),
        ([chunk(reason="MALFORMED_FUNCTION_CALL")], "cannot be used", True),
        ([{"promptFeedback": {"blockReason": "SAFETY"}}], "refused the prompt (SAFETY)", False),
        ([], "cut off", True),
    ],
)
def test_what_is_no_answer(chunks: list[dict[str, Any]], says: str, again: bool) -> None:
    with pytest.raises(ModelFailed) as caught:
        gather(*chunks)
    assert says in caught.value.sentence
    assert caught.value.again is again


def test_the_conversation_as_contents() -> None:
    image = Attachment(name="a.png", media_type="image/png", data="AAAA")
    note = Attachment(name="b.txt", media_type="text/plain", data="words")
    calls = (Call(id="x", name="one", arguments={}), Call(id="agor-call-1", name="two", arguments={}))
    parts: tuple[dict[str, Any], ...] = (
        {"text": "hm", "thought": True},
        {"text": "signed", "thought": True, "thoughtSignature": "c2ln"},
        {"functionCall": {"name": "one"}},
    )
    contents = translate.contents_of(
        [
            Prompted(text="hi", attachments=(image, note)),
            Answered(items=parts, calls=calls),
            Did(call_id="x", name="one", text="1"),
            Did(call_id="agor-call-1", name="two", text="2", failed=True),
            Answered(text="half"),
            Answered(),
            Prompted(text="next"),
        ]
    )
    assert contents == [
        {
            "role": "user",
            "parts": [
                {"inlineData": {"mimeType": "image/png", "data": "AAAA"}},
                {"text": "File b.txt:\n\nwords"},
                {"text": "hi"},
            ],
        },
        {"role": "model", "parts": [*parts[1:]]},
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"id": "x", "name": "one", "response": {"output": "1"}}},
                {"functionResponse": {"name": "two", "response": {"error": "2"}}},
            ],
        },
        {"role": "model", "parts": [{"text": "half"}]},
        {"role": "user", "parts": [{"text": "next"}]},
    ]


def test_thoughts_count_as_output_and_cached_tokens_not_twice() -> None:
    raw = {
        "promptTokenCount": 100,
        "cachedContentTokenCount": 60,
        "candidatesTokenCount": 20,
        "thoughtsTokenCount": 5,
    }
    expected = Usage(input_tokens=40, cached_read_tokens=60, output_tokens=25, thought_tokens=5)
    assert translate.usage_of(raw) == expected


@pytest.mark.parametrize(
    ("model", "effort", "expected"),
    [
        ("gemini-3-pro-preview", "", {"includeThoughts": True}),
        ("gemini-3-pro-preview", "low", {"includeThoughts": True, "thinkingLevel": "LOW"}),
        ("gemini-flash-latest", "high", {"includeThoughts": True, "thinkingLevel": "HIGH"}),
        ("gemini-2.5-flash", "low", {"includeThoughts": True, "thinkingBudget": 1024}),
        ("gemini-2.0-flash", "low", None),
        ("gemma-3-27b-it", "low", None),
    ],
)
def test_thinking(model: str, effort: str, expected: dict[str, Any] | None) -> None:
    assert translate.thinking_of(model, effort) == expected


def test_models_that_chat() -> None:
    listed = [
        {"name": "models/gemini-2.5-pro", "inputTokenLimit": 9, "supportedActions": ["generateContent"]},
        {"name": "models/gemini-2.5-flash-image", "supportedActions": ["generateContent"]},
        {"name": "models/embedding-001", "supportedActions": ["embedContent"]},
        {"name": "models/gemini-flash-latest", "supportedActions": ["generateContent"]},
    ]
    found = translate.offered_of(listed)
    assert [offered.name for offered in found] == ["gemini-flash-latest", "gemini-2.5-pro"]
    assert found[1].context_size == 9
