"""What a harness may have beside `conformance.Harness`, so that the cases of faults can be played.

Each member of `Faulty` is optional: a case that wants one which is not there is skipped, with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Protocol

from agor_jupyter.testing.conformance import Act, Bench, Skipped

ModelFault = Literal["rate_limit", "overloaded", "expired_login", "cut"]
"""What a model's server does instead of an answer, or (`cut`) in the middle of one."""


class Faulty(Protocol):
    """See `conformance.Harness`. A member may raise `Skipped`."""

    def failing(self, acts: Sequence[Act], fault: ModelFault) -> str:
        """Give the prompt that makes the agent do `acts`; then its model fails, however often it is asked.

        For the next prompt the model is well again.
        """
        ...

    def break_output(self, mark: str) -> None:
        """Let the agent's output end in the middle of a line that holds `mark`, from the next `open` on."""
        ...

    def mend_output(self) -> None:
        """Let conversations that are opened from now on be whole. Idempotent."""
        ...

    def heard(self) -> str:
        """Give the words of people that stood in what the model was last asked."""
        ...


def member(bench: Bench, name: str) -> Any:
    """Give a member of the harness. Raises `Skipped` where it has none."""
    found = getattr(bench.harness, name, None)
    if found is None:
        raise Skipped(f"the harness of {bench.harness.kind.kind} has no `{name}`")
    return found


def failing_prompt(bench: Bench, acts: Sequence[Act], fault: ModelFault) -> str:
    """Give the prompt whose turn fails so after `acts`."""
    prompt: str = member(bench, "failing")(acts, fault)
    return prompt
