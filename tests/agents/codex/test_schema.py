"""What we use of the app server's protocol is still in the schema that the pinned program prints."""

from __future__ import annotations

import asyncio
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from agor_jupyter.agents import codex
from agor_jupyter.agents.codex import options, probe, tools

pytest.importorskip("codex_cli_bin")

ASKED = {
    "initialize": {"clientInfo", "capabilities"},
    "account/read": set(),
    "account/login/start": {"type", "apiKey"},
    "config/read": {"includeLayers"},
    "skills/list": {"cwds"},
    "model/list": set(),
    "thread/start": {
        "approvalPolicy",
        "approvalsReviewer",
        "cwd",
        "sandbox",
        "config",
        "model",
        "developerInstructions",
        "dynamicTools",
    },
    "thread/resume": {"threadId", "excludeTurns", "approvalsReviewer", "cwd", "sandbox", "config"},
    "thread/fork": {
        "threadId",
        "excludeTurns",
        "lastTurnId",
        "approvalsReviewer",
        "cwd",
        "sandbox",
        "config",
    },
    "thread/compact/start": {"threadId"},
    "thread/backgroundTerminals/clean": {"threadId"},
    "turn/start": {
        "threadId",
        "input",
        "approvalPolicy",
        "approvalsReviewer",
        "sandboxPolicy",
        "summary",
        "model",
        "effort",
        "collaborationMode",
    },
    "review/start": {"threadId", "target", "delivery"},
    "thread/list": {"sourceKinds", "cwd", "useStateDbOnly"},
    "thread/read": {"threadId"},
    "thread/settings/update": {
        "threadId",
        "approvalPolicy",
        "approvalsReviewer",
        "sandboxPolicy",
        "summary",
        "model",
        "effort",
        "collaborationMode",
    },
    "thread/unsubscribe": {"threadId"},
    "turn/steer": {"threadId", "expectedTurnId", "input"},
    "turn/interrupt": {"threadId", "turnId"},
}
"""What we call, with the parameters that we give."""

ANSWERED = {
    "item/commandExecution/requestApproval": {"itemId", "command", "cwd", "reason", "networkApprovalContext"},
    "item/fileChange/requestApproval": {"itemId", "reason", "grantRoot"},
    "item/permissions/requestApproval": {"itemId", "permissions", "reason"},
    "mcpServer/elicitation/request": {"_meta", "message", "mode", "requestedSchema", "url"},
    "item/tool/requestUserInput": {"itemId", "questions"},
    "item/tool/call": {"tool", "arguments"},
}
"""What we answer, with the parameters that we read."""

HEARD = {
    "error": {"error", "willRetry"},
    "warning": {"message"},
    "configWarning": {"summary"},
    "item/started": {"item"},
    "item/completed": {"item"},
    "item/agentMessage/delta": {"itemId", "delta"},
    "item/plan/delta": {"itemId", "delta"},
    "item/reasoning/summaryTextDelta": {"itemId", "delta"},
    "item/reasoning/textDelta": {"itemId", "delta"},
    "item/reasoning/summaryPartAdded": {"itemId", "summaryIndex"},
    "item/commandExecution/outputDelta": {"itemId", "delta"},
    "item/fileChange/patchUpdated": {"itemId", "changes"},
    "mcpServer/startupStatus/updated": {"name", "status", "error"},
    "model/rerouted": {"toModel"},
    "serverRequest/resolved": {"requestId"},
    "thread/tokenUsage/updated": {"tokenUsage"},
    "turn/completed": {"turn"},
    "turn/plan/updated": {"plan"},
    "turn/started": {"turn"},
}
"""What we hear, with the parameters that we read."""

SHAPES = {
    "TokenUsageBreakdown": {"inputTokens", "cachedInputTokens", "outputTokens", "reasoningOutputTokens"},
    "ThreadTokenUsage": {"total", "last", "modelContextWindow"},
    "FileUpdateChange": {"path", "kind", "diff"},
    "ReviewStartResponse": {"turn"},
    "ThreadListResponse": {"data"},
    "ThreadReadResponse": {"thread"},
    "Thread": {"id", "parentThreadId"},
    "Turn": {"id", "rootTurnId", "status", "error"},
    "TurnError": {"message", "codexErrorInfo", "additionalDetails"},
    "TurnPlanStep": {"step", "status"},
    "Model": {"model", "hidden", "supportedReasoningEfforts"},
    "SkillMetadata": {"name", "description", "path", "scope", "enabled"},
    "ThreadStartResponse": {"thread", "model", "instructionSources"},
    "ThreadResumeResponse": {"thread", "model", "instructionSources", "collaborationMode"},
    "ThreadForkResponse": {"thread", "model", "instructionSources"},
    "GetAccountResponse": {"account", "requiresOpenaiAuth"},
    "CommandExecutionRequestApprovalResponse": {"decision"},
    "FileChangeRequestApprovalResponse": {"decision"},
    "PermissionsRequestApprovalResponse": {"permissions", "scope"},
    "McpServerElicitationRequestResponse": {"action", "content"},
    "ToolRequestUserInputResponse": {"answers"},
    "ToolRequestUserInputQuestion": {"id", "header", "question", "options", "isOther", "isSecret"},
    "ToolRequestUserInputOption": {"label", "description"},
    "DynamicToolCallResponse": {"contentItems", "success"},
}

WORDS = {
    "SandboxMode": {"read-only", "workspace-write"},
    "AskForApproval": {"on-request"},
    "ApprovalsReviewer": {"user"},
    "ModeKind": {"plan", "default"},
    "TurnStatus": {"completed", "interrupted", "failed"},
    "CommandExecutionApprovalDecision": {"accept", "decline", "cancel"},
    "FileChangeApprovalDecision": {"accept", "decline", "cancel"},
    "McpServerElicitationAction": {"accept", "decline", "cancel"},
    "SandboxPolicy": {"readOnly", "workspaceWrite", "networkAccess", "writableRoots", "excludeSlashTmp"},
    "ThreadItem": {
        *tools.CALLS,
        "agentMessage",
        "contextCompaction",
        "enteredReviewMode",
        "exitedReviewMode",
        "plan",
        "reasoning",
        "aggregatedOutput",
        "exitCode",
        "contentItems",
    },
    "PatchChangeKind": {"add", "delete", "update", "move_path"},
    "UserInput": {"text", "image", "url", "skill", "name", "path"},
    "ReviewTarget": {"uncommittedChanges", "baseBranch", "branch", "commit", "sha", "custom", "instructions"},
    "ReviewDelivery": {"inline"},
    "ThreadSourceKind": {"subAgentReview"},
    "SkillScope": {"repo"},
    "McpServerStartupState": {"failed"},
}
"""Words that must stand somewhere in a definition."""


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """All definitions, and the parameters of each method."""
    folder = tmp_path_factory.mktemp("schema")
    program = probe.bundled_program()
    assert program is not None

    async def generate() -> int | None:
        argv = [str(program), "app-server", "generate-json-schema", "--experimental", "--out", str(folder)]
        environment = {**os.environ, "CODEX_HOME": str(folder), "TMPDIR": str(folder / "tmp")}
        process = await asyncio.create_subprocess_exec(
            *argv, env=environment, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
        return await asyncio.wait_for(process.wait(), 60)

    assert asyncio.run(generate()) == 0
    found: dict[str, Any] = {"definitions": {}, "methods": {}}
    for name in ("codex_app_server_protocol.v2.schemas", "codex_app_server_protocol.schemas"):
        found["definitions"].update(_read(folder, name)["definitions"])
    for name in ("ClientRequest", "ServerRequest", "ServerNotification"):
        whole = _read(folder, name)
        for branch in whole["oneOf"]:
            method = branch["properties"]["method"]["enum"][0]
            reference = branch["properties"].get("params", {}).get("$ref", "")
            found["methods"][method] = whole["definitions"].get(reference.rpartition("/")[2], {})
    return found


@pytest.mark.parametrize("table", [ASKED, ANSWERED, HEARD], ids=["asked", "answered", "heard"])
def test_each_method_has_the_parameters_that_we_use(
    schema: dict[str, Any], table: dict[str, set[str]]
) -> None:
    for method, names in table.items():
        assert method in schema["methods"], f"{method} is gone"
        missing = names - _properties(schema["methods"][method])
        assert not missing, f"{method} has no {missing} any more"


def test_each_shape_has_the_fields_that_we_use(schema: dict[str, Any]) -> None:
    for name, fields in SHAPES.items():
        missing = fields - _properties(schema["definitions"][name])
        assert not missing, f"{name} has no {missing} any more"


def test_each_word_that_we_use_is_known(schema: dict[str, Any]) -> None:
    for name, words in WORDS.items():
        text = json.dumps(schema["definitions"][name])
        assert not {word for word in words if f'"{word}"' not in text}, name


def test_a_personality_still_selects_nothing(schema: dict[str, Any]) -> None:
    """Where this fails, docs/agents-features.toml has to judge the style of answers anew."""
    assert "no longer select a style" in schema["definitions"]["Personality"]["description"]


def test_the_tables_hold_every_method_in_our_source() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in Path(codex.__file__).parent.glob("*.py"))
    used = set(
        re.findall(
            r'"((?:item|turn|thread|review|account|config|skills|model|mcpServer|serverRequest)/[\w/]+)"',
            source,
        )
    )
    assert used == {name for name in (*ASKED, *ANSWERED, *HEARD) if "/" in name}


async def test_no_setting_of_ours_is_unknown_to_the_program(tmp_path: Path) -> None:
    """`--strict-config` ends the program at a setting that it does not know."""
    argv = options.argv_of(str(probe.bundled_program()), hold_key=True)
    process = await asyncio.create_subprocess_exec(
        *argv,
        "--strict-config",
        env={**os.environ, "CODEX_HOME": str(tmp_path), "TMPDIR": str(tmp_path / "tmp")},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, said.decode()
    assert b"unrecognized" not in said


def _read(folder: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    return found


def _properties(definition: dict[str, Any]) -> set[str]:
    """Give the names of the fields, of all branches together."""
    found = set(definition.get("properties", {}))
    for branch in (*definition.get("oneOf", ()), *definition.get("anyOf", ())):
        found |= _properties(branch)
    return found
