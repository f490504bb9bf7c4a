"""The extension where it cannot run, and where another server runs already."""

from __future__ import annotations

import subprocess
import sys

WINDOWS = """
import sys
import jupyter_server.extension.application  # runs on Windows itself
sys.platform = "win32"
for name in ("fcntl", "resource", "pwd", "termios"):
    sys.modules[name] = None
import logging
from agor_jupyter.extension.app import AgorApp
app = AgorApp()
app.initialize_settings()
app.initialize_handlers()
print(len(app.handlers))
"""


def test_on_windows_it_loads_and_says_that_it_is_not_supported() -> None:
    found = subprocess.run([sys.executable, "-c", WINDOWS], capture_output=True, text=True, timeout=60)
    assert found.returncode == 0, found.stderr
    assert found.stdout.strip() == "0"
    assert "does not support win32" in found.stderr
