"""What was recorded and is played again is the same for who watches, and runs nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from agor_jupyter.agents.demo import kind
from agor_jupyter.agents.demo.script import load_script
from agor_jupyter.domain.errors import Unprocessable
from agor_jupyter.domain.events import PermissionRequest, PermissionResolved
from agor_jupyter.testing.demo_repo import write_demo_repo
from tests.agents.recording.taping import Tape, essence, play, turn_of
from tests.agents.test_demo import spec_of, steps


def files_of(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in found
        if ".git" not in path.parts and "__pycache__" not in path.parts
    }


def plain(listed: list[Any]) -> list[Any]:
    """Leave out the input of edits: it repeats the text, and a script keeps less of it."""
    return [
        {name: value for name, value in item.items() if name != "input" or item["kind"] != "edit"}
        if isinstance(item, dict)
        else item
        for item in listed
    ]


async def test_the_demo_agents_own_session(tmp_path: Path) -> None:
    spec = spec_of(tmp_path)
    write_demo_repo(spec.worktree)
    twin = tmp_path / "twin"
    shutil.copytree(spec.worktree, twin)
    prompts = [
        ("Please make the tests pass.", ()),
        ("Please make the tests pass.", ("reject_once",)),
        ("fail", ()),
    ]
    agent = kind.make()
    await agent.start(spec)
    tape, original = Tape(), []
    for prompt, answers in prompts:
        updates = await turn_of(agent, prompt, answers)
        tape.take(prompt, updates)
        original.append(essence(updates, spec.worktree))
    await agent.close()
    script = tape.saved(spec.worktree).script
    assert "run:" not in script and "{python}" not in script and str(tmp_path) not in script
    played = await play(tmp_path, script, prompts, twin)
    assert [plain(turn) for turn in played] == [plain(turn) for turn in original]
    assert files_of(twin) == files_of(Path(spec.worktree))


async def test_the_scripted_acp_agents_session(tmp_path: Path) -> None:
    pytest.importorskip("acp")
    from tests.agents.acp.talking import Talk, spec_in
    from tests.agents.acp.talking import steps as acp_steps

    marker = tmp_path / "ran"
    spec = spec_in(tmp_path)
    (Path(spec.worktree) / "old.txt").write_text("one\ntwo\n")
    twin = tmp_path / "twin"
    shutil.copytree(spec.worktree, twin)
    work = acp_steps(
        {"think": "Hm."},
        {"say": "I write {prompt} and {python}. "},
        {"plan": ["Write", "Run"]},
        {"write": ["old.txt", "one\n2\n"]},
        {"write": ["new.txt", "fresh {1}\n"]},
        {"run": f"echo ran >> {marker}; echo done; exit 3"},
        {"say": "So it is."},
    )
    talk = await Talk(spec).start()
    tape = Tape()
    try:
        before = len(talk.updates)
        await talk.prompt(work)
        updates = talk.updates[before:]
    finally:
        await talk.close()
    # The talk answers by itself: what it answered is put where it was.
    heard: list[Any] = []
    for update in updates:
        heard.append(update)
        if isinstance(update, PermissionRequest):
            option = next(item.option_id for item in update.options if item.kind == "allow_once")
            resolved = {"request_id": update.request_id, "outcome": "selected", "option_id": option}
            heard.append(PermissionResolved(**resolved, by="ann"))
    tape.take(work, heard)
    assert marker.read_text() == "ran\n"
    saved = tape.saved(spec.worktree)
    played = await play(tmp_path, saved.script, [(work, ())], twin)
    assert marker.read_text() == "ran\n", "a recording runs nothing"

    want = [item for item in plain(essence(heard, spec.worktree)) if not _is(item, "answered")]
    got = [item for item in plain(played[0]) if not _is(item, "answered")]
    assert got == want
    assert files_of(twin) == files_of(Path(spec.worktree))


def _is(item: Any, name: str) -> bool:
    return isinstance(item, tuple) and item[0] == name


NESTED = [
    {
        "tool": {
            "title": "Agent: look around",
            "kind": "think",
            "input": {"prompt": "Look"},
            "steps": [
                {"think": "Where?"},
                {"say": "I look."},
                {"tool": {"title": "grep x", "kind": "execute", "output": "a:1: x\n", "exit_code": 0}},
                {"edit": {"path": "found.txt", "write": "x\n"}},
                {"tool": {"title": "Agent: deeper", "steps": [{"say": "Deep."}], "text": "Deep result"}},
            ],
            "text": "Found it.",
        }
    },
    {"note": "Nearly full.", "level": "warning"},
    {
        "ask": [
            {"question": "Which?", "choices": ["a", "b"], "descriptions": ["the first", ""], "own": True},
            {"question": "Why?", "header": "Reason"},
        ]
    },
    {"say": "Done."},
    {"fail": "Out of words.", "hint": "Try again."},
]


async def test_what_happened_within_a_call_is_played_within_it(tmp_path: Path) -> None:
    spec = spec_of(tmp_path)
    agent = kind.make()
    await agent.start(spec)
    prompt = steps(*NESTED)
    updates = await turn_of(agent, prompt, ("allow_once", "a"))
    await agent.close()
    original = essence(updates, spec.worktree)
    within = [item["within"] for item in original if isinstance(item, dict)]
    assert within == ["", *["Agent: look around"] * 3]
    assert ("agent_message_chunk", "Agent: deeper", "Deep.") in original
    tape = Tape()
    tape.take(prompt, updates)
    twin = tmp_path / "twin"
    twin.mkdir()
    script = tape.saved(spec.worktree).script
    played = await play(tmp_path, script, [(prompt, ("allow_once", "a"))], twin)
    assert plain(played[0]) == plain(original)
    assert (twin / "found.txt").read_text() == "x\n"


async def test_a_refusal_ends_what_has_no_other_way(tmp_path: Path) -> None:
    spec = spec_of(tmp_path)
    agent = kind.make()
    await agent.start(spec)
    prompt = steps({"edit": {"path": "a.txt", "write": "a"}}, {"say": "It is written."})
    updates = await turn_of(agent, prompt)
    await agent.close()
    tape = Tape()
    tape.take(prompt, updates)
    twin = tmp_path / "twin"
    twin.mkdir()
    played = await play(tmp_path, tape.saved(spec.worktree).script, [(prompt, ("reject_once",))], twin)
    assert "no other way" in played[0][-2][2]
    assert played[0][-1] == ("ended", "end_turn", "")
    assert "It is written." not in str(played)
    assert not (twin / "a.txt").exists()


async def test_a_prompt_that_brings_steps_plays_the_recording_of_them(tmp_path: Path) -> None:
    """The block of steps in a recorded prompt would run for real in any other script."""
    marker = tmp_path / "ran"
    spec = spec_of(tmp_path)
    agent = kind.make()
    await agent.start(spec)
    prompt = steps({"run": {"argv": ["touch", str(marker)], "ask": False}})
    updates = await turn_of(agent, prompt)
    await agent.close()
    assert marker.exists()
    marker.unlink()
    tape = Tape()
    tape.take(prompt, updates)
    played = await play(
        tmp_path, tape.saved(spec.worktree).script, [(prompt, ()), (steps({"wait": 0}), ())], tmp_path
    )
    assert played[0][0]["title"].startswith("touch ")
    assert "It knows these prompts" in played[1][0][2]
    assert not marker.exists()


@pytest.mark.parametrize(
    "step",
    [
        {"run": ["true"]},
        {"call": {"tool": "x"}},
        {"crash": 1},
        {"if": {"rejected": True, "then": [{"repeat": {"times": 1, "steps": [{"run": ["true"]}]}}]}},
        {"tool": {"title": "t", "steps": [{"run": ["true"]}]}},
    ],
)
def test_a_recording_with_a_step_that_runs_is_no_script(step: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "s.yml"
    path.write_text(yaml.safe_dump({"recorded": True, "turns": [{"steps": [step]}]}))
    with pytest.raises(Unprocessable, match="a recording has no run, call or crash"):
        load_script(str(path))
    path.write_text(json.dumps({"turns": [{"steps": [step]}]}))
    load_script(str(path))


async def test_edits_of_a_call_are_made_all_or_none(tmp_path: Path) -> None:
    spec = spec_of(tmp_path)
    place = Path(spec.worktree)
    (place / "a.txt").write_bytes(b"one one\r\n")
    (place / "gone.txt").write_text("x")
    agent = kind.make()
    await agent.start(spec)
    first = {"path": "a.txt", "find": "one", "replace": "two", "every": True}
    then = {"path": "a.txt", "find": "two two", "replace": "three"}
    edits = [first, then, {"path": "gone.txt", "delete": True}, {"path": "d/new.txt", "write": "{new}"}]
    try:
        wrong = [*edits, {"path": "a.txt", "find": "not there"}]
        refused = await turn_of(agent, steps({"tool": {"title": "All", "edits": wrong}}))
        assert "does not hold the text" in essence(refused, spec.worktree)[-1][2]
        assert files_of(place) == {"a.txt": b"one one\r\n", "gone.txt": b"x"}
        outside = await turn_of(
            agent, steps({"tool": {"title": "Out", "edits": [{"path": "../x", "write": ""}]}})
        )
        assert "outside the worktree" in essence(outside, spec.worktree)[-1][2]
        failed = await turn_of(agent, steps({"tool": {"title": "Not", "edits": edits, "failed": True}}))
        assert essence(failed, spec.worktree)[0]["status"] == "failed"
        assert "a.txt" in files_of(place) and "gone.txt" in files_of(place)
        await turn_of(agent, steps({"tool": {"title": "All", "kind": "edit", "ask": True, "edits": edits}}))
        assert files_of(place) == {"a.txt": b"three\r\n", "d/new.txt": b"{new}"}
    finally:
        await agent.close()


async def test_a_turn_that_ends_within_a_call_ends_that_call(tmp_path: Path) -> None:
    spec = spec_of(tmp_path)
    agent = kind.make()
    await agent.start(spec)
    inner = {"tool": {"title": "Outer", "steps": [{"end": "refusal"}]}}
    told = essence(await turn_of(agent, steps(inner, {"say": "never"})), spec.worktree)
    after = essence(await turn_of(agent, steps({"say": "outside"})), spec.worktree)
    await agent.close()
    assert told[0]["status"] == "failed" and told[1] == ("ended", "refusal", "")
    assert after[0] == ("agent_message_chunk", "", "outside")
