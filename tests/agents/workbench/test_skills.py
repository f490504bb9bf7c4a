"""Which skills of a worktree are told, and that what is broken, outside or too much is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from agor_jupyter.agents.workbench import briefing, skills

GOOD = "---\nname: {name}\ndescription: {about}\nlicense: MIT\n---\n\nthe-secret-is-heron\n"


@pytest.fixture
def worktree(tmp_path: Path) -> Path:
    folder = tmp_path / "worktree"
    folder.mkdir()
    return folder


def put(worktree: Path, folder: str, text: str = "", *, about: str = "For herons.") -> Path:
    path = worktree / ".agents" / "skills" / folder / "SKILL.md"
    path.parent.mkdir(parents=True)
    path.write_text(text or GOOD.format(name=folder, about=about))
    return path


def test_names_descriptions_and_paths_are_told_and_no_more(worktree: Path) -> None:
    first = put(worktree, "count-birds", about="'Counts: birds'")
    put(worktree, "ask", about=">\n  Two lines\n  of it.")
    found = skills.read_skills(str(worktree))
    assert [(skill.name, skill.description) for skill in found.told] == [
        ("ask", "Two lines of it."),
        ("count-birds", "Counts: birds"),
    ]
    assert found.told[1].shown == str(first)
    assert "- count-birds (.agents/skills/count-birds/SKILL.md): Counts: birds" in found.text
    assert "heron" not in found.text
    assert found.left_out == ()


def test_without_skills_nothing_is_told(worktree: Path) -> None:
    assert skills.read_skills(str(worktree)) == skills.Skills()
    (worktree / ".agents").mkdir()
    (worktree / ".agents" / "skills").write_text("no folder")
    assert skills.read_skills(str(worktree)).text == ""


@pytest.mark.parametrize(
    "text",
    [
        "no front matter\n",
        "---\nname: bad\ndescription: It never ends.\n",
        "---\n- a list\n---\n",
        "---\nname: bad\n---\n",
        "---\nname: bad\ndescription: ''\n---\n",
        "---\nname: bad\ndescription: [1]\n---\n",
        "---\nname: other\ndescription: Not its folder's name.\n---\n",
        "---\nname: bad\ndescription: !!python/object/apply:os.getcwd []\n---\n",
        "---\nname: bad\ndescription: 2024-99-99\n---\n",
        "---\nname: {\n---\n",
        "---\nname: " + "[" * 1500 + "\n---\n",
        "---\nname: bad\ndescription: a\0b\n---\n",
    ],
)
def test_what_is_broken_is_left_out(worktree: Path, text: str) -> None:
    put(worktree, "bad", text)
    put(worktree, "good")
    found = skills.read_skills(str(worktree))
    assert [skill.name for skill in found.told] == ["good"]
    assert found.left_out == ("bad",)


@pytest.mark.parametrize("folder", ["Upper", "two--dashes", "with space", "x" * 65])
def test_names_that_the_format_forbids(worktree: Path, folder: str) -> None:
    put(worktree, folder)
    assert skills.read_skills(str(worktree)).told == ()


def test_what_leads_out_is_not_read(worktree: Path, tmp_path: Path) -> None:
    outside = put(tmp_path / "elsewhere", "lure").parent
    place = worktree / ".agents" / "skills"
    place.mkdir(parents=True)
    (place / "lure").symlink_to(outside)
    (place / "file").mkdir()
    (place / "file" / "SKILL.md").symlink_to(outside / "SKILL.md")
    found = skills.read_skills(str(worktree))
    assert found.told == ()
    assert found.left_out == ("file", "lure")
    # A link that stays inside is as good as what it leads to.
    real = put(worktree, "real")
    (place / "twin").mkdir()
    (place / "twin" / "SKILL.md").symlink_to(real)
    real.write_text(GOOD.format(name="twin", about="For herons."))
    assert [skill.name for skill in skills.read_skills(str(worktree)).told] == ["twin"]


def test_a_whole_folder_that_leads_out_is_not_read(worktree: Path, tmp_path: Path) -> None:
    put(tmp_path / "elsewhere", "lure")
    (worktree / ".agents").symlink_to(tmp_path / "elsewhere" / ".agents")
    assert skills.read_skills(str(worktree)) == skills.Skills()


def test_a_pipe_does_not_hold_anybody(worktree: Path) -> None:
    import os

    folder = worktree / ".agents" / "skills" / "pipe"
    folder.mkdir(parents=True)
    os.mkfifo(folder / "SKILL.md")
    assert skills.read_skills(str(worktree)).told == ()


def test_how_much_is_told_is_bounded(worktree: Path) -> None:
    for number in range(skills.MOST_SKILLS + 5):
        put(worktree, f"skill-{number:03}")
    found = skills.read_skills(str(worktree))
    assert len(found.told) == skills.MOST_SKILLS
    assert len(found.left_out) == 5
    for number in range(30):
        put(worktree, f"a-long-{number:02}", about="words " * 400)
    found = skills.read_skills(str(worktree))
    assert len(found.text) < skills.LIST_CHARACTERS + 1000
    assert max(len(skill.description) for skill in found.told) <= skills.DESCRIPTION_CHARACTERS
    (notice,) = briefing.read_project(str(worktree), ()).notices
    assert f"{len(found.left_out) - briefing.NAMED_SKILLS} more." in notice.text
    assert "front matter" in notice.hint


def test_instructions_and_skills_are_one_text_and_all_files_are_named(worktree: Path) -> None:
    put(worktree, "good")
    (worktree / "AGENTS.md").write_text("be kind")
    project = briefing.read_project(str(worktree), ("GEMINI.md", "AGENTS.md"))
    assert project.text.index("be kind") < project.text.index("- good (")
    assert [Path(path).name for path in project.read] == ["AGENTS.md", "SKILL.md"]
    assert project.notices == ()
