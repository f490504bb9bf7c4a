"""What an ACP agent's tool servers refer to is handed to them, and is not in the agent's own environment."""

from __future__ import annotations

from agor_jupyter.agents.base import McpServer
from agor_jupyter.testing.conformance import PROBE
from agor_jupyter.testing.harnesses.acp import COMMAND
from tests.agents.acp.conftest import Start
from tests.agents.acp.talking import steps


async def test_a_servers_secret_is_the_servers_alone(talk: Start) -> None:
    server = McpServer(name="probe", command=PROBE.command, environment={"PROBE_WORD": "${TEAM_WORD}"})
    one = await talk(
        environment={"TEAM_WORD": "of-the-team", "AGENT_KEY": "of-the-agent", "PLAIN": "p"},
        credentials=("TEAM_WORD", "AGENT_KEY"),
        mcp_servers=(server,),
        options={"command": list(COMMAND), "credentials": ["AGENT_KEY"]},
        mode="full_auto",
    )
    await one.prompt(steps({"run": "env | sort"}, {"use": ["probe", "word", {}]}))
    told = str(one.contents)
    assert "AGENT_KEY=of-the-agent" in told and "PLAIN=p" in told, "the command told its environment"
    assert "TEAM_WORD" not in told
    assert "of-the-team" in told, "the server has it: it was asked for its word"
