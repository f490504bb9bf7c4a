"""Echo as a kind of agent: what it can do, as data. The agent itself is in `agent`."""

from __future__ import annotations

from collections.abc import Mapping

from agor_jupyter.agents.base import AgentAdapter, Capabilities, Probe


class EchoKind:
    """What the entry point names. See `agor_jupyter.agents.base.AgentKind`."""

    kind = "echo"
    title = "Echo"
    variables: tuple[str, ...] = ()
    capabilities = Capabilities(
        allow_always=False,
        notes={
            "allow_always": "It asks for each file that it writes.",
            "fork": "It has one conversation, and no copy of it.",
        },
    )

    async def probe(self, environment: Mapping[str, str]) -> Probe:
        return Probe(installed=True, version="1.0", authenticated=True)

    def make(self) -> AgentAdapter:
        from agor_echo.agent import EchoAdapter  # what is heavy is imported when it is needed

        return EchoAdapter()


kind = EchoKind()
