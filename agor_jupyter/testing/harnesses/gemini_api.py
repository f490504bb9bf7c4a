"""Makes the Gemini API agent do the acts of the conformance suite, by scripts of a fake model."""

from __future__ import annotations

from agor_jupyter.agents import registry
from agor_jupyter.agents.base import AgentKind
from agor_jupyter.testing.conformance import Skipped
from agor_jupyter.testing.gemini_server import GeminiServer
from agor_jupyter.testing.harnesses.scripted import Scripted
from agor_jupyter.testing.harnesses.workbench import IN_PROCESS, SOON, script_of


class GeminiApiHarness(Scripted):
    """See `conformance.Harness`. The fake model refuses calls that lost their signature."""

    def __init__(self) -> None:
        self.kind: AgentKind = registry.get("gemini_api")
        self._server = GeminiServer(wants_signatures=True)
        super().__init__(self._server, script_of)

    def break_output(self, mark: str) -> None:
        raise Skipped(IN_PROCESS)

    def mend_output(self) -> None:
        """Nothing was broken."""

    def environment(self) -> dict[str, str]:
        return self._server.environment()

    def options(self) -> dict[str, object]:
        return dict(SOON)

    async def open(self) -> None:
        await self._server.__aenter__()

    async def close(self) -> None:
        await self._server.__aexit__(None, None, None)
