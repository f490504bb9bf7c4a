"""What the house answers beyond the domain's own records."""

from __future__ import annotations

from typing import Literal

from agor_jupyter.agents.base import Capabilities
from agor_jupyter.domain.content import Mode
from agor_jupyter.domain.events import PermissionRequest, PermissionResolved
from agor_jupyter.domain.ids import RepoId, RequestId, SessionId, TaskId, UserId, WorktreeId
from agor_jupyter.domain.mcp_server import OwnServer, Scope
from agor_jupyter.domain.model import Value
from agor_jupyter.domain.ports import AgentState
from agor_jupyter.domain.repo import FileDiff
from agor_jupyter.domain.user import Person, Role


class AgentInfo(Value):
    """A kind of agent, and whether it can be used here now.

    `models` and `model_labels` are what the person's last session of the kind told, then what is known
    without one; `efforts` what is known, else what was told.
    """

    kind: str
    title: str
    installed: bool
    version: str = ""
    authenticated: bool | None = None
    hint: str = ""
    models: tuple[str, ...] = ()
    model_labels: dict[str, str] = {}
    default_model: str = ""
    efforts: tuple[str, ...] = ()
    modes: tuple[Mode, ...] = ()
    capabilities: Capabilities
    named: Literal["panel", "setting"] | None = None
    """An agent by command line: an admin added it in the panel, or a setting of the server names it."""


class Me(Value):
    """Who asks, and what they may do. `read_only` says why nothing can be changed, or is empty."""

    person: Person
    role: Role
    named_users: bool
    permissions: dict[str, tuple[str, ...]]
    read_only: str = ""
    data_dir_note: str = ""


class Minted(Value):
    """A token for an outside client: shown once, kept nowhere."""

    token: str


class CredentialInfo(Value):
    """A credential of one's own: who uses it, and since when it is set (None: it is not). Never its value."""

    name: str
    set_ms: int | None = None
    agents: tuple[str, ...] = ()
    servers: tuple[str, ...] = ()


class SessionServer(Value):
    """A tool server that one session finds: where it comes from, and whether the next start gets it.

    `scope`: everywhere, in the repository, or this session alone. `switched`: on or off for this session,
    whatever it is elsewhere. `running`: the agent that is up started with it; `trouble` is what it told of
    it ("": of none). `server` is for its owner alone: nobody else sees more than its name.
    """

    name: str
    scope: Scope
    enabled: bool
    switched: bool = False
    running: bool = False
    trouble: str = ""
    server: OwnServer | None = None


class SessionServers(Value):
    """The tool servers of a session's owner, as this session finds them.

    `takes`: its agent takes any; if not, `note` says why. `agent`: whether it is up. What is changed counts
    from its next start. `mine`: whoever asks owns them.
    """

    session_id: SessionId
    owner: UserId
    mine: bool
    takes: bool
    note: str = ""
    agent: AgentState
    items: tuple[SessionServer, ...] = ()


class Suggestion(Value):
    """A repository that could be added."""

    path: str
    name: str


TrustState = Literal["untrusted", "trusted", "changed"]


class TrustItem(Value):
    """Something that a repository brings along, and what it does, in a sentence.

    `active`: trust switches it on. `runs`: it can name programs that are then run. `places` are the checkouts
    that have it: the repository's own folder by its name, and worktrees by theirs. `lab_paths` are what
    JupyterLab calls the file, once for each different content; none for a folder, or where it shows none.
    """

    path: str
    effect: str
    runs: bool = False
    active: bool = True
    places: tuple[str, ...] = ()
    lab_paths: tuple[str, ...] = ()


class RepoTrust(Value):
    """Whether agents may read a repository's instructions and settings, and what that would switch on.

    `changed`: it was trusted, and something else lies there now. `by_setting`: a setting of the server trusts
    it. `digest` names this very list. `complete` is False where there are too many folders to look into.
    """

    repo_id: RepoId
    state: TrustState
    by_setting: bool = False
    trusted_by: UserId | None = None
    trusted_ms: int | None = None
    items: tuple[TrustItem, ...] = ()
    digest: str
    complete: bool = True


class Branch(Value):
    """A local branch. `checked_out` is the folder that has it checked out."""

    name: str
    sha: str
    checked_out: str | None = None


class Diff(Value):
    against: str
    files: tuple[FileDiff, ...] = ()


class PermissionRecord(Value):
    """A request of an agent and, once somebody answered, the answer."""

    id: RequestId
    session_id: SessionId
    task_id: TaskId | None
    worktree_id: WorktreeId
    at_ms: int
    request: PermissionRequest
    resolved: PermissionResolved | None = None


class TranscriptPlace(Value):
    """Where a session's notebook is. `lab_path` is None where JupyterLab cannot open it."""

    path: str
    lab_path: str | None = None
    url: str | None = None


class Removed(Value):
    """What kind of thing was taken out of a text, and how often."""

    what: str
    count: int


class SessionScript(Value):
    """A session as a script (YAML). `notes` say what of it is not played as it was; `name` is for a file."""

    name: str
    script: str
    removed: tuple[Removed, ...] = ()
    notes: tuple[str, ...] = ()


class Dropped(Value):
    """Where a card lies now, and the zone it lies in."""

    card_id: str
    pos: tuple[float, float]
    zone_id: str | None = None
