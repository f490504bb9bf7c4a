"""A session's record and its turns → the cells of its transcript notebook. Pure.

A turn is one `%%agor` code cell; its outputs are *segments*: runs of words (text) and runs of
doings (activity), then the usage. Segments are append-only or replace the last, because
JupyterLab 4.6 shows a remote change of an earlier output in the wrong place until it reloads.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from agor_jupyter.domain.content import Checkpoint, PlanEntry
from agor_jupyter.domain.session import Session
from agor_jupyter.transcripts.blocks import Drawn, draw, seconds
from agor_jupyter.transcripts.markdown import CLIP_BYTES, clean, clip, code_span, plain
from agor_jupyter.transcripts.notebook import (
    ACTIVITY_MIME,
    HEAD_ID,
    MAGIC,
    MARKDOWN,
    MAX_OUTPUTS,
    SCHEMA,
    TEXT_MIME,
    TURN_TAG,
    USAGE_MIME,
    Cell,
    Output,
    prompt_sha,
    turn_id,
)
from agor_jupyter.transcripts.turns import Turn

PROMPT_BYTES = 65_536
SEGMENTS = MAX_OUTPUTS - 2
"""How many segments a cell may hold; one output is kept for the usage."""

TOOL_BYTES = ((100, CLIP_BYTES), (500, 1024))
"""`(up to this many tool calls of a turn, bytes shown of each)`; later ones show `TOOL_BYTES_REST`."""
TOOL_BYTES_REST = 256

BlockCache = MutableMapping[tuple[str, int, int], Drawn]
"""Blocks drawn before, by (id, last_seq, bytes shown): a caller keeps one for a turn it redraws."""


@dataclass(frozen=True)
class Place:
    """Where a session works and what its agent is called, in words for a reader."""

    worktree: str = ""
    branch: str = ""
    agent: str = ""


def render_turn(
    session: Session, turn: Turn, names: Mapping[str, str], cache: BlockCache | None = None
) -> Cell:
    """Draw one turn as a cell. The same turn always gives the same cell."""
    task = turn.task
    prompt = clip(clean(task.prompt), PROMPT_BYTES)
    agor: dict[str, Any] = {
        "session": task.session_id,
        "task": task.id,
        "role": "user",
        "state": turn.state,
        "prompt_sha": prompt_sha(task.prompt),
        "by": task.by_name or names.get(task.by, task.by),
        "first_seq": turn.first_seq,
        "last_seq": turn.last_seq,
        "checkpoint": {"start": _sha(turn.start), "end": _sha(turn.end)},
        "fork": {
            "agent_session": session.native_ref,
            "before": turn.before_ref,
            "after": turn.after_ref,
            "git": {"before": _sha(turn.start) or task.base_sha, "after": _sha(turn.end) or task.head_sha},
        },
    }
    if task.stop_reason is not None:
        agor["stop_reason"] = task.stop_reason
    source = f"{MAGIC}\n{prompt}".rstrip("\n") if prompt.strip() else f"{MAGIC}\n"
    return {
        "cell_type": "code",
        "id": turn_id(task.id),
        "metadata": {"agor": {**agor, "source_sha": prompt_sha(source)}, "tags": [TURN_TAG]},
        "source": source,
        "execution_count": None,
        "outputs": _outputs(turn, names, {} if cache is None else cache),
    }


def _sha(checkpoint: Checkpoint | None) -> str | None:
    return checkpoint.sha if checkpoint is not None else None


def _outputs(turn: Turn, names: Mapping[str, str], cache: BlockCache) -> list[Output]:
    groups = _grouped(_drawn_blocks(turn, names, cache))
    outputs = [_segment(turn.task.id, group) for group in groups]
    if turn.over:
        outputs.append(_usage(turn))
    return outputs


def _drawn_blocks(turn: Turn, names: Mapping[str, str], cache: BlockCache) -> list[Drawn]:
    drawn: list[Drawn] = []
    tools = 0
    for block in turn.content.blocks:
        tools += block.type == "tool"
        # By place, not by sum: what an earlier block shows must not change when one is added.
        limit = next((size for upto, size in TOOL_BYTES if tools <= upto), TOOL_BYTES_REST)
        key = (block.id, block.last_seq, limit)
        if key not in cache:
            cache[key] = draw(block, names, limit)
        drawn.append(cache[key])
    return drawn


def _grouped(drawn: list[Drawn]) -> list[list[Drawn]]:
    """Group runs of words and runs of doings; join groups by twos, fours … when there are too many.

    A power of two keeps the groups append-only between two doublings.
    """
    runs: list[list[Drawn]] = []
    for one in drawn:
        if runs and runs[-1][-1].said == one.said:
            runs[-1].append(one)
        else:
            runs.append([one])
    size = 1
    while (len(runs) + size - 1) // size > SEGMENTS:
        size *= 2
    if size == 1:
        return runs
    return [list(chain(*runs[at : at + size])) for at in range(0, len(runs), size)]


def _segment(task_id: str, group: list[Drawn]) -> Output:
    mime = TEXT_MIME if all(one.said for one in group) else ACTIVITY_MIME
    markdown = "\n\n".join(one.markdown for one in group if one.markdown)
    return {
        "output_type": "display_data",
        "data": {mime: {"v": 1, "blocks": [one.json for one in group]}, MARKDOWN: markdown},
        "metadata": {"agor": {"task": task_id, "first": group[0].json["id"], "last": group[-1].json["id"]}},
    }


def _usage(turn: Turn) -> Output:
    task, usage = turn.task, turn.task.usage
    # Older logs may hold a clock that was set back.
    duration = max(0, (task.ended_ms or 0) - (task.started_ms or task.queued_ms))
    plan = [entry.model_dump(mode="json") for entry in turn.content.plan]
    data: dict[str, Any] = {
        "v": 1,
        "task": task.id,
        "stop": task.stop_reason,
        **usage.model_dump(mode="json"),
        "duration_ms": duration,
        "files_changed": task.files_changed,
        "lines_added": task.lines_added,
        "lines_removed": task.lines_removed,
        "error": clean(task.error),
        "hint": clean(task.hint),
        "plan": plan,
        "checkpoint": _sha(turn.end),
    }
    read = usage.input_tokens + usage.cached_read_tokens + usage.cached_write_tokens
    facts = [task.stop_reason or "", f"{read:,} in / {usage.output_tokens:,} out"]
    if usage.cost_usd is not None:
        facts.append(f"\\${usage.cost_usd:.4f}")
    facts.append(seconds(max(0, duration)))
    if task.files_changed:
        noun = "file" if task.files_changed == 1 else "files"
        facts.append(f"{task.files_changed} {noun} +{task.lines_added} −{task.lines_removed}")
    lines = [_plan_markdown(turn.content.plan)]
    if task.error:
        lines.append(f"**✘ {plain(task.error)}** {plain(task.hint)}".strip())
    lines.append(f"<sub>{' · '.join(facts)}</sub>")
    return {
        "output_type": "display_data",
        "data": {USAGE_MIME: data, MARKDOWN: "\n\n".join(line for line in lines if line)},
        "metadata": {"agor": {"task": task.id, "first": "usage", "last": "usage"}},
    }


def _plan_markdown(plan: tuple[PlanEntry, ...]) -> str:
    marks = {"pending": " ", "in_progress": " ", "completed": "x"}
    return "\n".join(f"- [{marks[entry.status]}] {plain(entry.content)}" for entry in plan)


def render_head(session: Session, place: Place, part: int = 1) -> Cell:
    """Draw the Markdown cell at the top: whose conversation this is, and where it works."""
    agent = plain(place.agent or session.agent) + (f" ({plain(session.model)})" if session.model else "")
    facts = [f"**{agent}**"]
    if place.worktree:
        facts.append(f"worktree {code_span(place.worktree)}")
    if place.branch:
        facts.append(f"branch {code_span(place.branch)}")
    if session.parent_id is not None:
        facts.append(f"{session.genealogy} of {code_span(session.parent_id)}")
    if part > 1:
        facts.append(f"part {part}")
    note = "<sub>Drawn from the session's log; cells that you add stay. To go on: a `%%agor` cell.</sub>"
    source = "\n\n".join([f"# {plain(session.title) or 'Session'}", " · ".join(facts), note])
    return {
        "cell_type": "markdown",
        "id": HEAD_ID,
        "metadata": {"agor": {"session": session.id, "role": "head", "source_sha": prompt_sha(source)}},
        "source": source,
    }


def notebook_agor(
    session: Session,
    place: Place,
    *,
    last_seq: int,
    part: int = 1,
    prev: str | None = None,
    next: str | None = None,
) -> dict[str, Any]:
    """Make `metadata.agor` of a part. `prev` and `next` are file names in the same folder."""
    agor: dict[str, Any] = {
        "schema": SCHEMA,
        "kind": "transcript",
        "session": session.id,
        "title": clean(session.title),
        "agent": session.agent,
        "model": session.model,
        "worktree": place.worktree,
        "branch": place.branch,
        "parent": _parent(session),
        "part": part,
        "last_seq": last_seq,
    }
    return agor | ({"prev": prev} if prev else {}) | ({"next": next} if next else {})


def _parent(session: Session) -> dict[str, Any] | None:
    """Say what the session branched off, and where: the last task that both share."""
    if session.parent_id is None:
        return None
    parent: dict[str, Any] = {"session": session.parent_id, "task": None}
    if session.origin is not None:
        origin = session.origin
        parent |= {"task": origin.task_id, "sha": origin.sha or None, "replayed": origin.replayed}
    return parent


def size_of(cell: Cell) -> int:
    """Measure a cell as the bytes that it takes in a file, near enough."""
    return len(json.dumps(cell, ensure_ascii=False).encode("utf-8", "replace"))
