"""The public face is pinned: what people rely on has its place in the docs, and changes on purpose."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import agor_jupyter

ROOT = Path(__file__).parent.parent


def test_the_reference_pages_are_up_to_date() -> None:
    found = subprocess.run(
        [sys.executable, "scripts/reference", "--check"], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert found.returncode == 0, found.stdout


def test_what_the_package_exports() -> None:
    public = [name for name in vars(agor_jupyter) if not name.startswith("_") and name != "annotations"]
    assert [name for name in public if not hasattr(getattr(agor_jupyter, name), "__path__")] == [
        "load_ipython_extension"
    ]


def test_every_link_of_the_readme_leads_somewhere() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#]+)\)", text)
    assert targets
    missing = [target for target in targets if "://" not in target and not (ROOT / target).exists()]
    assert missing == []


def test_every_subcommand_is_in_the_docs() -> None:
    from agor_jupyter.cli.main import main

    assert callable(main)
    docs = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md"))
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "jupyter agor runners" in docs
    assert "scripts/demo --headless" in readme
