"""The route table: every path, what may be asked of it, with what, and what it answers.

Handlers, the OpenAPI document, `docs/reference-rest.md` and the tests of authorisation are all made
from it. A row that is missing here does not exist anywhere.
"""

from __future__ import annotations

from agor_jupyter.domain.board import Board
from agor_jupyter.domain.events import SessionEvent
from agor_jupyter.domain.ports import Page
from agor_jupyter.domain.repo import RecordedCheckpoint, Repo, Worktree, WorktreeStatus
from agor_jupyter.domain.session import Session, Task
from agor_jupyter.server import bodies, nouns, work
from agor_jupyter.server.operation import Operation, Route
from agor_jupyter.server.own_table import CREDENTIALS, NAMED_AGENTS, PEOPLE
from agor_jupyter.server.rows import get as _get
from agor_jupyter.server.rows import send as _send
from agor_jupyter.service import answers
from agor_jupyter.service import requests as asked

REPOS = (
    Route(
        "/repos",
        (
            _get("repos.browse", nouns.list_repos, Page[Repo], "Repositories", bodies.ListQuery),
            _send("POST", "repos.add", nouns.add_repo, asked.AddRepo, Repo, "Add a repository", 201),
        ),
    ),
    Route(
        "/repos/suggestions",
        (
            _get(
                "repos.suggest",
                nouns.suggest_repos,
                Page[answers.Suggestion],
                "Repositories near the server root",
            ),
        ),
    ),
    Route(
        "/repos/{id}",
        (
            _get("repos.show", nouns.show_repo, Repo, "One repository"),
            _send("PATCH", "repos.rename", nouns.rename_repo, asked.RenameRepo, Repo, "Rename"),
            Operation("DELETE", "repos.delete", nouns.delete_repo, "Forget it; its files stay", status=204),
        ),
    ),
    Route(
        "/repos/{id}/branches",
        (_get("repos.branches", nouns.list_branches, Page[answers.Branch], "Local branches"),),
    ),
    Route(
        "/repos/{id}/trust",
        (
            _get("repos.trust_preview", nouns.show_trust, answers.RepoTrust, "What trust would switch on"),
            _send(
                "POST",
                "repos.trust",
                nouns.change_trust,
                asked.TrustRepo,
                answers.RepoTrust,
                "Trust it as it was shown (`digest`), or no longer; running agents keep what they have",
            ),
        ),
    ),
)

WORKTREES = (
    Route(
        "/worktrees",
        (
            _get("worktrees.browse", nouns.list_worktrees, Page[Worktree], "Worktrees", bodies.WorktreeQuery),
            _send(
                "POST",
                "worktrees.create",
                nouns.create_worktree,
                asked.CreateWorktree,
                Worktree,
                "Make a worktree; its files are there when this answers",
                201,
            ),
        ),
    ),
    Route(
        "/worktrees/{id}",
        (
            _get("worktrees.show", nouns.show_worktree, Worktree, "One worktree"),
            _send(
                "PATCH",
                "worktrees.change",
                nouns.change_worktree,
                asked.ChangeWorktree,
                Worktree,
                "Board, links, notes",
            ),
            Operation(
                "DELETE",
                "worktrees.delete",
                nouns.delete_worktree,
                "Put it away: archive or delete the record; keep, clean or delete the files, by force or not",
                Worktree,
                query=bodies.DeleteQuery,
                also_empty=True,
            ),
        ),
    ),
    Route(
        "/worktrees/{id}/status",
        (_get("worktrees.status", nouns.show_status, WorktreeStatus, "What git says of it now"),),
    ),
    Route(
        "/worktrees/{id}/checkpoints",
        (
            _get(
                "worktrees.checkpoints",
                nouns.list_checkpoints,
                Page[RecordedCheckpoint],
                "The files at the start and end of each task",
            ),
        ),
    ),
    Route(
        "/worktrees/{id}/diff",
        (
            _get(
                "worktrees.diff",
                nouns.show_diff,
                answers.Diff,
                "The files against base, head or a checkpoint",
                bodies.DiffQuery,
            ),
        ),
    ),
)

SESSIONS = (
    Route(
        "/sessions",
        (
            _get(
                "sessions.browse",
                work.list_sessions,
                Page[Session],
                "Sessions, latest first",
                bodies.SessionQuery,
            ),
            _send(
                "POST",
                "sessions.create",
                work.create_session,
                asked.CreateSession,
                Session,
                "Begin a session, with a first prompt if there is one",
                201,
            ),
        ),
    ),
    Route(
        "/sessions/{id}",
        (
            _get("sessions.show", work.show_session, Session, "One session"),
            _send(
                "PATCH",
                "sessions.change",
                work.change_session,
                asked.ChangeSession,
                Session,
                "Title, mode, model, effort, archive",
            ),
        ),
    ),
    Route(
        "/sessions/{id}/tasks",
        (
            _get("tasks.browse", work.list_tasks, Page[Task], "Tasks in the order queued", bodies.ListQuery),
            _send("POST", "tasks.prompt", work.send_prompt, asked.SendPrompt, Task, "Send a prompt", 202),
        ),
    ),
    Route(
        "/tasks/{id}",
        (
            _get("tasks.show", work.show_task, Task, "One task"),
            _send(
                "PATCH",
                "tasks.change",
                work.change_task,
                asked.ChangeTask,
                Task,
                "Edit or move a queued prompt",
            ),
            Operation("DELETE", "tasks.remove", work.remove_task, "Take a queued prompt back", Task),
        ),
    ),
    Route(
        "/sessions/{id}/interrupt",
        (
            _send(
                "POST",
                "sessions.interrupt",
                work.interrupt,
                asked.Nothing,
                Session,
                "Stop the running task",
                202,
            ),
        ),
    ),
    Route(
        "/sessions/{id}/resume",
        (
            _send(
                "POST",
                "sessions.resume",
                work.resume,
                asked.Nothing,
                Session,
                "Let a paused queue go on",
                202,
            ),
        ),
    ),
    Route(
        "/sessions/{id}/close-agent",
        (
            _send(
                "POST",
                "sessions.close_agent",
                work.close_agent,
                asked.Nothing,
                Session,
                "End an agent without a task; the next prompt starts it anew, with what was changed",
            ),
        ),
    ),
    Route(
        "/sessions/{id}/mcp-servers",
        (
            _get(
                "session_servers.show",
                work.show_session_servers,
                answers.SessionServers,
                "The owner's MCP servers as this session finds them; to others, names alone",
            ),
            _send(
                "PATCH",
                "session_servers.switch",
                work.switch_session_server,
                asked.SwitchMcpServer,
                answers.SessionServers,
                "Switch one on or off for this session; counts from its agent's next start",
            ),
        ),
    ),
    Route(
        "/sessions/{id}/steer",
        (
            _send(
                "POST",
                "sessions.steer",
                work.steer,
                asked.SendPrompt,
                Session,
                "Put words into the running turn",
                202,
            ),
        ),
    ),
    Route(
        "/sessions/{id}/forks",
        (
            _send(
                "POST",
                "sessions.fork",
                work.fork_session,
                asked.ForkSession,
                Session,
                "Branch off before or after a task; a new worktree has its files of then",
                201,
            ),
        ),
    ),
    Route(
        "/sessions/{id}/events",
        (
            Operation(
                "GET",
                "events.page",
                work.read_events,
                "Events; with Accept: application/x-ndjson it follows, one a line, a ping every 10 s",
                Page[SessionEvent],
                query=bodies.EventQuery,
                follows=True,
            ),
        ),
    ),
    Route(
        "/sessions/{id}/transcript",
        (
            _get("transcripts.show", work.show_transcript, answers.TranscriptPlace, "Where its notebook is"),
            _send(
                "POST",
                "transcripts.rebuild",
                work.rebuild_transcript,
                asked.Nothing,
                answers.TranscriptPlace,
                "Draw the notebook again from the log",
            ),
        ),
    ),
    Route(
        "/sessions/{id}/script",
        (
            _get(
                "sessions.script",
                work.make_script,
                answers.SessionScript,
                "The session as a script that plays it again, secrets taken out",
            ),
        ),
    ),
    Route(
        "/permissions",
        (
            _get(
                "permissions.browse",
                work.list_permissions,
                Page[answers.PermissionRecord],
                "What waits for an answer, oldest first",
                bodies.PermissionQuery,
            ),
        ),
    ),
    Route(
        "/permissions/{id}",
        (
            _get("permissions.show", work.show_permission, answers.PermissionRecord, "One request"),
            _send(
                "POST",
                "permissions.answer",
                work.answer_permission,
                asked.AnswerPermission,
                answers.PermissionRecord,
                "Answer once; a second answer is a 409 that names the first",
            ),
        ),
    ),
)

BOARDS = (
    Route(
        "/boards",
        (
            _get("boards.browse", nouns.list_boards, Page[Board], "Boards", bodies.ListQuery),
            _send("POST", "boards.create", nouns.create_board, asked.CreateBoard, Board, "Make a board", 201),
        ),
    ),
    Route(
        "/boards/{id}",
        (
            _get("boards.show", nouns.show_board, Board, "One board"),
            _send("PATCH", "boards.change", nouns.change_board, asked.ChangeBoard, Board, "Name, archive"),
            Operation(
                "DELETE", "boards.delete", nouns.delete_board, "Delete; its worktrees stay", status=204
            ),
        ),
    ),
    Route(
        "/boards/{id}/drops",
        (
            _send(
                "POST",
                "boards.drop",
                nouns.drop_card,
                asked.DropCard,
                answers.Dropped,
                "Let a card go at a place; the same drop_id acts once",
            ),
        ),
    ),
)

ROUTES: tuple[Route, ...] = (*PEOPLE, *NAMED_AGENTS, *CREDENTIALS, *REPOS, *WORKTREES, *SESSIONS, *BOARDS)
