"""The one place where git is started: argument lists only, off the event loop, guarded.

Every command runs in the top folder of a checkout that was verified first (`layout.locate`), with
an allow-listed environment, hooks and fsmonitor off, the repository's own filters overridden
(`guard`), a deadline and a bound on its output. Not for what the answers mean; see `parse`.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from agor_jupyter.domain.errors import AgorError, GitFailed, GitMissing, NotFound, StorageFull, TimedOut
from agor_jupyter.git import guard
from agor_jupyter.git.disk import is_full
from agor_jupyter.git.environment import (
    configuration_flags,
    configuration_variables,
    environment_for_git,
)
from agor_jupyter.git.layout import GitFolders, above, locate
from agor_jupyter.git.lock import RepoLocks
from agor_jupyter.git.process import Ended, run_to_end

OLDEST_GIT = (2, 31)
_DEFAULT_TIMEOUT_SECONDS = 60.0
_DEFAULT_BYTES = 64 << 20
_PROCESSES_AT_ONCE = 8
_SHOWN_LINES = 5
_WROTE_NOT = re.compile(r"unable to write|write error|failed to write")
"""git does not always say why it could not write."""
_CREDENTIALS = re.compile(r"://[^/@\s]+@")


@dataclass(frozen=True)
class Output:
    """What a git command printed. `text` keeps bytes that are no UTF-8 as surrogates."""

    code: int
    stdout: bytes
    stderr: str

    @property
    def text(self) -> str:
        return self.stdout.decode("utf-8", "surrogateescape")

    @property
    def line(self) -> str:
        return self.text.strip()


class Git:
    """Runs git for one event loop. `state_dir` is a private folder that outlives the server."""

    def __init__(
        self, state_dir: Path, *, environment: Mapping[str, str] | None = None, program: str = "git"
    ) -> None:
        self._environment = environment_for_git(os.environ if environment is None else environment)
        self._program = program
        self._slots = asyncio.Semaphore(_PROCESSES_AT_ONCE)
        self._looked: dict[tuple[Path, ...], tuple[guard.Stamp, tuple[guard.Setting, ...]]] = {}
        self._version: tuple[int, int] | None = None
        self.state_dir = state_dir
        self.locks = RepoLocks(state_dir / "locks")

    async def run(
        self,
        *args: str,
        cwd: str | Path,
        stdin: bytes | None = None,
        environment: Mapping[str, str] | None = None,
        ok: Collection[int] = (0,),
        timeout_seconds: float = _DEFAULT_TIMEOUT_SECONDS,
        max_bytes: int = _DEFAULT_BYTES,
        keep_lock: int | None = None,
    ) -> Output:
        """Run `git *args` in the checkout whose top folder is `cwd`.

        `environment` adds variables; `ok` lists the exit codes that are answers. `keep_lock` is a
        descriptor of `RepoLocks.hold` that git shall hold as long as it runs.
        Raises `NotFound` or `NotARepository` (see `locate`), `GitMissing`, `GitFailed`,
        `StorageFull` and `TimedOut`.
        """
        folders = locate(cwd)
        settings = await self.settings(folders, cwd)
        if guard.files_elsewhere(settings, folders, cwd):
            raise GitFailed(
                f"The worktree {cwd} says that its files are elsewhere (core.worktree).",
                hint="Unset core.worktree in its configuration (.git/config, config.worktree).",
            )
        unsafe = guard.unsafe_to_read(settings)
        if unsafe:
            raise GitFailed(
                f"This partial clone runs a program of its own when it is read: {', '.join(unsafe)}.",
                hint="Remove the setting, or move it to your own ~/.gitconfig if you trust it.",
            )
        added = configuration_variables(guard.overrides(settings)) | dict(environment or {})
        # git must not look above the folder if `.git` vanishes in this moment.
        added["GIT_CEILING_DIRECTORIES"] = above(cwd)
        return await self._run(
            args, cwd, added, stdin, ok, timeout_seconds, max_bytes, () if keep_lock is None else (keep_lock,)
        )

    async def look(self, *args: str, cwd: str | Path, ok: Collection[int] = (0,)) -> Output:
        """Run a command that only reads names, in any folder; git may look upwards.

        For finding out what a folder is, before `run` may be used in it.
        """
        return await self._run(args, cwd, {}, None, ok, _DEFAULT_TIMEOUT_SECONDS, _DEFAULT_BYTES, ())

    async def settings(self, folders: GitFolders, cwd: str | Path) -> tuple[guard.Setting, ...]:
        """Give the configuration in force for `cwd`, if the repository's own part could run anything."""
        files = guard.config_files(folders)
        stamp = guard.stamp(files)
        known = self._looked.get(files)
        if known is not None and known[0] == stamp:
            return known[1]
        found: tuple[guard.Setting, ...] = ()
        lasting = True
        if guard.needs_a_look(files):
            listing = await self.look("config", "--list", "--show-scope", "-z", cwd=cwd)
            found = tuple(guard.read_settings(listing.text))
            lasting = not guard.includes_others(files)
        if lasting:
            self._looked[files] = (stamp, found)
        return found

    async def version(self) -> tuple[int, int]:
        """Give git's version; raise `GitMissing` when there is none or it is too old."""
        if self._version is None:
            output = await self._run(("version",), "/", {}, None, (0,), 10.0, 4096, (), check_version=False)
            found = re.search(r"(\d+)\.(\d+)", output.text)
            version = (int(found[1]), int(found[2])) if found else (0, 0)
            if version < OLDEST_GIT:
                raise GitMissing(
                    f"git {version[0]}.{version[1]} is too old.",
                    hint="Install git 2.31 or newer.",
                    version=version,
                )
            self._version = version
        return self._version

    async def _run(
        self,
        args: tuple[str, ...],
        cwd: str | Path,
        added: Mapping[str, str],
        stdin: bytes | None,
        ok: Collection[int],
        timeout_seconds: float,
        max_bytes: int,
        keep_open: tuple[int, ...],
        *,
        check_version: bool = True,
    ) -> Output:
        if check_version and self._version is None:
            await self.version()
        verb = _verb(args)
        argv = [self._program, "--no-pager", *configuration_flags(), *args]
        try:
            async with self._slots:
                ended = await run_to_end(
                    argv,
                    cwd=str(cwd),
                    environment={**self._environment, **added},
                    stdin=stdin,
                    timeout_seconds=timeout_seconds,
                    max_bytes=max_bytes,
                    keep_open=keep_open,
                )
        except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
            raise _not_started(cwd, error) from error
        except TimeoutError:
            raise TimedOut(
                f"git {verb} was stopped after {timeout_seconds:g} s.",
                hint="Try again; a very large repository or a slow disk may need it.",
                command=verb,
            ) from None
        if ended.cut:
            raise GitFailed(f"git {verb} printed more than {max_bytes >> 20} MB.", hint="", command=verb)
        output = Output(ended.code, ended.stdout, _words(ended))
        if ended.code not in ok:
            raise failure(verb, output, full=_WROTE_NOT.search(output.stderr) is not None and is_full(cwd))
        return output


def _not_started(cwd: str | Path, error: OSError) -> AgorError:
    if not Path(cwd).is_dir():
        return NotFound(
            f"The folder {cwd} is gone.", hint="Put it back, or archive its record.", path=str(cwd)
        )
    if isinstance(error, PermissionError):
        return GitFailed(f"git cannot be started in {cwd}: {error.strerror}.", hint="Check the permissions.")
    return GitMissing("git is not installed.", hint="Install git 2.31 or newer and put it on the PATH.")


def _words(ended: Ended) -> str:
    return _CREDENTIALS.sub("://…@", ended.stderr.decode("utf-8", "backslashreplace"))


def _verb(args: tuple[str, ...]) -> str:
    settings = 0
    while args[settings] == "-c":
        settings += 2
    return args[settings]


def failure(command: str, output: Output, *, full: bool = False) -> AgorError:
    """Make the error of a command that failed, with git's own last lines and no credentials."""
    lines = [line for line in output.stderr.splitlines() if line.strip() and not line.startswith("hint:")]
    said = "\n".join(lines[-_SHOWN_LINES:])[:2000] or f"exit code {output.code}"
    if full or "No space left on device" in output.stderr or "Disk quota exceeded" in output.stderr:
        return StorageFull(f"git {command}: {said}", hint="Free some space and try again.", command=command)
    return GitFailed(f"git {command}: {said}", hint=_hint(output.stderr), command=command, code=output.code)


def _hint(stderr: str) -> str:
    if "dubious ownership" in stderr:
        return "Another user owns this repository: see `safe.directory` in git's documentation."
    if ".lock': File exists" in stderr:
        return "Another git process works here; if none does, remove the lock file that is named."
    if "Permission denied" in stderr:
        return "The server's user may not write there."
    return ""
