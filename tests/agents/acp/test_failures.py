"""What goes wrong with an agent is said in a sentence, with what to do next."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agor_jupyter.agents.acp.presets import GEMINI, GENERIC
from agor_jupyter.agents.base import McpServer
from agor_jupyter.domain.content import Attachment
from agor_jupyter.domain.errors import AgentUnavailable, Conflict, Unprocessable, UnsupportedByAgent
from agor_jupyter.domain.events import Notice, TurnEnded
from agor_jupyter.domain.session import ForkPoint
from agor_jupyter.testing.conformance_faults import MUTE
from agor_jupyter.testing.harnesses.acp import COMMAND
from tests.agents.acp.conftest import Start
from tests.agents.acp.talking import Talk, spec_in, steps


async def refusal(folder: Path, *flags: str, preset: Any = GENERIC, **changes: Any) -> Any:
    """Start a conversation that must not start; give what was said."""
    fresh = Talk(spec_in(folder, *flags, **changes), preset)
    with pytest.raises((AgentUnavailable, Conflict, Unprocessable)) as caught:
        await fresh.start()
    await fresh.close()
    return caught.value


async def test_without_a_command_it_says_where_to_set_one(tmp_path: Path) -> None:
    error = await refusal(tmp_path, options={})
    assert isinstance(error, AgentUnavailable)
    assert "agent_options" in error.hint


async def test_a_missing_command_is_named(tmp_path: Path) -> None:
    error = await refusal(tmp_path, options={"command": ["no-such-agent", "--acp"]})
    assert "'no-such-agent'" in error.detail
    assert "PATH" in error.hint


async def test_a_missing_gemini_says_how_to_install_it(tmp_path: Path) -> None:
    error = await refusal(tmp_path, preset=GEMINI, options={}, environment={"PATH": str(tmp_path)})
    assert "'gemini'" in error.detail
    assert "npm install -g @google/gemini-cli" in error.hint
    assert "the agent Gemini API" in error.hint


async def test_wrong_options_are_named(tmp_path: Path) -> None:
    error = await refusal(tmp_path, options={"command": 7})
    assert isinstance(error, Unprocessable)
    assert "'command'" in error.detail


async def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    assert "is not there" in (await refusal(tmp_path, worktree=str(tmp_path / "nowhere"))).detail


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("import sys; sys.exit('This box has no soul.')", "This box has no soul."),
        ("print('Usage: agent [options]')", "Usage: agent [options]."),
        ("pass", "exit code 0"),
    ],
)
async def test_a_program_that_speaks_no_acp_is_heard(tmp_path: Path, program: str, said: str) -> None:
    error = await refusal(tmp_path, options={"command": [sys.executable, "-c", program]})
    assert said in error.detail
    assert "terminal" in error.hint


async def test_without_a_login_it_says_how_to_log_in(tmp_path: Path) -> None:
    error = await refusal(tmp_path, "--needs-login")
    assert "Authentication required" in error.detail
    assert "Log in" in error.hint
    assert "one of token as the option `login`" in error.hint


async def test_a_login_may_be_asked_for_by_name(talk: Start, tmp_path: Path) -> None:
    command = [*COMMAND, "--needs-login"]
    chat = await talk(options={"command": command, "login": "token"})
    assert (await chat.prompt("Hello")).stop_reason == "end_turn"
    error = await refusal(tmp_path, options={"command": command, "login": "letter"})
    assert "no login letter" in error.detail


async def test_another_version_of_the_protocol_is_said(tmp_path: Path) -> None:
    answer = "{'jsonrpc':'2.0','id':0,'result':{'protocolVersion':7}}"
    program = f"import json; input(); print(json.dumps({answer}), flush=True); input()"
    error = await refusal(tmp_path, options={"command": [sys.executable, "-c", program]})
    assert "version 7" in error.detail
    assert "version 1" in error.hint


async def test_a_lost_conversation_is_not_begun_anew_in_silence(tmp_path: Path) -> None:
    error = await refusal(tmp_path, native_ref="00000000-0000-4000-8000-000000000000")
    assert "cannot take this conversation up" in error.detail
    assert "new session" in error.hint


@pytest.mark.parametrize(
    ("flags", "changes", "capability"),
    [
        (("--without=load", "--without=resume"), {"native_ref": "x"}, "resume"),
        (("--without=fork",), {"fork": ForkPoint(native_ref="x", worktree="/w")}, "fork"),
        ((), {"fork": ForkPoint(native_ref="x", worktree="/w", message_ref="m")}, "fork_at_message"),
        (("--without=models",), {"model": "large"}, "set_model"),
        (("--without=models",), {"effort": "high"}, "set_effort"),
        ((), {"mcp_servers": (McpServer(name="far", transport="http", url="http://127.0.0.1:9/"),)}, "mcp"),
    ],
)
async def test_what_this_agent_cannot_do_is_refused_by_name(
    tmp_path: Path, flags: tuple[str, ...], changes: dict[str, Any], capability: str
) -> None:
    error = await refusal(tmp_path, *flags, **changes)
    assert isinstance(error, UnsupportedByAgent)
    assert error.fields["capability"] == capability
    assert error.hint


async def test_a_fork_that_is_refused_against_its_word_names_the_capability(tmp_path: Path) -> None:
    """By it the house knows that a transcript mends it."""
    point = ForkPoint(native_ref="x", worktree="/w")
    error = await refusal(tmp_path, "--refuses-forks", "--without=load", fork=point)
    assert isinstance(error, AgentUnavailable)
    assert "No forks today" in error.detail
    assert error.fields["capability"] == "fork"


async def test_a_fork_without_a_login_waits_for_one(tmp_path: Path) -> None:
    """It names no capability: a transcript would mend nothing."""
    point = ForkPoint(native_ref="x", worktree="/w")
    error = await refusal(tmp_path, "--needs-login", "--without=load", fork=point)
    assert "Authentication required" in error.detail
    assert "capability" not in error.fields


async def test_tool_servers_need_their_variables_and_leave_our_name(tmp_path: Path) -> None:
    lacking = McpServer(name="mine", command=("true",), environment={"KEY": "${NO_SUCH_KEY}"})
    error = await refusal(tmp_path, mcp_servers=(lacking,))
    assert "NO_SUCH_KEY" in error.detail
    assert "'agor'" in (await refusal(tmp_path, mcp_servers=(McpServer(name="agor"),))).detail
    assert "has no command" in (await refusal(tmp_path, mcp_servers=(McpServer(name="mine"),))).detail


async def test_a_tool_server_that_never_answers_holds_up_no_session(
    talk: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agor_jupyter.agents.acp.opening.TOOL_SERVERS_SECONDS", 0.3)
    chat = await talk("--stuck-servers", mcp_servers=(MUTE,))
    assert (await chat.prompt("Hello")).stop_reason == "end_turn"
    (notice,) = chat.of(Notice)
    assert "works without tool servers: of mute, one" in notice.text
    assert notice.tool_servers == ("mute",), "the session does not list it as one that runs"
    assert "restart the agent" in notice.hint


async def test_a_session_without_tool_servers_has_the_whole_time(
    talk: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agor_jupyter.agents.acp.opening.TOOL_SERVERS_SECONDS", 0)
    chat = await talk()
    assert (await chat.prompt("Hello")).stop_reason == "end_turn"
    assert chat.of(Notice) == []


async def test_what_it_starts_only_where_there_is_trust_is_named(tmp_path: Path) -> None:
    preset = replace(GENERIC, quirks=replace(GENERIC.quirks, tool_servers_need_trust=True))
    chat = await Talk(spec_in(tmp_path, mcp_servers=(MUTE,), trusted=False), preset).start()
    (notice,) = chat.of(Notice)
    await chat.close()
    assert "works here without tool servers (mute)" in notice.text
    assert notice.tool_servers == ("mute",)


async def test_a_key_of_the_owners_makes_a_login_of_the_machines_needless(tmp_path: Path) -> None:
    options = {"command": [*COMMAND], "login": "no-such-login"}
    preset = replace(GENERIC, credentials=("OWN_KEY",))
    error = await refusal(tmp_path, preset=preset, options=options)
    assert "no login no-such-login" in error.detail
    own = {"environment": {"OWN_KEY": "x"}, "credentials": ("OWN_KEY",), "options": options}
    chat = await Talk(spec_in(tmp_path, **own), preset).start()
    assert (await chat.prompt("Hello")).stop_reason == "end_turn"
    await chat.close()


async def test_an_answer_that_is_too_long_says_what_to_do(talk: Start) -> None:
    chat = await talk()
    ended = await chat.prompt(steps({"end": "max_tokens"}))
    assert ended.stop_reason == "max_tokens"
    assert "ask for less" in ended.hint


async def test_an_image_that_it_cannot_see_is_refused_and_the_talk_goes_on(talk: Start) -> None:
    chat = await talk("--without=image")
    with pytest.raises(UnsupportedByAgent, match="images"):
        await chat.adapter.prompt("task_x", "Look", (Attachment(name="a", media_type="image/png", data=""),))
    with pytest.raises(UnsupportedByAgent, match="steer"):
        await chat.adapter.steer("Left", ())
    assert (await chat.prompt("Still here?")).stop_reason == "end_turn"


async def test_an_agent_that_dies_loses_the_turn_and_says_why(talk: Start) -> None:
    chat = await talk()
    ended = await chat.prompt(steps({"say": "Half a"}, {"die": 7}))
    assert ended.stop_reason == "lost"
    assert "exit code 7" in ended.error
    assert "told to die" in ended.error
    assert "Resume" in ended.hint
    await chat.gone()
    with pytest.raises(AgentUnavailable, match="has ended"):
        await chat.adapter.prompt("task_x", "Hello?", ())


async def test_a_line_that_is_cut_ends_the_turn(talk: Start) -> None:
    chat = await talk()
    ended = await chat.prompt(steps({"say": "Half a"}, {"cut": True}))
    assert ended.stop_reason == "lost"
    assert "middle of a message" in ended.error
    assert chat.text == "Half a"
    await chat.gone()


@pytest.mark.parametrize(
    ("code", "message", "hint"),
    [
        (429, "Rate limit exceeded. Try again later.", "rate limit"),
        (-32000, "Authentication required", "Log in"),
        (-32603, "API key not valid. Please pass a valid API key.", "Log in"),
        (404, "models/none is not found", "another model"),
        (-32603, "Something broke", "Resume the session"),
    ],
)
async def test_an_error_answer_fails_the_turn_with_the_next_step(
    talk: Start, code: int, message: str, hint: str
) -> None:
    chat = await talk()
    ended = await chat.prompt(steps({"fail": [code, message]}))
    assert ended.stop_reason == "failed"
    assert ended.error.rstrip(".") in message
    assert hint in ended.hint
    assert (await chat.prompt("Still here?")).stop_reason == "end_turn"


async def test_what_it_refuses_to_choose_is_told(talk: Start) -> None:
    chat = await talk()
    with pytest.raises(Conflict, match="refused the model 'huge'"):
        await chat.adapter.set_model("huge")
    assert (await chat.prompt("Still here?")).stop_reason == "end_turn"


async def test_a_second_prompt_waits_for_the_first(talk: Start) -> None:
    chat = await talk()
    await chat.send(steps({"say": "At last.", "delay_ms": 300}))
    with pytest.raises(Conflict, match="at work"):
        await chat.adapter.prompt("task_x", "And this", ())
    assert (await chat.ended()).stop_reason == "end_turn"
    assert chat.text == "At last."


async def test_a_conversation_has_one_live_client(talk: Start, tmp_path: Path) -> None:
    first = await talk()
    await first.prompt("Hello")
    second = Talk(spec_in(tmp_path, native_ref=first.native_ref))
    with pytest.raises(Conflict, match="live on this"):
        await second.start()
    await second.adapter.close()


async def test_an_agent_that_does_not_stop_is_ended(talk: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agor_jupyter.agents.acp.connection.INTERRUPT_SECONDS", 0.2)
    program = (
        "import json,sys\n"
        "for line in sys.stdin:\n"
        "    m=json.loads(line)\n"
        "    if m['method'] in ('initialize','session/new'):\n"
        "        print(json.dumps({'jsonrpc':'2.0','id':m['id'],'result':{'sessionId':'s'}}),flush=True)\n"
    )
    chat = await talk(options={"command": [sys.executable, "-c", program]})
    await chat.send("Work for ever")
    await asyncio.gather(chat.adapter.interrupt(), chat.adapter.interrupt())
    assert (await chat.ended()).stop_reason == "cancelled"
    await chat.gone()
    assert len(chat.of(TurnEnded)) == 1


async def test_noise_and_news_between_messages_are_passed_over(talk: Start) -> None:
    line = json.dumps({"sessionUpdate": "something_new", "content": [1, 2]})
    chat = await talk()
    ended = await chat.prompt(
        steps(
            {"update": json.loads(line)},
            {"update": {"sessionUpdate": "tool_call", "toolCallId": "t", "kind": "dance", "title": None}},
            {
                "update": {
                    "sessionUpdate": "tool_call_update",
                    "toolCallId": "t",
                    "status": "odd",
                    "content": 3,
                }
            },
            {"say": "Fine."},
        )
    )
    assert ended.stop_reason == "end_turn"
    assert chat.text == "Fine."


ANSWERS = (
    "import json,sys\n"
    "def say(**members): print(json.dumps({'jsonrpc':'2.0',**members}),flush=True)\n"
    "def tell(**update): say(method='session/update',params={'sessionId':'s','update':update})\n"
    "for line in sys.stdin:\n"
    "    m=json.loads(line)\n"
    "    number,method=m.get('id'),m.get('method')\n"
    "    if method in ('initialize','session/new'):\n"
    "        say(id=number,result={'sessionId':'s','protocolVersion':1,"
    "'configOptions':[{'category':[],'options':3},4]})\n"
    "    elif method=='session/prompt':\n"
    "        text=m['params']['prompt'][-1]['text']\n"
    "        exec(text)\n"
    "        say(id=number,result={'stopReason':'end_turn'})\n"
)
"""An agent that runs its prompts as Python: it says what no sound program would."""


@pytest.mark.parametrize(
    "program",
    [
        "say(id=[1],result={})",
        "say(id={},error='x')",
        "say(id=number,method=[],params=3)",
        "tell(sessionUpdate='usage_update',used=10**400,cost={'amount':10**400,'currency':'USD'})",
        "tell(sessionUpdate='config_option_update',configOptions=[{'category':{},'type':'select'}])",
    ],
)
async def test_what_no_agent_should_say_is_passed_over(talk: Start, program: str) -> None:
    chat = await talk(options={"command": [sys.executable, "-c", ANSWERS]})
    assert (await chat.prompt(program)).stop_reason == "end_turn"
    assert (await chat.prompt("pass")).stop_reason == "end_turn", "the agent lives, and nobody hears it"


@pytest.mark.parametrize(
    "error", ["'It is full.'", "{'code':'E1','message':'It is full.'}", "['It is full.']"]
)
async def test_an_error_in_no_known_shape_fails_the_turn(talk: Start, error: str) -> None:
    chat = await talk(options={"command": [sys.executable, "-c", ANSWERS]})
    ended = await chat.prompt(f"say(id=number,error={error})")
    assert ended.stop_reason == "failed"
    assert "It is full." in ended.error
    assert (await chat.prompt("pass")).stop_reason == "end_turn"


async def test_a_message_that_is_nested_too_deep_ends_the_turn_with_a_word(talk: Start) -> None:
    chat = await talk(options={"command": [sys.executable, "-c", ANSWERS]})
    begun = json.dumps('{"id":7,"method":"session/request_permission","params":')
    deep = f"print({begun}+'['*9999+']'*9999+'}}',flush=True)"
    ended = await chat.prompt(f"{deep};import time;time.sleep(60)")
    assert ended.stop_reason == "lost"
    assert "nested too deep" in ended.error
    await chat.gone()
