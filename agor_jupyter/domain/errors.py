"""What can go wrong, as one tree. An error carries its facts and says what to do next.

    AgorError
    ├── InvalidRequest        400  what was sent cannot be parsed
    ├── Forbidden             403  this person may not
    ├── NotFound              404
    ├── Conflict              409  the state forbids it
    │   ├── UnsupportedByAgent     the agent cannot do it (names the capability)
    │   ├── AgentUnavailable       not installed, not logged in
    │   ├── BranchInUse            checked out in another worktree
    │   ├── DirtyWorktree          uncommitted work would be lost
    │   ├── AlreadyAnswered        another person answered first
    │   ├── CredentialsSealed      their key is gone, or others can read it
    │   └── ReadOnly               another server holds the data folder
    ├── Unprocessable         422  it parses, but makes no sense here
    │   ├── NotARepository
    │   └── InvalidName
    ├── GitFailed             409  git refused (its own words are in `detail`)
    ├── GitMissing            409  git is not installed
    ├── RunnerLost            409  the runner or its agent is gone
    ├── TimedOut              504
    └── StorageFull           507  the disk is full; reads go on
        NewerDatabase         409  the database was written by a newer version
        DamagedDatabase       409  the database's file is damaged; it is left as it is
        NetworkFolder         409  the data folder is on a network file system

`server.errors` turns each class into a status by `status`; nothing else does.
"""

from __future__ import annotations

from typing import ClassVar


class AgorError(Exception):
    """Base of every error of the house. `detail` says what happened, `hint` what to do."""

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Something went wrong"

    def __init__(self, detail: str, *, hint: str = "", **fields: object) -> None:
        super().__init__(detail)
        self.detail = detail
        self.hint = hint
        self.fields = fields

    def problem(self) -> dict[str, object]:
        """Give the RFC 9457 members of this error."""
        return {
            "type": f"urn:agor:{type(self).__name__}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "hint": self.hint,
            **self.fields,
        }


class InvalidRequest(AgorError):
    status = 400
    title = "The request cannot be read"


class Forbidden(AgorError):
    status = 403
    title = "You may not do this"


class NotFound(AgorError):
    status = 404
    title = "There is no such thing"


class Conflict(AgorError):
    status = 409
    title = "The present state forbids this"


class UnsupportedByAgent(Conflict):
    title = "This agent cannot do that"

    def __init__(self, agent: str, capability: str, *, hint: str = "") -> None:
        super().__init__(
            f"{agent} has no {capability.replace('_', ' ')}.",
            hint=hint,
            agent=agent,
            capability=capability,
        )


class AgentUnavailable(Conflict):
    title = "The agent cannot start"


class BranchInUse(Conflict):
    title = "The branch is checked out elsewhere"


class DirtyWorktree(Conflict):
    title = "Uncommitted work would be lost"


class AlreadyAnswered(Conflict):
    title = "Somebody answered first"


class ReadOnly(Conflict):
    title = "This server is read-only"


class CredentialsSealed(Conflict):
    title = "The stored credentials cannot be used"


class GitFailed(Conflict):
    title = "git refused"


class GitMissing(Conflict):
    title = "git is not installed"


class RunnerLost(Conflict):
    title = "The runner is gone"


class NewerDatabase(Conflict):
    title = "The database is newer than this version"


class DamagedDatabase(Conflict):
    title = "The database is damaged"


class NetworkFolder(Conflict):
    title = "The data folder is on a network file system"


class Unprocessable(AgorError):
    status = 422
    title = "This makes no sense here"


class NotARepository(Unprocessable):
    title = "Not a git repository"


class InvalidName(Unprocessable):
    title = "The name is not allowed"


class TimedOut(AgorError):
    status = 504
    title = "It took too long"


class StorageFull(AgorError):
    status = 507
    title = "The disk is full"
