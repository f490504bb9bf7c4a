"""Who may do what: the one table of verbs, used by the verbs, the routes, the docs and the tests.

Jupyter's Authorizer is asked for `(action, resource)` first; `narrowed` verbs then ask whether the
actor owns the thing (or is an admin of its resource). Nothing here widens what Jupyter grants.
"""

from __future__ import annotations

from dataclasses import dataclass

from agor_jupyter.domain.errors import Forbidden
from agor_jupyter.domain.ids import UserId
from agor_jupyter.domain.user import Action, Actor, Resource


@dataclass(frozen=True)
class Rule:
    """What a verb asks. `narrowed`: also to own the thing, or to be an admin."""

    action: Action
    resource: Resource
    narrowed: bool = False


READ_BOARDS = Rule("read", "agor:boards")
READ_SESSIONS = Rule("read", "agor:sessions")
READ_SETTINGS = Rule("read", "agor:settings")
RULE_SERVER = Rule("admin", "agor:settings")
READ_WORKTREES = Rule("read", "agor:worktrees")
WORK = Rule("execute", "agor:sessions")
WRITE_BOARDS = Rule("write", "agor:boards")
WRITE_WORKTREES = Rule("write", "agor:worktrees")

RULES: dict[str, Rule] = {
    "agents.probe": READ_SESSIONS,
    # A command line that this server runs: for who may do anything on it.
    "named_agents.browse": RULE_SERVER,
    "named_agents.presets": READ_SESSIONS,
    "named_agents.create": RULE_SERVER,
    "named_agents.change": RULE_SERVER,
    "named_agents.remove": RULE_SERVER,
    "people.who": READ_SETTINGS,
    # What is one's own (a display name, how a panel looks) needs no more than to be let in.
    "people.rename": READ_SETTINGS,
    "people.mint_token": READ_SETTINGS,
    "people.revoke_tokens": READ_SETTINGS,
    "people.settings": READ_SETTINGS,
    "people.change_settings": READ_SETTINGS,
    # One's own alone, an admin's no more than anybody's: there is nothing to narrow.
    "credentials.browse": Rule("read", "agor:credentials"),
    "credentials.set": Rule("write", "agor:credentials"),
    "credentials.remove": Rule("write", "agor:credentials"),
    "mcp_servers.browse": Rule("read", "agor:credentials"),
    "mcp_servers.show": Rule("read", "agor:credentials"),
    "mcp_servers.create": Rule("write", "agor:credentials"),
    "mcp_servers.change": Rule("write", "agor:credentials"),
    "mcp_servers.delete": Rule("write", "agor:credentials"),
    # Others see which there are; who owns the session sees what they are, and switches them.
    "session_servers.show": READ_SESSIONS,
    "session_servers.switch": Rule("write", "agor:credentials"),
    "repos.browse": READ_WORKTREES,
    "repos.show": READ_WORKTREES,
    "repos.branches": READ_WORKTREES,
    "repos.suggest": READ_WORKTREES,
    "repos.add": WRITE_WORKTREES,
    "repos.rename": WRITE_WORKTREES,
    "repos.trust_preview": READ_WORKTREES,
    "repos.trust": Rule("write", "agor:worktrees", narrowed=True),
    "repos.delete": Rule("write", "agor:worktrees", narrowed=True),
    "worktrees.browse": READ_WORKTREES,
    "worktrees.show": READ_WORKTREES,
    "worktrees.status": READ_WORKTREES,
    "worktrees.checkpoints": READ_WORKTREES,
    "worktrees.diff": READ_WORKTREES,
    "worktrees.create": WRITE_WORKTREES,
    "worktrees.change": WRITE_WORKTREES,
    "worktrees.delete": Rule("write", "agor:worktrees", narrowed=True),
    "sessions.browse": READ_SESSIONS,
    "sessions.show": READ_SESSIONS,
    "sessions.script": READ_SESSIONS,
    "sessions.create": WORK,
    "sessions.fork": WORK,  # and, for a new worktree, what `worktrees.create` asks
    "sessions.change": Rule("execute", "agor:sessions", narrowed=True),
    "sessions.set_status_line": Rule("execute", "agor:sessions", narrowed=True),
    "sessions.interrupt": WORK,
    "sessions.resume": WORK,
    "sessions.steer": WORK,
    "sessions.close_agent": Rule("execute", "agor:sessions", narrowed=True),
    "tasks.browse": READ_SESSIONS,
    "tasks.show": READ_SESSIONS,
    "tasks.prompt": WORK,
    "tasks.change": WORK,
    # Another's words stay another's: who wrote a prompt edits it and takes it back, or an admin.
    "tasks.rewrite": Rule("execute", "agor:sessions", narrowed=True),
    "tasks.remove": Rule("execute", "agor:sessions", narrowed=True),
    "events.page": READ_SESSIONS,
    "events.follow": READ_SESSIONS,
    "transcripts.show": READ_SESSIONS,
    "transcripts.rebuild": WORK,
    "permissions.browse": READ_SESSIONS,
    "permissions.show": READ_SESSIONS,
    "permissions.answer": WORK,
    "boards.browse": READ_BOARDS,
    "boards.show": READ_BOARDS,
    "boards.create": WRITE_BOARDS,
    "boards.change": WRITE_BOARDS,
    "boards.delete": Rule("write", "agor:boards", narrowed=True),
    "boards.drop": WRITE_BOARDS,
    "house.describe": READ_SETTINGS,
}


def admit(actor: Actor, verb: str) -> None:
    """Raise `Forbidden` unless the actor holds what the verb asks. For `narrowed`, see `admit_owner`."""
    rule = RULES[verb]
    actor.require(rule.action, rule.resource)


def admit_in_person(actor: Actor, verb: str) -> None:
    """As `admit`, and only for who is at the panel.

    A token lies where an agent or a notebook's code can read it: neither may name a person's secrets,
    replace them, or add a server that they would be sent to.
    """
    admit(actor, verb)
    if actor.via != "panel":
        raise Forbidden("A token does not reach a person's credentials.", hint="Do it in the panel.")


def admit_owner(actor: Actor, verb: str, owner: UserId) -> None:
    """Raise `Forbidden` unless the actor holds what the verb asks and owns the thing (or is an admin)."""
    rule = RULES[verb]
    actor.require(rule.action, rule.resource)
    if rule.narrowed:
        actor.require_owner(owner, rule.resource)
