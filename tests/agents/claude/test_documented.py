"""Every option and method of the SDK has a row in docs/agents-claude.md that says what is made of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from claude_agent_sdk import ClaudeAgentOptions, ClaudeSDKClient

from agor_jupyter.agents.base import SessionSpec
from agor_jupyter.agents.claude import options
from agor_jupyter.domain.ids import SessionId
from agor_jupyter.domain.session import ForkPoint
from agor_jupyter.testing.conformance import PROBE

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "agents-claude.md").read_text(encoding="utf-8")
_ROW = re.compile(r"^\| `(\w+)` \| (yes|refused) \| (.+) \|$")


def rows(heading: str) -> dict[str, str]:
    """Read the table under a heading: what is used of the SDK and what is not."""
    section = PAGE.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    table = [line for line in section.splitlines() if line.startswith("| `")]
    found = [_ROW.match(line) for line in table]
    assert all(found), [line for line, row in zip(table, found, strict=True) if row is None]
    names = [row[1] for row in found if row]
    assert len(set(names)) == len(names)
    return {row[1]: row[2] for row in found if row}


def test_each_option_is_used_or_refused_with_a_reason() -> None:
    assert set(rows("Every option of `ClaudeAgentOptions`")) == set(ClaudeAgentOptions.__dataclass_fields__)


def test_each_method_of_the_client_is_used_or_refused_with_a_reason() -> None:
    methods = {name for name in vars(ClaudeSDKClient) if not name.startswith("_")}
    assert set(rows("Every method of `ClaudeSDKClient`")) == methods


def test_what_the_page_says_of_options_is_so(tmp_path: Path) -> None:
    spec = SessionSpec(
        session_id=SessionId("ses_0000000000000001"),
        worktree=str(tmp_path),
        state_dir=str(tmp_path),
        model="opus",
        effort="high",
        trusted=True,
        mcp_servers=(PROBE,),
        environment={"PATH": "/bin"},
        options={"max_turns": 3, "max_budget_usd": 5, "output_style": "Concise"},
    )
    fork = ForkPoint(native_ref="parent", worktree=str(tmp_path), message_ref="message")

    def given(opening: options.Opening) -> set[str]:
        made = options.build(
            spec,
            cli="/cli",
            launcher=Path("/launcher"),
            opening=opening,
            marker="AGOR_SPAWN=abc",
            can_use_tool=lambda *_: None,  # type: ignore[arg-type,return-value]  # never called here
            on_stderr=print,
            hooks={"Elicitation": []},
        )
        untouched = ClaudeAgentOptions()
        return {
            name
            for name in ClaudeAgentOptions.__dataclass_fields__
            if getattr(made, name) != getattr(untouched, name)
        }

    used = {name for name, how in rows("Every option of `ClaudeAgentOptions`").items() if how == "yes"}
    assert given(options.Opening("ref", fork=fork)) | given(options.Opening("ref", resume=True)) == used


@pytest.mark.parametrize("name", sorted(name for name in vars(ClaudeSDKClient) if not name.startswith("_")))
def test_what_the_page_says_of_methods_is_so(name: str) -> None:
    room = "\n".join(path.read_text("utf-8") for path in (ROOT / "agor_jupyter/agents/claude").glob("*.py"))
    called = re.search(rf"\bclient\.{name}\(|_alive\(\)\.{name}\(", room) is not None
    assert called == (rows("Every method of `ClaudeSDKClient`")[name] == "yes")
