"""What is imported, and when."""

from __future__ import annotations

import subprocess
import sys


def test_the_room_is_imported_without_the_sdk() -> None:
    code = (
        "import sys; from agor_jupyter.agents.claude import kind; kind.make(); "
        "print('claude_agent_sdk' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


def test_the_sdk_is_imported_without_what_nobody_asks_for() -> None:
    code = (
        "import sys; from agor_jupyter.agents.claude import adapter; adapter._load();"
        "print('lark' in sys.modules, any(name in sys.modules for name in adapter.FORMATS));"
        "import rfc3987_syntax"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["False", "False"]


def test_the_sdk_is_imported_without_a_web_server() -> None:
    """`click` is its command line: it comes with it alone. What was hidden can be had afterwards."""
    code = (
        "import sys; from agor_jupyter.agents.claude import adapter; adapter._load();"
        "print([name for name in (adapter.WEB_SERVER, 'click', 'webcolors') if name in sys.modules]);"
        "import uvicorn, webcolors; print('mcp.server' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines() == ["[]", "True"]


def test_nothing_of_the_launcher_is_imported() -> None:
    """It is run by its path, in a process of its own: what it imports is none of the runner's."""
    code = (
        "import sys; from agor_jupyter.agents.claude import adapter; adapter._load();"
        "print('agor_jupyter.agents.claude.launch' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
