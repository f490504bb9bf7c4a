"""What of a repository reaches Codex, what of the server reaches its commands, and what it may touch."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from agor_jupyter.agents.base import McpServer
from agor_jupyter.agents.process import marked
from agor_jupyter.domain.content import TerminalContent
from agor_jupyter.domain.events import PermissionRequest
from agor_jupyter.git.room import GitRoom
from agor_jupyter.testing import mcp_probe
from agor_jupyter.testing.harnesses.codex import escalated
from agor_jupyter.testing.hostile_repo import make_hostile
from agor_jupyter.testing.model_script import script, use
from agor_jupyter.testing.responses_server import ResponsesServer
from tests.agents.codex.conftest import Talk

Start = Callable[..., Any]


def make_repository(folder: Path) -> Path:
    """Make a repository full of instructions; give a linked worktree of it."""
    (folder / ".codex").mkdir(parents=True)
    (folder / "AGENTS.md").write_text("CANARY-AGENTS")
    (folder / ".codex" / "config.toml").write_text('developer_instructions = "CANARY-CONFIG"\n')
    skill = folder / ".agents" / "skills" / "lure"
    skill.mkdir(parents=True)
    (skill / "SKILL.md").write_text("---\nname: lure\ndescription: CANARY-SKILL\n---\nCANARY-BODY\n")
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-C", str(folder)]
    subprocess.run([*git, "init", "-q", "-b", "main"], check=True)
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-qm", "x"], check=True)
    linked = folder.parent / "linked"
    subprocess.run([*git, "worktree", "add", "-q", str(linked)], check=True)
    return linked


def canaries(server: ResponsesServer) -> set[str]:
    return set(re.findall(r"CANARY-[A-Z]+", str(server.asked[-1].body)))


async def test_nothing_of_an_untrusted_repository_is_read(
    talk: Start, server: ResponsesServer, tmp_path: Path, home: Path
) -> None:
    linked = make_repository(tmp_path / "repository")
    config = home / ".codex" / "config.toml"
    # The person trusts the repository in a terminal; that is not trust in this house.
    text = config.read_text() + f'[projects."{tmp_path / "repository"}"]\ntrust_level = "trusted"\n'
    config.write_text(text)
    for mode in ("ask", "full_auto"):
        one = await talk(worktree=str(linked), mode=mode)
        await one.prompt("Please use $lure")
        assert canaries(server) == set()
        assert one.ready.instructions == ()
        await one.close()
    assert config.read_text() == text, "the person's settings are theirs"


async def test_a_trusted_repository_is_read(
    talk: Start, server: ResponsesServer, tmp_path: Path, home: Path
) -> None:
    linked = make_repository(tmp_path / "repository")
    config = (home / ".codex" / "config.toml").read_text()
    one = await talk(worktree=str(linked), trusted=True)
    await one.prompt("Please use $lure")
    assert canaries(server) == {"CANARY-AGENTS", "CANARY-CONFIG", "CANARY-SKILL", "CANARY-BODY"}
    assert one.ready.instructions == (str(linked / "AGENTS.md"),)
    assert (home / ".codex" / "config.toml").read_text() == config


async def test_rules_hold_of_the_person_and_of_a_trusted_repository(
    talk: Start, server: ResponsesServer, tmp_path: Path, home: Path
) -> None:
    """What a rule allows runs unasked and outside the sandbox, in a review too."""
    linked = make_repository(tmp_path / "repository")
    made = tmp_path / "made"
    rule = 'prefix_rule(pattern=["touch"], decision="allow")\n'
    server.book["touch"] = script(use("exec_command", cmd=f"touch {made}"))

    async def reaches(prompt: str, *, trusted: bool) -> bool:
        made.unlink(missing_ok=True)
        one = await talk(worktree=str(linked), trusted=trusted)
        await one.prompt(prompt)
        await one.close()
        assert one.of(PermissionRequest) == []
        return made.exists()

    theirs = linked / ".codex" / "rules" / "theirs.rules"
    theirs.parent.mkdir()
    theirs.write_text(rule)
    assert not await reaches("SCRIPT:touch", trusted=False)
    assert not await reaches("/review SCRIPT:touch", trusted=False)
    assert await reaches("SCRIPT:touch", trusted=True)
    theirs.unlink()
    own = home / ".codex" / "rules" / "default.rules"
    own.parent.mkdir()
    own.write_text(rule)
    assert await reaches("SCRIPT:touch", trusted=False)
    assert await reaches("/review SCRIPT:touch", trusted=False)


async def test_a_hostile_repository_runs_nothing_before_it_is_trusted(
    talk: Start, server: ResponsesServer, tmp_path: Path
) -> None:
    """Row A10: settings that name a tool server, instructions, skills, git's own traps."""
    hostile = make_hostile(tmp_path)
    server.book["work"] = script(use("exec_command", cmd="cat a.txt; git diff; git status"))
    room = GitRoom(tmp_path / "git", tmp_path)
    variables = await room.repos.harmless_variables(str(hostile.repo))
    for mode in ("ask", "full_auto"):
        one = await talk(worktree=str(hostile.repo), mode=mode, environment=variables)
        await one.prompt("Please use $lure SCRIPT:work")
        await one.close()
        assert canaries(server) == set()
        assert one.ready.instructions == ()
        assert "On branch main" in str(server.asked[-1].body), "its git works all the same"
    assert hostile.ran() == set()
    one = await talk(worktree=str(hostile.repo), trusted=True)
    await one.prompt("Please use $lure SCRIPT:work")
    assert canaries(server) >= {"CANARY-AGENTS", "CANARY-CODEX", "CANARY-SKILL"}
    assert "codex-server" in hostile.ran(), "else the first half could not fail"


async def test_no_token_reaches_a_command_and_our_marker_does(
    talk: Start, server: ResponsesServer, home: Path
) -> None:
    config = home / ".codex" / "config.toml"
    config.write_text(f'{config.read_text()}[shell_environment_policy]\ninherit = "none"\n')
    server.book["env"] = script(use("exec_command", cmd="env; echo in"), _asking("env; echo out"))
    tokens = {
        "OPENAI_API_KEY": "canary-1",
        "CODEX_API_KEY": "canary-2",
        "MY_SECRET_TOKEN": "canary-3",
    }
    one = await talk(environment=tokens)
    await one.prompt("SCRIPT:env")
    for end in ("in", "out"):
        shown = one.shown(f"env; echo {end}")
        assert isinstance(shown, TerminalContent)
        assert "AGOR_SESSION=" in shown.text
        assert "canary" not in shown.text
        assert server.key not in shown.text
        assert "JUPYTER" not in shown.text


async def test_a_secret_of_an_mcp_server_stands_in_no_command_line_and_no_file(
    talk: Start, server: ResponsesServer, home: Path, tmp_path: Path
) -> None:
    secret = "canary-of-a-server"
    server.book["word"] = script(use("mcp__probe__word"))
    probe = McpServer(
        name="probe",
        command=(sys.executable, "-I", "-S", str(mcp_probe.__file__)),
        environment={"PROBE_WORD": "it is ${MY_SECRET}, 'quoted' $HOME `id`"},
    )
    one = await talk(mcp_servers=(probe,), environment={"MY_SECRET": secret})
    lines = [" ".join(psutil.Process(pid).cmdline()) for pid in marked(f"AGOR_SESSION={one.spec.session_id}")]
    assert any("mcp_probe" in line for line in lines)
    assert not [line for line in lines if secret in line]
    programs = [psutil.Process(pid) for pid in marked(f"AGOR_SESSION={one.spec.session_id}")]
    servers = [program for program in programs if "mcp_probe" in " ".join(program.cmdline())]
    assert "SCRIPTED_API_KEY" not in servers[0].environ()
    files = [path for folder in (home, tmp_path / "state") for path in folder.rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if secret.encode() in path.read_bytes()]
    await one.prompt("SCRIPT:word")
    assert f"it is {secret}, 'quoted' $HOME `id`" in str(one.result("probe word").content)


async def test_the_servers_of_the_persons_own_settings_are_left_out(
    talk: Start, server: ResponsesServer, home: Path
) -> None:
    config = home / ".codex" / "config.toml"
    config.write_text(
        f'{config.read_text()}[mcp_servers.own]\ncommand = "/bin/sh"\nargs = ["-c", "exit 1"]\n'
    )
    one = await talk()
    await one.prompt("hello")
    assert "mcp__own" not in str(server.asked[-1].body)
    assert not [update for update in one.updates if "own did not start" in str(update)]


async def test_it_works_where_codex_home_lies_below_the_temporary_folder(
    talk: Start, server: ResponsesServer, home: Path
) -> None:
    server.book["look"] = script(use("exec_command", cmd="echo seen"))
    one: Talk = await talk(environment={"TMPDIR": str(home)})
    await one.prompt("SCRIPT:look")
    shown = one.shown("echo seen")
    assert isinstance(shown, TerminalContent)
    assert (shown.text.strip(), shown.exit_code) == ("seen", 0)
    assert "Refusing to create helper" not in one.adapter._live._wire.stderr_tail()


def _asking(command: str) -> Any:
    call = escalated(command)
    return use(call.name, **call.input)
