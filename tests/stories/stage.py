"""Agents as people have them, below a real server, each with a scripted model that outlives the server."""

from __future__ import annotations

import asyncio
import importlib.util
import threading
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from agor_jupyter.client.api import Record
from agor_jupyter.testing.conformance import Act, Harness
from agor_jupyter.testing.harness_book import harness_of

if TYPE_CHECKING:
    from tests.stories.conftest import Server

PACKAGES = {"acp": "acp", "claude": "claude_agent_sdk", "codex": "codex_cli_bin"}
SECONDS = 30.0


class Stage:
    """One kind of agent, and its model in a thread of this process."""

    def __init__(self, kind: str, harness: Harness) -> None:
        self.kind = kind
        self.harness = harness
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"model of {kind}", daemon=True)

    def open(self) -> None:
        self._thread.start()
        self._do(self.harness.open())

    def close(self) -> None:
        self._do(self.harness.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(SECONDS)
        self._loop.close()

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(SECONDS)

    def prompt(self, *acts: Act) -> str:
        """Write the prompt that makes the agent do it."""
        return self.harness.prompt(acts, "Do it.")

    def session(self, server: Server, worktree: Record, *acts: Act, **more: str) -> Record:
        """Begin a session with a prompt, in full auto."""
        return server.session(
            worktree, self.prompt(*acts), **{"agent": self.kind, "mode": "full_auto", **more}
        )


Stages = Mapping[str, Stage]


@contextmanager
def stages(*kinds: str, **own: Harness) -> Iterator[Stages]:
    """Set the stage for `kinds`, which the tests' own extra installs; `own` are harnesses to use for some."""
    with ExitStack() as stack:
        found = {}
        for kind in kinds:
            missing = importlib.util.find_spec(PACKAGES.get(kind, "json")) is None
            assert not missing, f"{kind} is not installed: pip install -e '.[dev]'"
            found[kind] = Stage(kind, own.get(kind) or harness_of(kind)())
            stack.callback(found[kind].close)
            found[kind].open()
        yield found


def traits(found: Stages) -> dict[str, object]:
    """Give the traits that lead each agent to its model. Some start in trusted repositories only."""
    return {
        "trusted_repositories": ["/*"],
        "agent_environment": {kind: stage.harness.environment() for kind, stage in found.items()},
        "agent_options": {
            kind: options for kind, stage in found.items() if (options := stage.harness.options())
        },
    }
