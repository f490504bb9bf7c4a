"""Search files for a pattern: a program of its own, run by its path; standard library only.

Its own process, because a hostile expression can hold Python's `re` (and with it the whole
interpreter) for ever: a process can be ended. Reads its order as JSON from stdin, prints one JSON
line a hit and one last line that says whether that was all.
"""

from __future__ import annotations

import fnmatch
import json
import os
import re
import stat
import sys
from collections.abc import Iterator

SKIPPED = frozenset({".git", "node_modules", "__pycache__", ".venv"})
FILE_BYTES = 8 * 2**20
LINE_CHARACTERS = 400


def files_of(root: str) -> Iterator[str]:
    """Yield regular files below `root`, or `root` itself; links are not followed."""
    if os.path.isfile(root):  # noqa: PTH113  (os.walk and its kin are quicker without Path)
        yield root
        return
    for folder, names, files in os.walk(root):
        names[:] = sorted(name for name in names if name not in SKIPPED)
        for name in sorted(files):
            path = os.path.join(folder, name)  # noqa: PTH118  (as above)
            try:
                if stat.S_ISREG(os.lstat(path).st_mode):
                    yield path
            except OSError:
                continue


def lines_of(path: str) -> list[str]:
    """Read a text file's lines; a binary, huge or unreadable one has none."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123  (as above)
            data = file.read(FILE_BYTES + 1)
    except OSError:
        return []
    if len(data) > FILE_BYTES or b"\0" in data[:8192]:
        return []
    return data.decode("utf-8", "replace").splitlines()


def main() -> None:
    order = json.load(sys.stdin)
    flags = re.IGNORECASE if order["ignore_case"] else 0
    source = order["pattern"] if order["regex"] else re.escape(order["pattern"])
    root, glob, most = order["root"], order["glob"], order["most"]
    try:
        pattern = re.compile(source, flags)
    except re.error as error:
        print(json.dumps({"error": f"The pattern is no regular expression: {error}."}))
        return
    count = 0
    base = root if os.path.isdir(root) else os.path.dirname(root)  # noqa: PTH112, PTH120  (as above)
    for path in files_of(root):
        name = os.path.relpath(path, base)
        if glob and not fnmatch.fnmatch(name, glob) and not fnmatch.fnmatch(os.path.basename(path), glob):  # noqa: PTH119  (as above)
            continue
        for number, line in enumerate(lines_of(path), 1):
            if pattern.search(line[:20000]):
                count += 1
                if count > most:
                    print(json.dumps({"done": True, "more": True}))
                    return
                print(json.dumps({"path": name, "line": number, "text": line[:LINE_CHARACTERS]}), flush=True)
    print(json.dumps({"done": True, "more": False}))


if __name__ == "__main__":
    main()
