"""The pure parts of the Claude room, as tables: decisions, results, costs, options, probes."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from claude_agent_sdk import (
    AssistantMessage,
    PermissionResultAllow,
    PermissionResultDeny,
    ResultMessage,
    ToolPermissionContext,
    ToolUseBlock,
)
from claude_agent_sdk.types import PermissionRuleValue, PermissionUpdate

from agor_jupyter.agents import registry
from agor_jupyter.agents.base import Decision, SessionSpec
from agor_jupyter.agents.claude import options, permissions, probe, turns
from agor_jupyter.agents.claude.asking import Asking
from agor_jupyter.agents.claude.ledger import Ledger
from agor_jupyter.agents.claude.results import content_of, diff_of_request
from agor_jupyter.agents.claude.tools import locations_of, title_of
from agor_jupyter.agents.claude.translate import Translator
from agor_jupyter.agents.clip import LIMIT, clip, clip_input
from agor_jupyter.agents.outbox import BOUND, Outbox
from agor_jupyter.domain.content import DiffContent, TerminalContent, TextContent, Usage
from agor_jupyter.domain.errors import Conflict
from agor_jupyter.domain.events import Notice, PermissionRequest, ToolCall
from agor_jupyter.domain.ids import RequestId, SessionId

BASH_RULE = PermissionUpdate(
    type="addRules",
    rules=[PermissionRuleValue(tool_name="Bash", rule_content="touch made")],
    behavior="allow",
    destination="localSettings",
)
WIDE_RULES = [
    PermissionUpdate(
        type="addRules", rules=[PermissionRuleValue(tool, content)], behavior="allow", destination="session"
    )
    for tool, content in (("Bash", "touch *"), ("Bash", None), ("Read", "//etc/**"), ("Bash", "touch"))
]
SET_MODE = PermissionUpdate(type="setMode", mode="acceptEdits", destination="session")
ADD_FOLDER = PermissionUpdate(type="addDirectories", directories=["/"], destination="session")


def request(name: str, tool_input: dict[str, Any], seen: permissions.Seen | None = None) -> PermissionRequest:
    context = ToolPermissionContext(tool_use_id="t1", decision_reason="It writes")
    return permissions.request_of(
        RequestId("req_0000000000000000"), name, tool_input, context, seen or permissions.Seen(), "/w"
    )


def decide(name: str, tool_input: dict[str, Any], **decision: Any) -> Any:
    suggestions = [SET_MODE, BASH_RULE, ADD_FOLDER, *WIDE_RULES]
    given = Decision(**{"outcome": "selected", **decision})
    return permissions.result_of(request(name, tool_input), given, tool_input, suggestions)


def test_a_decision_becomes_the_sdks_result() -> None:
    bash = {"command": "touch made"}
    assert decide("Bash", bash, option_id="allow_once") == PermissionResultAllow()
    always = decide("Bash", bash, option_id="allow_always")
    assert [(rule.type, rule.destination) for rule in always.updated_permissions] == [("addRules", "session")]
    assert always.updated_permissions[0].rules == BASH_RULE.rules
    wild = decide("Bash", {"command": "touch *"}, option_id="allow_always")
    assert wild == PermissionResultAllow(updated_permissions=None)
    assert decide("Bash", bash, option_id="reject_once", message="No.") == PermissionResultDeny(message="No.")


@pytest.mark.parametrize(
    "decision",
    [
        {"outcome": "cancelled"},
        {"outcome": "cancelled", "option_id": "allow_once"},
        {"option_id": None},
        {"option_id": "allow"},
        {"option_id": "reject_once"},
    ],
)
def test_what_is_not_clearly_allowed_is_denied(decision: dict[str, Any]) -> None:
    assert isinstance(decide("Bash", {"command": "x"}, **decision), PermissionResultDeny)


def test_the_digest_names_the_tool_and_all_of_its_input() -> None:
    long = "x" * (LIMIT * 2)
    one = request("Write", {"file_path": "/w/a", "content": long + "1"})
    two = request("Write", {"file_path": "/w/a", "content": long + "2"})
    assert one.digest != two.digest
    assert one.digest != request("Edit", {"file_path": "/w/a", "content": long + "1"}).digest
    assert len(one.model_dump_json()) < 4 * LIMIT


def test_paths_are_resolved_and_the_worktree_keeps_its_name(tmp_path: Path) -> None:
    real, named = tmp_path / "real", tmp_path / "named"
    real.mkdir()
    named.symlink_to(real)
    (real / "out").symlink_to("/etc")
    (real / "a.txt").write_text("before")
    tool_input = {"file_path": f"{named}/a.txt", "content": "after"}
    inside = permissions.look("Write", tool_input, None, str(named))
    assert [place.path for place in inside.locations] == [f"{named}/a.txt"]
    assert inside.before == "before"
    for path in (f"{named}/out/passwd", f"{named}/../real/out/passwd", "out/passwd"):
        seen = permissions.look("Edit", {"file_path": path}, None, str(named))
        assert [place.path for place in seen.locations] == [str(Path("/etc/passwd").resolve())]
    blocked = permissions.look("Bash", {"command": "touch /x"}, "/x", str(named))
    assert [place.path for place in blocked.locations] == ["/x"]


def test_titles_and_places() -> None:
    assert title_of("Bash", {"command": "ls\nrm x"}, "/w") == "ls"
    assert title_of("Edit", {"file_path": "/w/src/a.py"}, "/w") == "Edit src/a.py"
    assert title_of("mcp__agor__spawn", {}, "/w") == "agor · spawn"
    assert len(title_of("Bash", {"command": "x" * 999}, "/w")) == 200
    assert [place.path for place in locations_of("Read", {"file_path": "a.py"}, "/w")] == ["/w/a.py"]


def test_an_edit_that_is_asked_about_is_shown() -> None:
    edit = {"old_string": "a", "new_string": "b"}
    assert diff_of_request("Edit", edit, "/w/x", None) == DiffContent(path="/w/x", old_text="a", new_text="b")
    assert diff_of_request("Write", {"content": "n"}, "/w/x", "o") == DiffContent(
        path="/w/x", old_text="o", new_text="n"
    )
    assert diff_of_request("Bash", {"command": "x"}, "", None) is None


def test_results_of_commands() -> None:
    good = {"stdout": "out", "stderr": "err", "interrupted": False}
    assert content_of("Bash", "", good, failed=False) == (TerminalContent(text="out\nerr", exit_code=0),)
    bad = content_of("Bash", "Exit code 3\nbad", "Error: Exit code 3\nbad", failed=True)
    assert bad == (TerminalContent(text="bad", exit_code=3),)
    odd = {"stdout": "", "stderr": "", "returnCodeInterpretation": "No matches found"}
    assert content_of("Bash", "", odd, failed=False) == (TerminalContent(text="", exit_code=None),)


def test_results_of_edits_fall_back_to_the_hunks() -> None:
    hunk = {"oldStart": 7, "oldLines": 2, "newStart": 7, "newLines": 2, "lines": [" a", "-b", "+c"]}
    record = {"filePath": "/w/x", "originalFile": None, "structuredPatch": [hunk]}
    assert content_of("Edit", "", record, failed=False) == (
        DiffContent(path="/w/x", old_text="a\nb", new_text="a\nc"),
    )
    misfit = {**record, "originalFile": "other\n"}
    assert content_of("Edit", "", misfit, failed=False) == (
        DiffContent(path="/w/x", old_text="a\nb", new_text="a\nc"),
    )


def test_a_huge_file_is_shown_in_part() -> None:
    record = {"type": "create", "filePath": "/w/x", "content": "y" * 10**6, "originalFile": None}
    (diff,) = content_of("Write", "", record, failed=False)
    assert len(diff.model_dump_json()) < 2 * LIMIT


def test_other_results_are_text_and_images_are_named() -> None:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}
    got = content_of("Read", [{"type": "text", "text": "a"}, image], None, failed=False)
    assert got == (TextContent(text="a\n[image image/png]"),)
    assert content_of("Read", None, None, failed=False) == ()


def test_clipping_keeps_head_and_tail() -> None:
    text = "head" + "é" * LIMIT + "tail"
    kept, gone = clip(text)
    assert kept.startswith("head")
    assert kept.endswith("tail")
    assert len(kept) < LIMIT + 100
    assert gone == 16
    assert clip("short") == ("short", 0)
    assert clip_input({"a": ["x" * 10, 1, None]}, 4) == {"a": [clip("x" * 10, 4)[0], 1, None]}


def result(**changes: Any) -> ResultMessage:
    fields: dict[str, Any] = {
        "subtype": "success",
        "duration_ms": 1,
        "duration_api_ms": 1,
        "is_error": False,
        "num_turns": 1,
        "session_id": "s",
    }
    return ResultMessage(**{**fields, **changes})


def ended(interrupted: bool = False, program: str = "claude", **changes: Any) -> Any:
    told = result(**changes)
    return turns.ended(told, Usage(), interrupted=interrupted, last_message_ref="u", program=program)


def test_how_a_turn_ended() -> None:
    assert ended(stop_reason="end_turn").stop_reason == "end_turn"
    assert ended(stop_reason="max_tokens").stop_reason == "max_tokens"
    assert ended(stop_reason="refusal").stop_reason == "refusal"
    assert ended(subtype="error_max_turns", is_error=True).stop_reason == "max_turn_requests"
    aborted = {"subtype": "error_during_execution", "is_error": True}
    assert ended(**aborted, terminal_reason="aborted_tools").stop_reason == "cancelled"
    assert ended(True, **aborted).stop_reason == "cancelled"
    failed = ended(is_error=True, result="API Error: 529 busy. More words.", api_error_status=529)
    assert (failed.stop_reason, failed.error) == ("failed", "API Error: 529 busy.")
    login = ended(is_error=True, result="Not logged in · Please run /login")
    assert "/login" in login.hint


def test_whose_turn_it_was() -> None:
    taken = turns.taken
    assert taken(result(user_message_uuids=["a", "mine"], user_message_uuid="mine"), ["mine"]) == {"mine"}
    assert taken(result(user_message_uuid="other"), ["mine"]) == set()
    assert taken(result(origin={"kind": "task-notification"}), ["mine"]) == set()
    # A prompt that was taken in by a turn of a background agent is answered by it.
    origin = {"kind": "task-notification"}
    assert taken(result(origin=origin, user_message_uuids=["mine"]), ["mine", "later"]) == {"mine"}
    assert taken(result(), ["mine", "later"]) == {"mine", "later"}, "an interrupted turn names nobody"


def test_the_cost_of_a_turn_is_never_the_cumulative_one() -> None:
    assert turns.cost_of_turn(0.5, 0.25) == 0.25
    assert turns.cost_of_turn(0.5, None) is None
    assert turns.cost_of_turn(None, 0.5) is None
    assert turns.cost_of_turn(0.1, 0.5) == 0.1
    assert turns.cost_of_turn(0.5, 0.25, certain=False) is None
    assert turns.cost_of_turn(0.1, 0.25, certain=False) == 0.1


def test_usage_is_added_with_the_cost_that_is_known() -> None:
    both = turns.added(Usage(input_tokens=1, cost_usd=0.5), Usage(input_tokens=2))
    assert both == Usage(input_tokens=3, cost_usd=0.5)
    assert turns.added(Usage(), Usage()).cost_usd is None


def test_the_ledger_keeps_one_live_client_and_the_total(tmp_path: Path) -> None:
    first, second = Ledger(tmp_path, "ses_1"), Ledger(tmp_path, "ses_1")
    first.open()
    with pytest.raises(Conflict):
        second.open()
    first.count(0.5)
    first.save()
    first.close()
    second.open()
    assert (second.total_cost_usd, second.prompted, second.known) == (0.5, True, True)
    transcript = tmp_path / "t.jsonl"
    transcript.write_text('{"type":"user"}\n{"type":"cost-state","totalCostUSD":0.75}\nbroken "cost-state"\n')
    second.take_up(transcript)
    assert (second.total_cost_usd, second.certain) == (0.75, True)
    transcript.write_text('{"type":"user"}\n')
    second.take_up(transcript)
    assert (second.total_cost_usd, second.certain) == (0.75, False)
    second.close()


async def test_the_outbox_holds_back_who_has_much_to_say() -> None:
    box = Outbox()
    for number in range(BOUND):
        box.put(Notice(text=str(number)))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await box.wait_room()
    reader = box.read()
    heard = [await anext(reader) for _ in range(BOUND)]
    await asyncio.wait_for(box.wait_room(), 1)
    box.put(Notice(text="last"))
    box.end()
    box.put(Notice(text="too late"))
    heard += [update async for update in reader]
    assert [update.text for update in heard[-2:] if isinstance(update, Notice)] == [str(BOUND - 1), "last"]


def spec(tmp_path: Path, **changes: Any) -> SessionSpec:
    fields: dict[str, Any] = {
        "session_id": SessionId("ses_0000000000000001"),
        "worktree": str(tmp_path),
        "state_dir": str(tmp_path),
        "environment": {"PATH": os.environ["PATH"], "ANTHROPIC_API_KEY": "secret-key"},
    }
    return SessionSpec(**{**fields, **changes})


def built(tmp_path: Path, *, resume: bool = False, **changes: Any) -> Any:
    return options.build(
        spec(tmp_path, **changes),
        cli="/cli",
        launcher=Path("/launcher"),
        opening=options.Opening("ref", resume=resume),
        marker="AGOR_SPAWN=abc",
        can_use_tool=permissions.look,  # type: ignore[arg-type]  # never called here
        on_stderr=print,
    )


def test_the_options_are_what_the_docs_say(tmp_path: Path) -> None:
    made = built(tmp_path, system_append="Be kind.")
    assert made.system_prompt == {"type": "preset", "preset": "claude_code", "append": "Be kind."}
    assert (made.setting_sources, made.strict_mcp_config) == ([], True)
    assert made.max_buffer_size == 64 * 2**20
    assert json.loads(made.settings) == {"cleanupPeriodDays": 3650}
    assert (made.session_id, made.resume) == ("ref", None)
    assert (made.enable_file_checkpointing, made.include_partial_messages) == (True, True)
    assert "replay-user-messages" in made.extra_args
    assert "EnterWorktree" in made.disallowed_tools
    assert made.env["CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC"] == "1"
    again = built(tmp_path, resume=True, trusted=True)
    assert (again.session_id, again.resume, again.setting_sources) == (None, "ref", ["project", "local"])


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("ask", "default"), ("accept_edits", "default"), ("full_auto", "default"), ("plan", "plan")],
)
def test_no_mode_is_the_vendors_own_bypass(tmp_path: Path, mode: str, expected: str) -> None:
    assert built(tmp_path, mode=mode).permission_mode == expected


def test_the_launcher_keeps_what_is_listed_and_hides_keys(tmp_path: Path) -> None:
    shown = tmp_path / "cli"
    shown.write_text('#!/bin/sh\nenv\necho "args: $*"\ncat <&"$CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR"\n')
    shown.chmod(0o700)
    launcher = options.write_launcher(tmp_path)
    assert stat.S_IMODE(launcher.stat().st_mode) == 0o700
    settings = options.settings_of(spec(tmp_path))
    order = options.environment_of(spec(tmp_path), settings, cli=str(shown), marker="AGOR_SPAWN=abc")
    environment = {**os.environ, "JUPYTER_TOKEN": "canary", **order}
    run = subprocess.run([launcher, "a b"], env=environment, capture_output=True, text=True, check=True)
    assert "canary" not in run.stdout
    assert "AGOR_SPAWN=abc" in run.stdout
    assert "AGOR_SESSION=ses_0000000000000001" in run.stdout
    assert "args: a b" in run.stdout
    assert "ANTHROPIC_API_KEY" not in run.stdout
    assert run.stdout.endswith("secret-key")


def test_a_launcher_whose_parent_is_gone_starts_nothing(tmp_path: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("Linux only: it needs the kernel's word of a parent's death")
    order = {"cli": "/bin/true", "keep": [], "parent": 1}
    run = subprocess.run([options.write_launcher(tmp_path)], env={"AGOR_LAUNCH": json.dumps(order)})
    assert run.returncode == 143


async def test_the_probe_looks_and_runs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = registry.get("claude")
    environment = {"HOME": str(tmp_path), "PATH": ""}
    found = await kind.probe(environment)
    assert found.installed
    assert found.version.count(".") == 2
    assert not found.authenticated
    assert "/login" in found.hint
    for name in probe.KEYS:
        assert (await kind.probe({**environment, name: "x"})).authenticated
    (tmp_path / ".claude").mkdir()
    (tmp_path / ".claude" / ".credentials.json").write_text("{}")
    with_login = await kind.probe(environment)
    assert (with_login.authenticated, with_login.hint) == (True, "")
    monkeypatch.setattr(probe, "package_dir", lambda: None)
    missing = await kind.probe(environment)
    assert (missing.installed, "pip install" in missing.hint) == (False, True)


async def test_a_request_waits_until_its_call_was_told(monkeypatch: pytest.MonkeyPatch) -> None:
    box, translator = Outbox(), Translator("/w")
    asking = Asking("/w", box, translator)
    context = ToolPermissionContext(tool_use_id="t1")
    job = asyncio.create_task(asking.ask("Bash", {"command": "x"}, context))
    reader = box.read()
    first = asyncio.create_task(anext(reader))
    await asyncio.sleep(0.05)
    assert not first.done()
    tool = ToolUseBlock(id="t1", name="Bash", input={"command": "x"})
    for update in translator.feed(AssistantMessage(content=[tool], model="m", message_id="m")):
        box.put(update)
    asking.hear()
    assert isinstance(await asyncio.wait_for(first, 1), ToolCall)
    asked = await asyncio.wait_for(anext(reader), 1)
    assert isinstance(asked, PermissionRequest)
    asking.answer(asked.request_id, Decision(outcome="selected", option_id="allow_once"))
    asking.answer(asked.request_id, Decision(outcome="selected", option_id="reject_once"))
    assert await asyncio.wait_for(job, 1) == PermissionResultAllow()
    monkeypatch.setattr("agor_jupyter.agents.claude.asking.ORDER_SECONDS", 0.01)
    late = asyncio.create_task(asking.ask("Bash", {"command": "x"}, ToolPermissionContext(tool_use_id="t2")))
    assert isinstance(await asyncio.wait_for(anext(reader), 1), PermissionRequest)
    asking.withdraw_all()
    await asyncio.gather(late, return_exceptions=True)
