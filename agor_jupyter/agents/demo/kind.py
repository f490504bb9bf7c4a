"""The demo agent as data. What it does is in `adapter`; what it says is in `scripts/`."""

from __future__ import annotations

from collections.abc import Mapping

from agor_jupyter.agents.base import AgentAdapter, Capabilities, Probe

VERSION = "1"
MODELS = ("demo", "demo-slow")


class DemoKind:
    """See `agents.base.AgentKind`."""

    kind = "demo"
    title = "Demo agent"
    variables: tuple[str, ...] = ()
    credentials: tuple[str, ...] = ()
    capabilities = Capabilities(
        thinking=True,
        questions=True,
        plan=True,
        set_model=True,
        context_usage=True,
        fork=True,
        fork_at_message=True,
        house_tools=True,
        subagents=True,
        notes={
            "steer": "A prompt waits until the turn before it has ended.",
            "any_model": "A script has a pace, no model of its own.",
            "set_effort": "A script thinks as it is written.",
            "mcp": "A script calls the house's own tools only.",
            "elicitation": "A script calls the house's own tools only.",
            "commands": "A script knows its lines.",
            "instructions": "A script knows its lines.",
            "compaction": "A script has no context.",
            "cost": "A script costs nothing.",
            "subagents": "A script is one agent.",
            "files": "A script reads the worktree.",
            "images": "The demo agent reads its script, not pictures.",
        },
    )

    async def probe(self, environment: Mapping[str, str]) -> Probe:
        return Probe(
            installed=True, version=VERSION, authenticated=True, models=MODELS, default_model=MODELS[0]
        )

    def make(self) -> AgentAdapter:
        from agor_jupyter.agents.demo.adapter import DemoAdapter

        return DemoAdapter()


kind = DemoKind()
