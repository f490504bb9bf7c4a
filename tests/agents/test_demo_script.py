"""Scripts are data: right ones are read, wrong ones say where they are wrong."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest

from agor_jupyter.agents.demo.script import Script, load_script
from agor_jupyter.agents.demo.stage import pieces_of
from agor_jupyter.agents.demo.verbs import VERBS
from agor_jupyter.domain.errors import Unprocessable

DOCS = Path(__file__).resolve().parents[2] / "docs" / "agents-demo-scripts.md"


def shipped() -> list[str]:
    folder = resources.files("agor_jupyter.agents.demo") / "scripts"
    return [item.name.removesuffix(".yml") for item in folder.iterdir() if item.name.endswith(".yml")]


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_script_answers_any_prompt(name: str) -> None:
    script = load_script(name)
    for prompt in ("", "hello", "fix the tests", "数"):
        script.turn_for(prompt)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("turns: []", "turns"),
        ("turns: [{steps: [{sya: hi}]}]", "exactly one verb"),
        ("turns: [{steps: [{say: hi, think: so}]}]", "exactly one verb"),
        ("turns: [{steps: [hi]}]", "exactly one verb"),
        ("turns: [{steps: [{say: hi, loud: true}]}]", "loud"),
        ("turns: [{steps: [{run: []}]}]", "run"),
        ("turns: [{steps: [{run: 'rm -rf /'}]}]", "run"),
        ("turns: [{steps: [{tool: {kind: execute}}]}]", "title"),
        ("turns: [{steps: [{tool: {title: t, steps: [{sya: hi}]}}]}]", "exactly one verb"),
        ("turns: [{steps: [{tool: {title: t, edits: [{path: a}]}}]}]", "a change has one of"),
        (
            "turns: [{steps: [{tool: {title: t, edits: [{path: a, write: x, delete: true}]}}]}]",
            "a change has",
        ),
        ("turns: [{steps: [{ask: []}]}]", "ask"),
        ("turns: [{steps: [{ask: {question: a, choices: [b], descriptions: [c, d]}}]}]", "as many as"),
        ("turns: [{match: '(', steps: []}]", "not a regular expression"),
        ("turns: [{steps: [{if: {then: [{wiat: 1}]}}]}]", "exactly one verb"),
        ("version: 2\nturns: [{steps: []}]", "version"),
        ("turns: [", "not YAML"),
        ("", "valid dictionary"),
    ],
)
def test_a_wrong_script_says_where(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "script.yml"
    path.write_text(text)
    with pytest.raises(Unprocessable, match=r"script\.yml|not YAML") as caught:
        load_script(str(path))
    assert complaint in caught.value.detail


def test_a_missing_script_is_said(tmp_path: Path) -> None:
    for name in ("no-such-script", str(tmp_path / "none.yml")):
        with pytest.raises(Unprocessable, match="cannot be read"):
            load_script(name)


def test_the_first_match_is_played() -> None:
    script = Script.model_validate(
        {
            "turns": [
                {"steps": [{"say": "else"}]},
                {"match": "a(.)c", "steps": [{"say": "one"}]},
                {"match": "abc", "steps": [{"say": "two"}]},
            ]
        }
    )
    turn, found = script.turn_for("xabcx")
    assert (turn, found and found[1]) == (script.turns[1], "b")
    assert script.turn_for("other")[0] == script.turns[0]
    only = Script.model_validate({"turns": [{"match": "x", "steps": []}]})
    with pytest.raises(Unprocessable, match="no turn"):
        only.turn_for("y")


def test_steps_in_the_prompt_are_played() -> None:
    script = load_script("default")
    turn, _ = script.turn_for("Do this:\n```demo\n- say: hi\n- wait: 1\n```\nThanks.")
    assert len(turn.steps) == 2
    with pytest.raises(Unprocessable, match="in the prompt"):
        script.turn_for("```demo\n- sing: hi\n```")


@pytest.mark.parametrize(
    "text",
    ["", " ", "one", "one two  three\n\nfour ", "\n\n", "x" * 100, "数 字\t\n🙂", "a b c d e f g h i j"],
)
def test_pieces_join_to_the_text(text: str) -> None:
    assert "".join(pieces_of(text)) == text


def test_every_verb_is_documented() -> None:
    text = DOCS.read_text("utf-8")
    assert [verb for verb in VERBS if f"`{verb}`" not in text] == []
