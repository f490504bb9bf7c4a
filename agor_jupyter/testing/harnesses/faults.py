"""How scripted models fail, and how the output of an agent's program is broken, for harnesses.

See `faulty.Faulty`.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from agor_jupyter.testing import broken_pipe
from agor_jupyter.testing.faulty import ModelFault
from agor_jupyter.testing.model_script import Fault, Script, Text, Turn

FAILING: Mapping[ModelFault, Turn] = {
    "rate_limit": Turn(fault=Fault(status=429, message="Scripted rate limit.", retry_after_seconds=1)),
    "overloaded": Turn(fault=Fault(status=529, message="Scripted overload.")),
    "expired_login": Turn(fault=Fault(status=401, message="Scripted end of the login.")),
    "cut": Turn(blocks=(Text(text="Half of an answer."),), cut_after=1),
}

ASKED_AGAIN = 20


def failing_script(script: Script, fault: ModelFault) -> Script:
    """After its calls of tools, the model of `script` fails, each time it is asked."""
    turns = tuple(turn for turn in script.turns if turn.uses_tools)
    # Half an answer counts as one: agents that ask again must find the fault again.
    return Script(turns=(*turns, *(FAILING[fault],) * ASKED_AGAIN))


def broken_command(mark: str, command: list[str]) -> list[str]:
    """Put a program behind a pipe that breaks in the middle of a line with `mark`."""
    return [sys.executable, "-I", "-S", str(Path(broken_pipe.__file__)), mark, *command]


class BrokenProgram:
    """Stands in for a kind's own program, where the kind looks for it, in this process only."""

    def __init__(self, module: ModuleType, name: str) -> None:
        self._module, self._name = module, name
        self._find: Callable[..., Path | None] | None = None

    def breaks(self, mark: str, folder: Path) -> None:
        """Let `module.name(environment)` find a program that breaks. `folder` holds it."""
        self._find = find = getattr(self._module, self._name)

        def found(environment: Mapping[str, str]) -> Path | None:
            real = find(environment)
            if real is None:
                return None
            program = folder / f"broken-{real.name}"
            line = shlex.join(broken_command(mark, [str(real)]))
            program.write_text(f'#!/bin/sh\nexec {line} "$@"\n', encoding="utf-8")
            program.chmod(0o700)
            return program

        self._put(found)

    def mend(self) -> None:
        if self._find is not None:
            self._put(self._find)
            self._find = None

    def _put(self, find: Any) -> None:
        setattr(self._module, self._name, find)
