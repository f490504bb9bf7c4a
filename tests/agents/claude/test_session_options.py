"""What the session's options `output_style` and `max_budget_usd` make of the real CLI."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agor_jupyter.agents.claude import options
from agor_jupyter.domain.errors import AgentUnavailable, Unprocessable
from agor_jupyter.domain.events import ToolCall, TurnEnded
from agor_jupyter.domain.session import ForkPoint
from agor_jupyter.testing.anthropic_server import AnthropicServer
from agor_jupyter.testing.model_script import say, script, use

Start = Callable[..., Any]

REQUEST_USD = 0.0006
"""What Claude Code reckons for one answer of the scripted server: 100 tokens in and 20 out, of Sonnet."""


def style_file(worktree: Path, name: str) -> None:
    folder = worktree / ".claude" / "output-styles"
    folder.mkdir(parents=True)
    words = f"---\nname: {name}\ndescription: Of the sea\n---\nCANARY-STYLE: speak as a sailor.\n"
    (folder / "sailor.md").write_text(words)


def told(server: AnthropicServer) -> tuple[str, str]:
    """Give the last request's system prompt, and its messages."""
    body = server.asked[-1].body
    return json.dumps(body["system"]), json.dumps(body["messages"])


async def test_a_style_of_the_answers_is_told_to_the_model(talk: Start, server: AnthropicServer) -> None:
    await (await talk()).prompt("Hello")
    plain = told(server)
    assert "Output Style" not in plain[0] + plain[1]
    for style in ("Explanatory", "Concise"):
        chat = await talk(options={"output_style": style}, system_append="Be kind to a fault.")
        await chat.prompt("Hello")
        system, messages = told(server)
        assert 'according to your \\"Output Style\\"' in system
        assert "Be kind to a fault." in system
        assert f"# Output Style: {style}" in messages
        await chat.close()
        again = await talk(native_ref=chat.native_ref, options={"output_style": style})
        await again.prompt("Hello again")
        assert 'according to your \\"Output Style\\"' in told(server)[0], "after a resume too"


async def test_a_trusted_repository_may_bring_a_style(
    talk: Start, server: AnthropicServer, worktree: Path
) -> None:
    style_file(worktree, "Sailor")
    chat = await talk(trusted=True, options={"output_style": "Sailor"})
    await chat.prompt("Hello")
    assert "CANARY-STYLE" in "".join(told(server))
    with pytest.raises(Unprocessable, match="Sailor"):
        await talk(options={"output_style": "Sailor"})
    (worktree / ".claude" / "settings.json").write_text('{"outputStyle": "Sailor"}')
    for trusted, own in ((True, ""), (True, "default"), (False, "")):
        chat = await talk(trusted=trusted, options={"output_style": own})
        await chat.prompt("Hello")
        assert ("CANARY-STYLE" in "".join(told(server))) == (trusted and not own)


async def test_a_style_that_nobody_knows_is_refused_with_those_that_are(
    talk: Start, server: AnthropicServer
) -> None:
    with pytest.raises(Unprocessable, match="'explanatory'") as caught:
        await talk(options={"output_style": "explanatory"})
    assert "Concise, Explanatory, Learning" in caught.value.hint
    assert server.asked == []


async def test_a_budget_ends_the_turn_and_says_so(talk: Start, server: AnthropicServer) -> None:
    server.book["long"] = script(
        use("Write", file_path="a.txt", content="a"),
        use("Write", file_path="b.txt", content="b"),
        say("Done."),
    )
    chat = await talk(options={"max_budget_usd": 1.5 * REQUEST_USD})
    ended = await chat.prompt("SCRIPT:long")
    assert (ended.stop_reason, ended.error) == ("failed", "The budget of this session is used up.")
    assert "max_budget_usd" in ended.hint
    assert ended.usage.cost_usd == pytest.approx(2 * REQUEST_USD)
    assert len(server.asked) == 2, "what it costs is known when an answer is there"
    assert len(chat.of(ToolCall)) == 2
    again = await chat.prompt("Hello")
    assert (again.stop_reason, again.error) == ("failed", ended.error)
    assert len(server.asked) == 2


async def test_a_budget_is_the_conversations_whatever_process_it_is_in(
    talk: Start, server: AnthropicServer
) -> None:
    """Claude Code alone would begin to count anew with each start."""
    server.book["hello"] = script(say("Hello."))
    budget = {"max_budget_usd": 2.5 * REQUEST_USD}
    chat = await talk(options=budget)
    assert (await chat.prompt("SCRIPT:hello")).stop_reason == "end_turn"
    await chat.close()
    again = await talk(native_ref=chat.native_ref, options=budget)
    assert (await again.prompt("SCRIPT:hello")).stop_reason == "end_turn"
    assert (await again.prompt("SCRIPT:hello")).error == "The budget of this session is used up."
    await again.close()
    with pytest.raises(AgentUnavailable, match="budget") as caught:
        await talk(native_ref=chat.native_ref, options=budget)
    assert "max_budget_usd" in caught.value.hint
    assert len(server.asked) == 3
    raised = await talk(native_ref=chat.native_ref, options={"max_budget_usd": 1})
    assert (await raised.prompt("SCRIPT:hello")).stop_reason == "end_turn"
    await raised.close()
    point = ForkPoint(native_ref=chat.native_ref, worktree=chat.spec.worktree)
    fork = await talk(fork=point, options=budget)
    assert (await fork.prompt("SCRIPT:hello")).stop_reason == "end_turn", "a fork has a budget of its own"
    assert [end.stop_reason for end in fork.of(TurnEnded)] == ["end_turn"]


async def test_what_subagents_cost_counts(talk: Start, server: AnthropicServer) -> None:
    server.book["child"] = script(use("Write", file_path="a.txt", content="a"), say("Written."))
    server.book["parent"] = script(
        use(
            "Agent",
            description="Write",
            prompt="SCRIPT:child",
            subagent_type="general-purpose",
            run_in_background=False,
        ),
        use("Write", file_path="b.txt", content="b"),
        say("Done."),
    )
    chat = await talk(options={"max_budget_usd": 2.5 * REQUEST_USD})
    ended = await chat.prompt("SCRIPT:parent")
    assert ended.error == "The budget of this session is used up."
    assert "Done." not in chat.text


@pytest.mark.parametrize("budget", [0, -1, "much", float("nan")])
def test_a_budget_that_is_none_is_refused(make_spec: Callable[..., Any], budget: object) -> None:
    with pytest.raises(Unprocessable, match="max_budget_usd"):
        options.settings_of(make_spec(options={"max_budget_usd": budget}))
