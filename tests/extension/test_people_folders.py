"""Where a person's agents keep their state: in a folder of that person, whatever their name is."""

from __future__ import annotations

from pathlib import Path

import pytest

from agor_jupyter.extension.wiring import folder_of


@pytest.mark.parametrize(
    "name", ["..", ".", "../ada", "/etc", "a/../../b", "a/b", "a\\b", "a\0b", "%2E%2E", ".x"]
)
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    assert (tmp_path / folder_of(name)).resolve().parent == tmp_path.resolve()
    assert folder_of(name) not in {folder_of(other) for other in ("ada", "b", "etc", "..") if other != name}


@pytest.mark.parametrize("name", ["local", "ada", "ada@example.org", "Ada Lovelace", "a.b"])
def test_an_ordinary_name_is_its_own_folder(name: str) -> None:
    assert folder_of(name) == name
