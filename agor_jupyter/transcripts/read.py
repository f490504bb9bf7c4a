"""A transcript notebook → the prompts in it and the fork point of a cell. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from agor_jupyter.transcripts.notebook import MAGIC, Notebook, agor_of, prompt_sha, source_of, task_of


@dataclass(frozen=True)
class Prompt:
    """A prompt as it stands in a cell. `edited` says that it is no longer the one that ran."""

    cell_id: str
    task: str | None
    text: str
    state: str
    edited: bool


@dataclass(frozen=True)
class ForkPoint:
    """Where a cell's turn stands in the conversation and in git; an unknown part is None."""

    session: str
    task: str
    agent_session: str | None
    before_message: str | None
    after_message: str | None
    before_sha: str | None
    after_sha: str | None


def prompts(notebook: Notebook) -> list[Prompt]:
    """List the `%%agor` cells in the order of the notebook, a person's own included."""
    found: list[Prompt] = []
    for cell in notebook.get("cells", []):
        text = prompt_of(source_of(cell))
        if cell.get("cell_type") != "code" or text is None:
            continue
        agor = agor_of(cell)
        task = task_of(cell)
        sha = agor.get("prompt_sha")
        clipped = agor.get("source_sha") == prompt_sha(source_of(cell))
        edited = task is not None and sha != prompt_sha(text) and not clipped
        found.append(Prompt(str(cell.get("id", "")), task, text, str(agor.get("state", "")), edited))
    return found


def prompt_of(source: str) -> str | None:
    """Give the text below a cell's `%%agor` line, or None when it is not such a cell."""
    first, _, rest = source.lstrip().partition("\n")
    return rest if first.split(" ")[0].strip() == MAGIC else None


def fork_point(notebook: Notebook, cell_id: str) -> ForkPoint | None:
    """Find the fork point of a turn's cell; None for any other cell."""
    for cell in notebook.get("cells", []):
        task = task_of(cell) if cell.get("id") == cell_id else None
        if task is None:
            continue
        agor = agor_of(cell)
        fork = _mapping(agor.get("fork"))
        git = _mapping(fork.get("git"))
        return ForkPoint(
            session=str(agor.get("session", "")),
            task=task,
            agent_session=_text(fork.get("agent_session")),
            before_message=_text(fork.get("before")),
            after_message=_text(fork.get("after")),
            before_sha=_text(git.get("before")),
            after_sha=_text(git.get("after")),
        )
    return None


def session_of(notebook: Notebook) -> str | None:
    """Name the session that a notebook is the transcript of, or None."""
    agor = agor_of(notebook)
    session = agor.get("session")
    return session if agor.get("kind") == "transcript" and isinstance(session, str) else None


def last_seq(notebook: Notebook) -> int:
    """Say up to which event the notebook was drawn; 0 when it does not say."""
    seen = agor_of(notebook).get("last_seq")
    return int(seen) if isinstance(seen, int | float) else 0


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
