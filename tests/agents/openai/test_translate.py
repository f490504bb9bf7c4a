"""The bench's entries as input items, and the API's events as words and answers: tables."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agor_jupyter.agents.openai import translate
from agor_jupyter.agents.workbench.history import Answered, Call, Did, Prompted
from agor_jupyter.agents.workbench.model import Offered, Words
from agor_jupyter.domain.content import Attachment, Usage

MESSAGE = {
    "type": "message",
    "id": "msg_1",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": "Hello.", "annotations": []}],
}
CALL = {
    "type": "function_call",
    "id": "fc_1",
    "call_id": "c1",
    "name": "run_shell",
    "arguments": '{"command": "ls"}',
}
THOUGHT = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "xyz", "provider_data": {}}
BARE_THOUGHT = {"type": "reasoning", "id": "__fake_id__", "summary": [{"type": "summary_text", "text": "hm"}]}


def items(*entries: Any, responses: bool = True) -> list[dict[str, Any]]:
    return translate.items_of(entries, responses=responses)


def test_prompts_with_files_and_images() -> None:
    assert items(Prompted(text="hi")) == [{"role": "user", "content": "hi"}]
    files = (
        Attachment(name="a.png", media_type="image/png", data="AAAA"),
        Attachment(name="b.txt", media_type="text/plain", data="words"),
    )
    (item,) = items(Prompted(text="hi", attachments=files))
    assert item["content"] == [
        {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "auto"},
        {"type": "input_text", "text": "File b.txt:\n\nwords"},
        {"type": "input_text", "text": "hi"},
    ]


def test_an_answer_goes_back_without_what_the_server_does_not_know() -> None:
    answered = Answered(text="Hello.", items=(THOUGHT, BARE_THOUGHT, MESSAGE, CALL))
    did = Did(call_id="c1", name="run_shell", text="")
    sent = items(answered, did)
    assert [item.get("type") for item in sent] == [
        "reasoning",
        "message",
        "function_call",
        "function_call_output",
    ]
    assert sent[0] == {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "xyz"}
    assert all("id" not in item for item in sent[1:])
    assert sent[3]["output"] == "(no output)"
    assert items(answered, responses=False) == [THOUGHT, BARE_THOUGHT, MESSAGE, CALL]


def test_half_an_answer_is_words_and_an_empty_one_is_nothing() -> None:
    assert items(Answered(text="half")) == [{"role": "assistant", "content": "half"}]
    assert items(Answered()) == []


def test_arguments_that_are_no_object_do_not_go_back() -> None:
    for arguments in ("{oh", "[1]", "null"):
        broken = {**CALL, "arguments": arguments}
        answer = translate.answer_of({"output": [broken]})
        assert answer.entry.calls == (Call(id="c1", name="run_shell", arguments=None),)
        (sent,) = items(answer.entry, responses=False)
        assert json.loads(sent["arguments"]) == {}


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ({"type": "response.output_text.delta", "delta": "a"}, Words("text", "a")),
        ({"type": "response.refusal.delta", "delta": "no"}, Words("text", "no")),
        ({"type": "response.reasoning_summary_text.delta", "delta": "h"}, Words("thought", "h")),
        ({"type": "response.reasoning_text.delta", "delta": "h"}, Words("thought", "h")),
        ({"type": "response.output_text.delta", "delta": ""}, None),
        ({"type": "response.function_call_arguments.delta", "delta": "{"}, None),
        ({"type": "response.created"}, None),
    ],
)
def test_words(event: dict[str, Any], words: Words | None) -> None:
    assert translate.words_of(event) == words


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        ({"output": [MESSAGE]}, "end_turn"),
        ({"output": [MESSAGE], "incomplete_details": {"reason": "max_output_tokens"}}, "max_tokens"),
        ({"output": [], "incomplete_details": {"reason": "content_filter"}}, "refusal"),
        ({"output": [{**MESSAGE, "content": [{"type": "refusal", "refusal": "No."}]}]}, "refusal"),
    ],
)
def test_why_an_answer_ended(response: dict[str, Any], reason: str) -> None:
    assert translate.answer_of(response).stop_reason == reason


def test_cached_tokens_are_not_counted_twice() -> None:
    raw = {
        "input_tokens": 100,
        "input_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 10},
        "output_tokens": 20,
        "output_tokens_details": {"reasoning_tokens": 5},
    }
    assert translate.usage_of(raw) == Usage(
        input_tokens=30, cached_read_tokens=60, cached_write_tokens=10, output_tokens=20, thought_tokens=5
    )
    assert translate.usage_of(None) == Usage()


def test_models_that_chat() -> None:
    listed = [
        {"id": "gpt-5.5", "context_window": None},
        {"id": "gpt-4o-audio-preview"},
        {"id": "text-embedding-3-large"},
        {"id": "o4-mini"},
        {"id": ""},
    ]
    assert translate.offered_of(listed, official=True) == [Offered("gpt-5.5"), Offered("o4-mini")]
    own = [{"id": "qwen", "max_model_len": 32768}, {"id": "text-embedding"}]
    assert translate.offered_of(own, official=False) == [Offered("qwen", 32768), Offered("text-embedding")]


def test_which_models_reason() -> None:
    assert translate.reasons("gpt-5.5")
    assert translate.reasons("o4-mini")
    assert not translate.reasons("gpt-4.1")
    assert not translate.reasons("gpt-5-chat-latest")
    assert not translate.reasons("qwen")
