"""Files through the bench's tools: where paths lead, what is refused, what is written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agor_jupyter.agents.clip import clip
from agor_jupyter.agents.workbench import files, paths
from agor_jupyter.agents.workbench.failing import ToolFailed


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "worktree"
    (root / "src").mkdir(parents=True)
    (root / "src" / "a.py").write_text("one\ntwo\nthree\n")
    (tmp_path / "secret.txt").write_text("outside\n")
    return root


@pytest.mark.parametrize(
    "named",
    ["../secret.txt", "src/../../secret.txt", "link", "folder/secret.txt", "/etc/passwd", "../worktree-2/x"],
)
def test_what_leads_out_of_the_worktree_is_outside(tree: Path, named: str) -> None:
    (tree / "link").symlink_to(tree.parent / "secret.txt")
    (tree / "folder").symlink_to(tree.parent)
    place = paths.find(str(tree), named)
    assert not place.inside
    assert place.shown == os.path.realpath(tree / named)


def test_what_is_inside_keeps_the_name_that_the_house_knows(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to(tree)
    (tree / "inner").symlink_to(tree / "src")
    for named in ("src/a.py", "./src/../src/a.py", "inner/a.py", str(tree / "src" / "a.py")):
        place = paths.find(str(tmp_path / "alias"), named)
        assert place.inside
        assert place.shown == str(tmp_path / "alias" / "src" / "a.py")


def test_a_path_with_a_nul_is_refused(tree: Path) -> None:
    with pytest.raises(ToolFailed):
        paths.find(str(tree), "a\0b")


def read(tree: Path, named: str, **options: int) -> str:
    return files.read_lines(paths.find(str(tree), named), **options)


def test_reading_goes_on_where_it_stopped(tree: Path) -> None:
    assert read(tree, "src/a.py") == "one\ntwo\nthree\n"
    first = read(tree, "src/a.py", limit=2)
    assert first.startswith("one\ntwo\n")
    assert "offset=3" in first
    assert read(tree, "src/a.py", offset=3) == "three\n"
    assert "3 lines" in read(tree, "src/a.py", offset=9)


def test_a_huge_file_is_read_in_part(tree: Path) -> None:
    (tree / "big.txt").write_text("x" * 99 + "\n" + "line\n" * 400_000)
    text = read(tree, "big.txt")
    assert len(text) < files.READ_BYTES
    assert "offset=2001" in text
    assert read(tree, "big.txt", offset=400_001) == "line\n"
    (tree / "many.txt").write_text("z" * 1500 + "\n" + ("z" * 1500 + "\n") * 99)
    page = read(tree, "many.txt")
    assert clip(page) == (page, 0)
    assert "read on with offset=34" in page
    (tree / "wide.txt").write_text("y" * 5_000_000)
    assert len(read(tree, "wide.txt")) < 3000


@pytest.mark.parametrize("named", ["binary", "pipe", "src", "nothing"])
def test_what_is_no_text_is_named_not_read(tree: Path, named: str) -> None:
    (tree / "binary").write_bytes(b"ELF\0\1\2")
    os.mkfifo(tree / "pipe")
    with pytest.raises(ToolFailed):
        read(tree, named)


def test_listing_names_links_and_enters_no_big_folders(tree: Path) -> None:
    (tree / "node_modules" / "x").mkdir(parents=True)
    (tree / "link").symlink_to("/")
    listed = files.list_entries(paths.find(str(tree), "."), depth=5).splitlines()
    assert listed == ["link@", "node_modules/", "src/", "src/a.py"]
    assert files.list_entries(paths.find(str(tree), "."), "*.py") == "src/a.py"
    for number in range(files.LIST_ENTRIES + 5):
        (tree / "src" / f"{number}.txt").touch()
    assert "More than 1000" in files.list_entries(paths.find(str(tree), "src"))


def change(tree: Path, named: str, content: str) -> files.Change:
    return files.plan_write(paths.find(str(tree), named), content)


def test_writing_makes_folders_and_keeps_the_mode(tree: Path) -> None:
    files.apply(str(tree), change(tree, "new/deep/b.py", "b\n"))
    assert (tree / "new" / "deep" / "b.py").read_text() == "b\n"
    (tree / "run.sh").write_text("old")
    (tree / "run.sh").chmod(0o755)
    planned = change(tree, "run.sh", "new")
    assert planned.before == "old"
    files.apply(str(tree), planned)
    assert (tree / "run.sh").stat().st_mode & 0o777 == 0o755
    assert sorted(item.name for item in tree.iterdir()) == ["new", "run.sh", "src"]


def test_a_file_that_changed_since_it_was_shown_is_left_alone(tree: Path) -> None:
    planned = change(tree, "src/a.py", "mine")
    (tree / "src" / "a.py").write_text("theirs")
    with pytest.raises(ToolFailed, match="changed meanwhile"):
        files.apply(str(tree), planned)
    assert (tree / "src" / "a.py").read_text() == "theirs"
    planned = change(tree, "fresh.txt", "mine")
    (tree / "fresh.txt").write_text("theirs")
    with pytest.raises(ToolFailed):
        files.apply(str(tree), planned)


def test_a_link_that_was_put_there_since_is_not_followed(tree: Path) -> None:
    planned = change(tree, "src/new.txt", "mine")
    (tree / "src" / "new.txt").symlink_to(tree.parent / "secret.txt")
    with pytest.raises(ToolFailed, match="elsewhere"):
        files.apply(str(tree), planned)
    assert (tree.parent / "secret.txt").read_text() == "outside\n"


@pytest.mark.parametrize("named", [".git/hooks/pre-commit", ".git", "sub/.git/config"])
def test_gits_own_files_are_not_written(tree: Path, named: str) -> None:
    with pytest.raises(ToolFailed, match="git"):
        change(tree, named, "#!/bin/sh\n")


def edit(tree: Path, old: str, new: str, *, every: bool = False) -> str:
    return files.plan_edit(paths.find(str(tree), "src/a.py"), old, new, every=every).after


def test_an_edit_replaces_what_stands_exactly_once(tree: Path) -> None:
    assert edit(tree, "two", "2") == "one\n2\nthree\n"
    for old, reason in (("e\n", "2 times"), ("four", "does not stand"), ("", "empty"), ("two", "same")):
        with pytest.raises(ToolFailed, match=reason):
            edit(tree, old, "two")
    assert edit(tree, "e\n", "E\n", every=True) == "onE\ntwo\nthreE\n"
    (tree / "src" / "a.py").write_bytes(b"one\r\ntwo\r\n")
    assert edit(tree, "one\ntwo", "1\n2") == "1\r\n2\r\n"
    (tree / "src" / "a.py").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ToolFailed, match="not UTF-8"):
        edit(tree, "a", "b")
    (tree / "src" / "a.py").write_bytes(b"a" * (files.CHANGE_BYTES + 1))
    with pytest.raises(ToolFailed, match="larger"):
        edit(tree, "a", "b")


def test_a_link_that_was_put_there_since_is_not_read(tree: Path) -> None:
    place = paths.find(str(tree), "src/a.py")
    (tree / "src" / "a.py").unlink()
    (tree / "src" / "a.py").symlink_to(tree.parent / "secret.txt")
    with pytest.raises(ToolFailed, match="cannot be read"):
        files.read_lines(place)
