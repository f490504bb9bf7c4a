"""All rooms made and joined: one `Wiring` a server, opened before the first request, closed last."""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

from traitlets.utils.importstring import import_item

from agor_jupyter.agents import registry
from agor_jupyter.agents.base import AgentKind, SessionSpec
from agor_jupyter.agents.process import allowed_environment
from agor_jupyter.board.documents import BoardDocuments
from agor_jupyter.board.mirror import BoardMirror
from agor_jupyter.domain.errors import AgorError
from agor_jupyter.domain.ids import ENTROPY_BYTES, WorktreeId, make_id
from agor_jupyter.domain.ports import Clock
from agor_jupyter.domain.repo import Worktree
from agor_jupyter.domain.session import Session
from agor_jupyter.engine.admission import Limits
from agor_jupyter.engine.parts import EngineParts, Launch
from agor_jupyter.engine.supervisor import Engine, OnStop
from agor_jupyter.extension import seed
from agor_jupyter.extension.git_of_house import CardChanges, EngineCheckpoints
from agor_jupyter.extension.own_secrets import secrets_of_server
from agor_jupyter.extension.places import Places, find_places
from agor_jupyter.extension.tools_of_house import AgentTools
from agor_jupyter.extension.transcripts_of_house import HouseTranscripts
from agor_jupyter.git.room import GitRoom
from agor_jupyter.mcp.endpoint import CALLER, McpEndpoint
from agor_jupyter.mcp.tools import Caller, specs
from agor_jupyter.runner.steady_clock import SteadyClock
from agor_jupyter.server import file_guard, kernels
from agor_jupyter.server.asgi import McpMount
from agor_jupyter.server.roles import has_named_users, known_people
from agor_jupyter.server.routes import open_server
from agor_jupyter.service import agents, credentials, mcp_servers, named_agents, trust, variables
from agor_jupyter.service.catalogue import Catalogue, with_own
from agor_jupyter.service.house import House
from agor_jupyter.service.reconcile import reconcile
from agor_jupyter.store.facade import Store
from agor_jupyter.store.folder import make_private_path
from agor_jupyter.store.opening import open_store
from agor_jupyter.transcripts.live import LiveSink
from agor_jupyter.transcripts.writer import TranscriptWriter

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

    from agor_jupyter.extension.app import AgorApp

logger = logging.getLogger("agor_jupyter")


def new_id(prefix: str) -> str:
    return make_id(prefix, secrets.token_bytes(ENTROPY_BYTES))


def folder_of(name: str) -> str:
    """Name a person's folder: their own name where it can be one, and never a way out of it."""
    quoted = quote(name, safe=" @")
    return quoted.replace(".", "%2E") if quoted.startswith(".") else quoted


def open_wiring(app: AgorApp, server: ServerApp) -> Wiring | None:
    """Open the store and make the rooms. What prevents it is said, and the server runs without us.

    Blocks: it runs before the loop, so that boards are registered before a page can connect.
    """
    file_guard.install()  # first of all: without a store of ours, a viewer still may not write files
    places = find_places(server.root_dir, app.data_dir, app.worktrees_dir, app.transcripts_dir)
    try:
        clock = SteadyClock(follows=True)
        store = open_store(places.paths.data_dir, clock=clock)
    except AgorError as error:
        app.log.error("agor-jupyter cannot start: %s %s", error.detail, error.hint)
        server.web_app.settings["agor_closed"] = error
        return None
    people = known_people(server.web_app.settings)
    wiring = Wiring(app, store, places, server.web_app.settings, clock)
    try:
        # A page that comes back while the server starts finds its board's room, not an empty place.
        wiring.boards.open_all(store.boards_now())
    except AgorError as error:
        app.log.error("the boards cannot be read: %s %s", error.detail, error.hint)
    if not store.read_only:
        wiring.forget_kernels = kernels.inject(server, store.tokens, remember=people.remember)
    return wiring


def _nothing() -> None:
    """Undo nothing."""


class Wiring:
    """Everything that one server runs. Made before the loop; `start` and `stop` run on it."""

    def __init__(
        self, app: AgorApp, store: Store, places: Places, settings: dict[str, Any], clock: Clock
    ) -> None:
        self.app = app
        self.clock = clock
        self.store = store
        self.places = places
        paths = places.paths
        self.kinds = {kind.kind: kind for kind in registry.list_kinds(app.agent_options)}
        if not store.read_only:
            make_private_path(paths.data_dir / "git")
        self.git = GitRoom(paths.data_dir / "git", paths.worktrees_root)
        self.executor = import_item(app.executor_class)()
        people = known_people(settings)
        named_users = has_named_users(settings["identity_provider"])
        self.tools = AgentTools(lambda: self.house, people, named_users=named_users)
        self.engine = Engine(self._engine_parts())
        sink = LiveSink(settings, paths.root_dir or paths.data_dir)
        self.transcripts = TranscriptWriter(
            store.log,
            sink,
            paths.transcripts_root,
            self._worktree,
            name_of=people.name_of,
            title_of=self._title,
        )
        self.boards = BoardDocuments(store.records, settings, read_only=store.read_only)
        self.mirror = BoardMirror(store.log, store.records, self.boards, count=CardChanges(self.git))
        self.house = House(
            log=store.log,
            records=store.records,
            work=self.engine,
            git=self.git,
            boards=self.boards,
            agents=Catalogue(self.kinds, self._visible(), clock),
            transcripts=HouseTranscripts(self.transcripts, store.log, paths, settings["base_url"]),
            tokens=store.tokens,
            paths=paths,
            clock=clock,
            new_id=new_id,
            read_only=store.read_only,
            data_dir_note=self.places.note,
            secrets=secrets_of_server(
                os.environ, app.agent_environment.values(), settings["identity_provider"]
            ),
            trusted_paths=tuple(str(Path(path).expanduser()) for path in self.app.trusted_repositories),
        )
        self.hub = open_server(settings, self.house)
        self.mcp = McpEndpoint(self.house)
        settings["agor_mcp"] = McpMount(self.mcp, lambda actor: {CALLER: Caller(actor)})
        self.forget_kernels: Callable[[], None] = _nothing

    # --- how agents are launched -------------------------------------------

    def _engine_parts(self) -> EngineParts:
        data = self.places.paths.data_dir
        launch = Launch(
            log_path=lambda session_id, run_id: str(data / "sessions" / session_id / run_id / "events.jsonl"),
            socket_path=self.executor.socket_path,
            orphan_hours=self.app.orphan_hours,
            idle_seconds=self.app.idle_minutes * 60,
        )
        return EngineParts(
            log=self.store.log,
            executor=self.executor,
            checkpoints=EngineCheckpoints(self.git),
            worktree=self._worktree,
            session_spec=self._session_spec,
            capabilities=lambda kind: self._kind(kind).capabilities,
            clock=self.clock,
            new_id=new_id,
            launch=launch,
            tools=self.tools,
            limits=Limits(self.app.max_running_sessions, self.app.max_running_sessions_per_user),
        )

    def _kind(self, name: str) -> AgentKind:
        return self.house.agents.kind(name) if self.house.agents.has(name) else registry.get(name)

    def _title(self, kind: str) -> str:
        """Give what people call an agent; of one that is here no longer only its kind is known."""
        return self.house.agents.kind(kind).title if self.house.agents.has(kind) else kind

    async def _worktree(self, worktree_id: WorktreeId) -> Worktree | None:
        return await self.store.records.worktrees.get(worktree_id)

    async def _session_spec(self, session: Session, worktree: Worktree) -> SessionSpec:
        agents.require_here(self.house, session.agent)
        by_name = named_agents.options_of(self.house, session.agent)
        options = by_name if by_name is not None else self.app.agent_options.get(session.agent, {})
        state = self.places.paths.data_dir / "agents" / session.agent / folder_of(session.owner)
        make_private_path(state)
        kind = self._kind(session.agent)
        extra = self.app.agent_environment.get(session.agent, {})
        trusted = await trust.check_start(self.house, kind, worktree)
        # Agents run git by themselves: where nobody trusts the repository, theirs runs no more than ours.
        git = {} if trusted else await self.git.repos.harmless_variables(worktree.path)
        takes_servers = kind.capabilities.mcp
        servers = await mcp_servers.of_session(self.house, session, worktree.repo_id) if takes_servers else ()
        # The owner's, whoever prompts: the session acts in their name.
        own = await credentials.for_session(self.house, session.owner, kind, servers)
        theirs = await variables.of_person(self.house, session.owner, session.agent)
        environment = {**allowed_environment(os.environ, kind.variables), **theirs, **extra, **git}
        return SessionSpec(
            session_id=session.id,
            worktree=worktree.path,
            mode=session.mode,
            model=session.model,
            effort=session.effort,
            native_ref=session.native_ref,
            fork=session.fork if not session.native_ref else None,
            mcp_servers=mcp_servers.as_passed(servers),
            environment=with_own(kind, environment, own),
            credentials=tuple(own),
            state_dir=str(state),
            tools=specs(own=True) if kind.capabilities.house_tools else (),
            options=options,
            trusted=trusted,
        )

    def _visible(self) -> dict[str, str]:
        """What a probe may look at: the allow-list, and what some kind declares."""
        names = [name for kind in self.kinds.values() for name in kind.variables]
        extra = [item for kind in self.app.agent_environment.values() for item in kind.items()]
        return {**allowed_environment(os.environ, names), **dict(extra)}

    # --- start and stop ----------------------------------------------------

    async def start(self) -> None:
        """Heal what a crash left, go on with the work, then let the readers follow."""
        # The first thing that runs on the loop, before any request: jupyter-collaboration, which loads
        # after us, has its table of rooms by now.
        self.boards.register()
        await self.boards.start()
        for wrong in await named_agents.load(self.house, self.app.acp_agents):
            logger.error(wrong)
        if self.house.read_only:
            logger.warning("agor-jupyter is read-only here: %s", self.house.read_only)
        else:
            healed = await reconcile(self.house)
            logger.info("mended at start: %s", healed)
            await self.store.tokens.revoke_all(kernels.PURPOSE)  # their kernels ended with their server
            await self._hide_from_git()
            await self.transcripts.start()
            await self.engine.recover()
        await self.mirror.start()
        if self.app.demo_dir and not self.house.read_only:
            await seed.plant(self.house, self.boards, self.app.demo_dir, self.app.demo_agent)

    async def _hide_from_git(self) -> None:
        """Keep our folders out of a repository that `root_dir` lies in."""
        paths = self.places.paths
        root = paths.root_dir
        if root is None or not paths.worktrees_root.is_relative_to(root):
            return
        try:
            top = (await self.git.repos.inspect(str(root))).top
            await self.git.repos.exclude(top, str(paths.worktrees_root.parent))
        except AgorError:
            return  # root_dir is in no repository

    async def stop(self) -> None:
        """Close in the order of the shelves, readers after the writer."""
        self.forget_kernels()
        await self.hub.close()
        await self.mcp.close()
        working = await self.engine.close(cast(OnStop, self.app.on_server_stop))
        if working:
            logger.warning(
                "%d agents go on without the server; `jupyter agor runners list` shows them and "
                "`jupyter agor runners stop` ends them.",
                len(working),
            )
        if not self.house.read_only:
            await self.transcripts.close()
        await self.mirror.close()
        await self.boards.close()
        await self.git.close()
        await self.store.close()

    def is_working(self) -> bool:
        return self.engine.is_working()
