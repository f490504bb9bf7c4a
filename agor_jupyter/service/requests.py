"""What may be asked of the house: the bodies of the verbs that change something.

They are shapes only. Whether a thing exists, or may be done, is the verb's to say.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr, StringConstraints
from pydantic_core import PydanticCustomError

from agor_jupyter.domain.asking import ANSWER_CHARS
from agor_jupyter.domain.content import Attachment, Mode
from agor_jupyter.domain.mcp_server import Scope, Transport
from agor_jupyter.domain.model import Value


def _in_words(pattern: str, words: str) -> BeforeValidator:
    """Say in words what a pattern wants: people read the refusal in a dialog."""

    def check(value: object) -> object:
        if isinstance(value, str) and not re.search(pattern, value):
            raise PydanticCustomError("name", "use {words}", {"words": words})
        return value

    return BeforeValidator(check)


_SERVER_NAME = r"^[A-Za-z][A-Za-z0-9_-]{0,39}$"
_AGENT_NAME = r"^[a-z][a-z0-9-]{0,30}$"

Short = Annotated[str, StringConstraints(max_length=200)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
Ref = Annotated[str, StringConstraints(max_length=250)]
Url = Annotated[str, StringConstraints(max_length=2000)]
Path = Annotated[str, StringConstraints(min_length=1, max_length=4096)]
PROMPT_LIMIT = 2**20
"""Characters of a prompt: a mebibyte of text fits, whatever its letters are."""

PromptText = Annotated[str, StringConstraints(min_length=1, max_length=PROMPT_LIMIT)]
Word = Annotated[str, StringConstraints(max_length=4096)]
Words = Annotated[dict[Annotated[str, StringConstraints(max_length=100)], Word], Field(max_length=100)]
ServerName = Annotated[
    str,
    StringConstraints(pattern=_SERVER_NAME),
    _in_words(_SERVER_NAME, "letters, digits, dashes and underscores, beginning with a letter; at most 40"),
]
Coordinate = Annotated[float, Field(ge=-1e7, le=1e7, allow_inf_nan=False)]
Place = tuple[Coordinate, Coordinate]


class AddRepo(Value):
    """Take a repository of this machine into the house. `url` is not supported yet."""

    path: Path | None = None
    url: Url | None = None
    name: Name | None = None


class RenameRepo(Value):
    name: Name


class TrustRepo(Value):
    """Trust a repository as it was shown (`digest` names the list), or trust it no longer."""

    trusted: bool
    digest: Short = ""


class CreateWorktree(Value):
    """A new linked worktree: `branch` defaults to `name`, `base` to the repository's default branch."""

    repo_id: Short
    name: Annotated[str, StringConstraints(max_length=300)]
    branch: Ref | None = None
    base: Ref | None = None
    create_branch: bool = True
    board_id: Short | None = None
    pos: Place | None = None
    issue_url: Url = ""
    pull_request_url: Url = ""
    notes: Annotated[str, StringConstraints(max_length=20_000)] = ""


class ChangeWorktree(Value):
    """What is left out stays as it was."""

    board_id: Short | None = None
    issue_url: Url | None = None
    pull_request_url: Url | None = None
    notes: Annotated[str, StringConstraints(max_length=20_000)] | None = None


class CreateSession(Value):
    worktree_id: Short
    agent: Short
    title: Short = ""
    model: Short = ""
    mode: Mode = "ask"
    effort: Short = ""
    mcp_servers: Annotated[tuple[ServerName, ...], Field(max_length=100)] | None = None
    """The names of one's own MCP servers that it gets; left out: those that are switched on."""
    prompt: PromptText | None = None


class ForkSession(Value):
    """Branch off before or after a task (the last one), in the parent's worktree or one at its files of then.

    `replay`: where the agent itself cannot branch there, it may be given a transcript instead.
    `agent`: go on with another kind, which is always given one; its model and effort are its own defaults.
    """

    at_task: Short | None = None
    position: Literal["before", "after"] = "after"
    worktree: Literal["same", "new"] = "new"
    title: Short = ""
    agent: Short | None = None
    prompt: PromptText | None = None
    replay: bool = True


class ChangeSession(Value):
    """What is left out stays as it was."""

    title: Name | None = None
    mode: Mode | None = None
    model: Name | None = None
    effort: Name | None = None
    archived: bool | None = None


class SendPrompt(Value):
    prompt: PromptText
    attachments: Annotated[tuple[Attachment, ...], Field(max_length=20)] = ()


class ChangeTask(Value):
    """Edit or move a prompt that still waits. `place` counts from 0 within the queue."""

    prompt: PromptText | None = None
    place: Annotated[int, Field(ge=0, le=10_000)] | None = None


class AnswerPermission(Value):
    """Choose an option, or answer the questions. `digest` binds the answer to what was seen."""

    option_id: Short | None = None
    message: Annotated[str, StringConstraints(max_length=20_000)] = ""
    answers: dict[str, Annotated[str, StringConstraints(max_length=ANSWER_CHARS)]] | None = None
    digest: Short | None = None


class CreateBoard(Value):
    name: Name


class ChangeBoard(Value):
    name: Name | None = None
    archived: bool | None = None


class DropCard(Value):
    """A card was let go at `pos`. The same `drop_id` acts once."""

    card_id: Short
    pos: Place
    drop_id: Name


class RenamePerson(Value):
    display_name: Annotated[str, StringConstraints(min_length=1, max_length=80, strip_whitespace=True)]


class SetCredential(Value):
    """A secret of one's own. It is sealed, and never shown again: not even to who has set it."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    value: Annotated[SecretStr, Field(min_length=1, max_length=20_000)]


class CreateMcpServer(Value):
    """A server of one's own, for one's sessions. Secrets only as `${NAME}`, a credential of one's own."""

    name: ServerName
    scope: Scope = "user"
    repo_id: Short | None = None
    session_id: Short | None = None
    transport: Transport = "stdio"
    command: Annotated[tuple[Word, ...], Field(max_length=100)] = ()
    url: Url = ""
    environment: Words = {}
    headers: Words = {}
    enabled: bool = True


class ChangeMcpServer(Value):
    """What is left out stays as it was; a map is replaced as a whole."""

    name: ServerName | None = None
    transport: Transport | None = None
    command: Annotated[tuple[Word, ...], Field(max_length=100)] | None = None
    url: Url | None = None
    environment: Words | None = None
    headers: Words | None = None
    enabled: bool | None = None


class SwitchMcpServer(Value):
    """Whether one session gets a server, whatever the others get."""

    name: ServerName
    enabled: bool


AgentName = Annotated[
    str,
    StringConstraints(pattern=_AGENT_NAME),
    _in_words(_AGENT_NAME, "a-z, 0-9 and dashes, beginning with a letter; at most 31"),
]
Command = Annotated[tuple[Word, ...], Field(min_length=1, max_length=100)]
Names = Annotated[tuple[Short, ...], Field(max_length=20)]


class AddNamedAgent(Value):
    """An agent by command line. The server runs it as it stands; secrets only as `${NAME}`."""

    name: AgentName
    label: Name
    command: Command
    environment: Words = {}
    credentials: Names = ()
    login: Short = ""
    modes: dict[Mode, Short] = {}


class ChangeNamedAgent(Value):
    """What is left out stays as it was; a map is replaced as a whole."""

    label: Name | None = None
    command: Command | None = None
    environment: Words | None = None
    credentials: Names | None = None
    login: Short | None = None
    modes: dict[Mode, Short] | None = None


class Nothing(Value):
    """A body without fields."""
