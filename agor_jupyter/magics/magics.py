"""`%agor` and `%%agor`, registered with IPython: the thin part that asks, follows and paints.

Which words mean what is `parse`, which session is meant `choose` and `desk`, what is shown `fold`.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from contextlib import aclosing
from typing import Any

from IPython import get_ipython
from IPython.core.completer import SimpleCompletion, context_matcher
from IPython.core.magic import no_var_expand

from agor_jupyter.client.api import Api
from agor_jupyter.client.errors import ClientError, Unreachable
from agor_jupyter.client.stream import Follower
from agor_jupyter.magics import lines
from agor_jupyter.magics.choose import recorded_task
from agor_jupyter.magics.complete import complete
from agor_jupyter.magics.desk import Desk
from agor_jupyter.magics.display import AgorError, Interrupted, Painter
from agor_jupyter.magics.fold import Fold
from agor_jupyter.magics.parse import CellOptions, UsageError, parse_cell, parse_line
from agor_jupyter.magics.transform import transform

DRAIN_SECONDS = 10.0

_UNDONE = {
    "error": "the turn failed.",
    "interrupted": "somebody stopped the agent.",
    "removed": "somebody took the prompt out of the queue.",
}

_desk = Desk()


def load(shell: Any) -> None:
    """Register both magics, the async cell and completion. Loading twice changes nothing."""
    shell.register_magic_function(_line_magic, "line", "agor")
    shell.register_magic_function(_cell_magic, "cell", "agor")
    if transform not in shell.input_transformers_cleanup:
        shell.input_transformers_cleanup.append(transform)
    completer = getattr(shell, "Completer", None)
    if completer is not None and _matcher not in completer.custom_matchers:
        completer.custom_matchers.append(_matcher)


@no_var_expand
def _line_magic(line: str) -> None:
    """Ask Agor: `%agor help` lists what can be said."""
    try:
        lines.perform(_desk, parse_line(line))
        _desk.names()  # read in the background, for the completion of the next line
    except (UsageError, ClientError) as error:
        raise _told(error) from None


@no_var_expand
def _cell_magic(line: str, cell: str) -> None:
    """Send a cell to an agent: %%agor [SESSION | -w WORKTREE] [--agent AGENT] [--mode MODE]

    Used where a cell cannot be awaited; elsewhere `transform` has made it an `await`.
    """
    loop = asyncio.new_event_loop()
    job = loop.create_task(run(line, cell))
    ended: list[BaseException] = []
    done = threading.Event()  # an interrupted `Thread.join` of Python 3.11 takes the thread for ended

    def work() -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_until_complete(job)
        except BaseException as error:  # carried to the thread that waits, which raises it
            ended.append(error)
        finally:
            loop.close()
            done.set()

    # The cell's context goes along: ipykernel finds in it which cell an output belongs to.
    thread = threading.Thread(target=contextvars.copy_context().run, args=(work,), name="agor-cell")
    thread.start()
    while not done.is_set():
        try:
            done.wait(0.1)
        except KeyboardInterrupt:
            loop.call_soon_threadsafe(job.cancel)
    if ended:
        raise ended[0] from None


async def run(line: str, cell: str) -> None:
    """Send a cell's prompt and show what becomes of it, until it ends.

    An interrupt stops the agent and raises `Interrupted`; a second one leaves at once. What goes
    wrong is an `AgorError`, one line. The turn goes on at the server whatever happens here.
    """
    ticking = asyncio.create_task(_tick())
    try:
        options, prompt = parse_cell(line), cell.strip("\n")
        await _send(options, prompt, _cell_id())
    except asyncio.CancelledError:
        raise Interrupted("interrupted; nothing was sent.") from None
    except (UsageError, ClientError) as error:
        if isinstance(error, Unreachable):
            _desk.forget()
        raise _told(error) from None
    finally:
        ticking.cancel()


def _told(error: UsageError | ClientError) -> AgorError:
    return AgorError(str(error))


def _cell_id() -> str | None:
    """Name the cell that is running, where the front end says so."""
    kernel = getattr(get_ipython(), "kernel", None)
    parent = kernel.get_parent("shell") if kernel is not None else {}
    found = (parent.get("metadata") or {}).get("cellId")
    return found if isinstance(found, str) else None


async def _send(options: CellOptions, prompt: str, cell_id: str | None) -> None:
    if not prompt.strip():
        raise UsageError("Write the prompt below the %%agor line.")
    recorded = await asyncio.to_thread(_desk.recorded, cell_id) if recorded_task(cell_id) else None
    plain_cell = options == CellOptions()
    if recorded is not None and plain_cell and str(recorded["prompt"]).strip() == prompt.strip():
        print("This prompt is recorded in this cell already: nothing was sent. Edit it to send it anew.")
        return
    session = await asyncio.to_thread(_desk.session_for, options, recorded, prompt)
    api, session_id = _desk.api, str(session["id"])
    sending = asyncio.ensure_future(asyncio.to_thread(api.prompt, session_id, prompt))
    stopped = False
    try:
        await asyncio.shield(sending)
    except asyncio.CancelledError:
        stopped = True  # the prompt may be at the server already: it is stopped below, by its id
    await _show(api, Fold(session_id, str((await sending)["id"])), stopped)


async def _show(api: Api, fold: Fold, stopped: bool) -> None:
    painter = Painter(fold)
    try:
        if not stopped:
            await _follow(api, fold, painter)
    except asyncio.CancelledError:
        stopped = True
    finally:
        painter.paint()
    if stopped:
        await _stop(api, fold, painter)
        raise Interrupted("interrupted; the agent was stopped.")
    if fold.state in _UNDONE:
        # An error, so that the cells below do not run as if this had been done.
        raise AgorError(f"{_UNDONE[fold.state]} {fold.usage.get('error', '')}")


async def _tick() -> None:
    """Wake the loop five times a second, so that an interrupt is noticed while an agent is silent.

    The system may hand a signal to any of the kernel's threads; Python's handler runs in the main
    one, which an idle loop does not leave its `select` for (seen with ipykernel 7.4).
    """
    while True:  # noqa: ASYNC110  # there is nothing to wait for: the waking is the point
        await asyncio.sleep(0.2)


async def _follow(api: Api, fold: Fold, painter: Painter) -> None:
    follower = Follower(api.http, fold.session, after_seq=fold.seq, task_id=fold.task)
    async with aclosing(follower.events()) as events:
        async for event in events:
            if fold.feed(event):
                painter.changed()
            if fold.over:
                return


async def _stop(api: Api, fold: Fold, painter: Painter) -> None:
    """Stop the agent, then show its last words."""
    try:
        # Shielded: a second interrupt ends the waiting, not the stopping.
        await asyncio.shield(asyncio.to_thread(_halt, api, fold))
        async with asyncio.timeout(DRAIN_SECONDS):
            await _follow(api, fold, painter)
    except ClientError as error:
        raise AgorError(f"interrupted, but the agent could not be told: {error}") from None
    except TimeoutError:
        raise Interrupted("interrupted; the agent was told to stop and has not ended yet.") from None
    except asyncio.CancelledError:
        raise Interrupted("interrupted twice; the agent was told to stop.") from None
    finally:
        painter.paint()


def _halt(api: Api, fold: Fold) -> None:
    """Take a prompt back that still waits, else interrupt: never what another person's prompt does."""
    if fold.state == "queued":
        try:
            api.remove_task(fold.task)
            return
        except ClientError as error:
            if error.status != 409:
                raise
            # It has started meanwhile.
    api.interrupt(fold.session)


@context_matcher(identifier="agor", priority=200)  # type: ignore[untyped-decorator]  # IPython's
def _matcher(context: Any) -> dict[str, Any]:
    line = context.text_until_cursor.rpartition("\n")[2]
    found = complete(line, _desk.names() if "agor" in line else {})
    if found is None:
        return {"completions": []}
    fragment, items = found
    completions = [SimpleCompletion(text=item, type="agor") for item in items]
    return {"completions": completions, "matched_fragment": fragment, "suppress": True}
