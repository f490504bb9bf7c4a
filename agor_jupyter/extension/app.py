"""`AgorApp`: the traits of the extension, and what happens when a server starts and stops."""

from __future__ import annotations

import sys
from typing import Any

from jupyter_server.extension.application import ExtensionApp
from traitlets import Dict, DottedObjectName, Enum, Float, Int, List, Unicode

SUPPORTED = sys.platform in ("linux", "darwin")


class AgorApp(ExtensionApp):
    """Coding agents on a shared board: sessions, worktrees, transcripts."""

    name = "agor_jupyter"
    extension_url = "/lab"
    load_other_extensions = True

    data_dir = Unicode(
        "",
        help="Folder of the database, the agents' logs and their state. Default: `agor` in Jupyter's data "
        "folder. It must be on a local disk; one server at a time may write in it.",
    ).tag(config=True)
    worktrees_dir = Unicode(
        "",
        help="Folder of the worktrees. Default: `<root_dir>/agor/worktrees`, where JupyterLab can open them.",
    ).tag(config=True)
    transcripts_dir = Unicode(
        "", help="Folder of the transcripts. Default: `<root_dir>/agor/transcripts`."
    ).tag(config=True)
    on_server_stop = Enum(
        ["keep", "finish_task", "stop"],
        "keep",
        help="What agents do when the server stops in order: `keep` working (default; `jupyter agor runners` "
        "lists and stops them), `finish_task` and end, or `stop` at once.",
    ).tag(config=True)
    orphan_hours = Float(
        12.0, min=0.0, help="How long an agent without a server may go on with its task, in hours."
    ).tag(config=True)
    idle_minutes = Float(
        15.0,
        min=0.0,
        help="An agent that has had no prompt for so long is closed; the next prompt resumes it. 0: never.",
    ).tag(config=True)
    max_running_sessions = Int(
        20,
        min=0,
        help="How many sessions of this server may have a task under way at once. Further prompts wait in "
        "their queue, say so, and start when another session ends: first those of whoever has the fewest at "
        "work. An agent without a task does not count, and is closed when as many are up. Default: 20; each "
        "more is a process with its memory. 0: no limit.",
    ).tag(config=True)
    max_running_sessions_per_user = Int(
        0,
        min=0,
        help="The same for the sessions that one person owns. Default: 0, no limit of their own.",
    ).tag(config=True)
    agent_options = Dict(
        help="Options for a kind of agent, by kind: `{'demo': {'script': '/path/to/script.yml'}}`, or "
        "`{'acp': {'command': ['name-of-the-agent', '--acp']}}` for any agent that speaks ACP. Default: none."
    ).tag(config=True)
    acp_agents = Dict(
        help="Agents that speak ACP, each a kind of its own, by a name of a-z, 0-9 and dashes: "
        "`{'goose': {'label': 'Goose', 'command': ['goose', 'acp']}}` is the kind `acp.goose`. Also: "
        "`environment` (a secret as `${NAME}`), `credentials` (the variables that each person sets among "
        "their keys), `login`, `modes`. Default: none; an admin adds them in the Agents panel, which cannot "
        "change those that stand here."
    ).tag(config=True)
    agent_environment = Dict(
        help="Variables for the agents of a kind, by kind. Not for secrets: traits are not safe for them."
    ).tag(config=True)
    trusted_repositories = List(
        Unicode(),
        help="Folders whose repositories are trusted without asking, as absolute paths in which each part "
        "may be a pattern: `['/srv/ours', '~/work/*']`. Agents read the instructions and settings of every "
        "repository there, hooks that run programs included, and of whatever comes into it later. Default: "
        "none; each repository is trusted in the panel by its owner or an admin, as it was shown to them.",
    ).tag(config=True)
    # A name, not a class: what it names imports modules that Windows does not have.
    executor_class = DottedObjectName(
        "agor_jupyter.executors.local.LocalExecutor",
        help="Where agents' runners run. Default: as processes of this machine.",
    ).tag(config=True)
    demo_dir = Unicode(
        "", help="Fill an empty data folder with the demo's board, for the repository in this folder."
    ).tag(config=True)

    demo_agent = Unicode("demo", help="The kind of agent that works on the demo's board.").tag(config=True)

    def initialize_settings(self) -> None:
        """Open what must be open before the first request; boards above all."""
        if not SUPPORTED:
            self.log.error("agor-jupyter does not support %s: use Linux or macOS.", sys.platform)
            return
        from agor_jupyter.extension.wiring import open_wiring

        if self.serverapp is not None:
            self.wiring = open_wiring(self, self.serverapp)

    def initialize_handlers(self) -> None:
        if SUPPORTED:
            from agor_jupyter.extension.handlers import all_handlers

            self.handlers.extend(all_handlers())

    async def _start_jupyter_server_extension(self, serverapp: Any) -> None:
        wiring = getattr(self, "wiring", None)
        if wiring is not None:
            await wiring.start()

    async def stop_extension(self) -> None:
        wiring = getattr(self, "wiring", None)
        if wiring is not None:
            await wiring.stop()

    def current_activity(self) -> Any:
        """Keep a server with working agents from being culled."""
        wiring = getattr(self, "wiring", None)
        return wiring is not None and wiring.is_working()
