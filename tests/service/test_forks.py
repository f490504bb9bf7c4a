"""A fork has its parent's words until a task and, in a new worktree, its files of then; or says why not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from agor_jupyter.agents.base import Capabilities
from agor_jupyter.domain.content import SlashCommand
from agor_jupyter.domain.errors import (
    AgentUnavailable,
    Conflict,
    Forbidden,
    ReadOnly,
    Unprocessable,
    UnsupportedByAgent,
)
from agor_jupyter.domain.ids import TaskId
from agor_jupyter.domain.repo import Worktree
from agor_jupyter.domain.session import ForkPoint, Session
from agor_jupyter.domain.user import Actor, Person, grants_of
from agor_jupyter.service import boards, forks, repos, sessions, worktrees
from agor_jupyter.service.requests import AddRepo, CreateBoard, CreateSession, CreateWorktree, ForkSession
from agor_jupyter.testing.house import StandInKind, TestHouse, actor, open_house
from tests.making import git, make_repo

OSCAR, MONA = actor("oscar"), actor("mona")
ABLE = StandInKind(kind="able", capabilities=Capabilities(fork=True, fork_at_message=True))
WHOLE = StandInKind(kind="whole", capabilities=Capabilities(fork=True))


@dataclass
class Told:
    """A session of three tasks: the first wrote x.txt, the second y.txt, the third has begun."""

    made: TestHouse
    tree: Worktree
    session: Session
    tasks: list[TaskId]

    async def fork(self, by: Actor = OSCAR, **wish: object) -> Session:
        return await forks.create(self.made.house, by, self.session.id, ForkSession.model_validate(wish))

    async def tree_of(self, session: Session) -> Worktree:
        return await worktrees.get(self.made.house, session.worktree_id)


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[TestHouse]:
    house = open_house(tmp_path, kinds=(ABLE, WHOLE))
    yield house
    await house.close()


async def told(made: TestHouse, folder: Path, agent: str = "able", *, third: bool = True) -> Told:
    house, work = made.house, made.work
    repo = await repos.add(house, OSCAR, AddRepo(path=str(make_repo(folder))))
    board = await boards.create(house, OSCAR, CreateBoard(name="B"))
    wish = CreateWorktree(repo_id=repo.id, name="w", board_id=board.id, pos=(100, 100))
    tree = await worktrees.create(house, OSCAR, wish)
    begin = CreateSession(worktree_id=tree.id, agent=agent, title="T", mode="plan", model="two")
    session = await sessions.create(house, OSCAR, begin)
    tasks: list[TaskId] = []
    for name in ("x.txt", "y.txt", "z.txt"):
        await sessions.queue_once(house, OSCAR, session.id, f"write {name}")
        task_id = (await sessions.get(house, session.id)).queue[0]
        tasks.append(task_id)
        start = await made.git.checkpoints.record(tree.path, session.id, task_id, "start")
        if name == "z.txt" and not third:
            break
        await work.start(session.id, start)
        await work.be_ready(session.id, "native")
        if name == "z.txt":
            break
        (Path(tree.path) / name).write_text(name, encoding="utf-8")
        end = await made.git.checkpoints.record(tree.path, session.id, task_id, "end")
        await work.end(session.id, checkpoint=end, last_message_ref=f"after {name}")
    return Told(made, tree, await sessions.get(house, session.id), tasks)


def files(tree: Worktree) -> list[str]:
    return sorted(path.name for path in Path(tree.path).glob("[xyz].txt"))


async def test_words_and_files_go_back_together(made: TestHouse, tmp_path: Path) -> None:
    it = await told(made, tmp_path)
    fork = await it.fork(at_task=it.tasks[0], worktree="new", prompt="Go on")
    tree = await it.tree_of(fork)
    assert files(tree) == ["x.txt"]
    assert files(it.tree) == ["x.txt", "y.txt"]
    point = ForkPoint(native_ref="native", worktree=it.tree.path, message_ref="after x.txt")
    assert (fork.fork, fork.parent_id, fork.genealogy) == (point, it.session.id, "fork")
    assert fork.origin is not None and (fork.origin.task_id, fork.origin.replayed) == (it.tasks[0], False)
    assert (fork.agent, fork.mode, fork.model, fork.owner) == ("able", "plan", "two", "oscar")
    assert (fork.title, fork.status) == ("Go on", "queued")
    assert fork.native_ref == ""
    assert git(Path(tree.path), "rev-parse", "HEAD").strip() == fork.origin.sha == tree.base_sha
    assert (tree.name, tree.branch, tree.base) == ("w-fork", "w-fork", "w")


async def test_before_a_task_is_after_the_one_that_ran_before_it(made: TestHouse, tmp_path: Path) -> None:
    it = await told(made, tmp_path)
    fork = await it.fork(at_task=it.tasks[1], position="before", worktree="new")
    assert files(await it.tree_of(fork)) == ["x.txt"]
    assert fork.fork is not None and fork.fork.message_ref == "after x.txt"
    assert fork.title == "T (fork)"


async def test_before_the_first_task_is_a_fresh_conversation(made: TestHouse, tmp_path: Path) -> None:
    it = await told(made, tmp_path)
    fork = await it.fork(at_task=it.tasks[0], position="before", worktree="new", replay=False)
    tree = await it.tree_of(fork)
    assert files(tree) == []
    assert fork.fork is None and fork.origin is not None
    assert (fork.origin.task_id, fork.origin.replayed) == (None, False)
    # Nothing was uncommitted then: the branch begins with the commit of then, not with one of ours.
    assert "Checkpoint" not in git(Path(tree.path), "log", "-1", "--format=%s")


async def test_before_the_first_task_of_a_fork_it_has_what_the_fork_had(
    made: TestHouse, tmp_path: Path
) -> None:
    it = await told(made, tmp_path)
    fork = await it.fork(at_task=it.tasks[0], worktree="same", prompt="more")
    await made.work.start(fork.id)
    wish = ForkSession(position="before", worktree="same", replay=False)
    again = await forks.create(made.house, OSCAR, fork.id, wish)
    assert again.fork == fork.fork and again.fork is not None
    assert again.parent_id == fork.id


async def test_without_a_task_it_is_after_the_last_that_ended(made: TestHouse, tmp_path: Path) -> None:
    it = await told(made, tmp_path)
    fork = await it.fork(worktree="new")
    assert files(await it.tree_of(fork)) == ["x.txt", "y.txt"]
    assert fork.fork is not None and fork.fork.message_ref == "after y.txt"


async def test_in_the_same_worktree_no_file_changes(made: TestHouse, tmp_path: Path) -> None:
    it = await told(made, tmp_path)
    fork = await it.fork(at_task=it.tasks[0], worktree="same")
    assert fork.worktree_id == it.tree.id
    assert files(it.tree) == ["x.txt", "y.txt"]


async def test_names_are_the_first_that_are_free_and_cards_stand_beside(
    made: TestHouse, tmp_path: Path
) -> None:
    it = await told(made, tmp_path)
    git(Path(it.tree.path), "branch", "w-fork-2")
    trees = [await it.tree_of(await it.fork(worktree="new")) for _ in range(2)]
    again = await forks.create(
        made.house, OSCAR, (await it.fork(worktree="new")).id, ForkSession(worktree="new")
    )
    trees.append(await it.tree_of(again))
    assert [tree.name for tree in trees] == ["w-fork", "w-fork-3", "w-fork-5"]
    board = it.tree.board_id
    assert board is not None and {tree.board_id for tree in trees} == {board}
    places = made.boards.cards[board]
    assert places[trees[0].id] == (420, 100)
    assert places[trees[1].id] == (420, 320)
    assert len(set(places.values())) == len(places)


async def test_an_agent_that_forks_only_whole_is_given_a_transcript_elsewhere(
    made: TestHouse, tmp_path: Path
) -> None:
    it = await told(made, tmp_path, "whole", third=False)
    whole = await it.fork(worktree="same", replay=False)
    assert whole.fork == ForkPoint(native_ref="native", worktree=it.tree.path)
    middle = await it.fork(at_task=it.tasks[0], worktree="same")
    assert middle.fork is None and middle.origin is not None and middle.origin.replayed
    with pytest.raises(UnsupportedByAgent) as refused:
        await it.fork(at_task=it.tasks[0], worktree="same", replay=False)
    assert refused.value.fields["capability"] == "fork_at_message"


async def test_an_agent_that_cannot_fork_is_given_a_transcript(made: TestHouse, tmp_path: Path) -> None:
    it = await told(made, tmp_path, "demo")
    fork = await it.fork(worktree="same")
    assert fork.fork is None and fork.origin is not None and fork.origin.replayed
    before = (await sessions.browse(made.house, OSCAR)).items
    with pytest.raises(UnsupportedByAgent) as refused:
        await it.fork(worktree="new", replay=False)
    assert refused.value.fields["capability"] == "fork"
    assert (await sessions.browse(made.house, OSCAR)).items == before
    assert [tree.name for tree in (await worktrees.browse(made.house, OSCAR)).items] == ["w"]


async def test_an_agent_that_said_that_it_cannot_fork_is_given_a_transcript(
    made: TestHouse, tmp_path: Path
) -> None:
    """Its kind may be able to: the agent at hand is not, and no prompt of the fork is to find that out."""
    it = await told(made, tmp_path, "whole", third=False)
    assert (await it.fork(worktree="same")).fork is not None
    await made.work.be_ready(it.session.id, "native", unable=("fork", "images"))
    fork = await it.fork(worktree="same")
    assert fork.fork is None and fork.origin is not None and fork.origin.replayed
    assert fork.unable == ("fork", "images"), "it is the same agent"
    assert (await it.fork(agent="able", worktree="same")).unable == (), "it is another one"
    with pytest.raises(UnsupportedByAgent) as refused:
        await it.fork(worktree="same", replay=False)
    assert refused.value.fields["capability"] == "fork"
    await made.work.be_ready(it.session.id, "native")  # a newer release of it can
    assert (await it.fork(worktree="same", replay=False)).fork is not None


async def test_a_fork_of_a_fork_that_never_began_is_not_asked_for_either(
    made: TestHouse, tmp_path: Path
) -> None:
    it = await told(made, tmp_path, "whole", third=False)
    native = await it.fork(worktree="same", prompt="more")
    assert native.fork is not None
    await made.work.be_ready(native.id, "", unable=("fork",))
    again = await forks.create(made.house, OSCAR, native.id, ForkSession(worktree="same"))
    assert again.fork is None and again.origin is not None and again.origin.replayed


async def test_another_persons_agent_is_not_asked_to_remember(made: TestHouse, tmp_path: Path) -> None:
    """It runs with their login and in their folder: what it knows of the words is what all may read."""
    it = await told(made, tmp_path)
    fork = await it.fork(MONA, worktree="same")
    assert (fork.owner, fork.fork) == ("mona", None)
    assert fork.origin is not None and fork.origin.replayed
    with pytest.raises(Conflict, match="remembers"):
        await it.fork(MONA, worktree="same", replay=False)


async def test_another_kind_is_given_a_transcript_and_its_own_defaults(
    made: TestHouse, tmp_path: Path
) -> None:
    it = await told(made, tmp_path)
    await made.house.work.set_effort(it.session.id, "high", by=OSCAR.id, by_name="Oscar")
    fork = await it.fork(agent="whole", worktree="same")
    assert fork.title == f"T ({WHOLE.title})" and WHOLE.title
    assert (fork.agent, fork.mode, fork.model, fork.effort) == ("whole", "plan", "one", "")
    assert (fork.models, fork.efforts, fork.commands, fork.native_ref) == ((), (), (), "")
    assert (fork.fork, fork.worktree_id, fork.parent_id) == (None, it.tree.id, it.session.id)
    assert fork.origin is not None and (fork.origin.task_id, fork.origin.replayed) == (it.tasks[1], True)
    assert (await sessions.get(made.house, it.session.id)).agent == "able"
    offered = {
        "models": ("two", "three"),
        "model_labels": {"two": "Two!"},
        "commands": (SlashCommand(name="x"),),
    }
    await made.house.work.be_ready(it.session.id, "native", **offered)
    same = await it.fork(agent="able", worktree="same", replay=False)
    assert {name: getattr(same, name) for name in offered} == offered
    assert (same.agent, same.model, same.effort) == ("able", "two", "high")
    assert same.fork is not None


async def test_another_kind_without_a_replay_is_refused_and_makes_nothing(
    made: TestHouse, tmp_path: Path
) -> None:
    it = await told(made, tmp_path)
    before = (await sessions.browse(made.house, OSCAR)).items
    with pytest.raises(Conflict, match="does not remember"):
        await it.fork(agent="whole", worktree="same", replay=False)
    with pytest.raises(AgentUnavailable) as refused:
        await it.fork(agent="absent", worktree="new")
    assert "pip install absent" in (refused.value.hint or "")
    with pytest.raises(Unprocessable, match="no agent"):
        await it.fork(agent="nobody", worktree="new")
    assert (await sessions.browse(made.house, OSCAR)).items == before
    assert [tree.name for tree in (await worktrees.browse(made.house, OSCAR)).items] == ["w"]


async def test_another_kind_is_never_freer_than_the_first(made: TestHouse, tmp_path: Path) -> None:
    it = await told(made, tmp_path)
    await made.house.work.set_mode(it.session.id, "full_auto", by=OSCAR.id, by_name="Oscar")
    assert (await it.fork(agent="whole", worktree="same")).mode == "full_auto"
    assert (await it.fork(agent="fixed", worktree="same")).mode == "ask"


async def test_another_kind_before_the_first_task_has_nothing_to_be_told(
    made: TestHouse, tmp_path: Path
) -> None:
    it = await told(made, tmp_path)
    wish = {"at_task": it.tasks[0], "position": "before", "worktree": "same", "replay": False}
    fork = await it.fork(agent="whole", **wish)
    assert fork.origin is not None and not fork.origin.replayed
    # But before the first task of a fork there is what that fork had.
    first = await it.fork(at_task=it.tasks[0], worktree="same", prompt="more")
    await made.work.start(first.id)
    later = ForkSession(agent="whole", position="before", worktree="same")
    again = await forks.create(made.house, OSCAR, first.id, later)
    assert again.fork is None and again.origin is not None and again.origin.replayed


async def test_what_makes_no_sense_is_refused(made: TestHouse, tmp_path: Path) -> None:
    it = await told(made, tmp_path)
    with pytest.raises(Unprocessable, match="no task"):
        await it.fork(at_task="task_0000000000000009", worktree="same")
    with pytest.raises(Conflict, match="has not ended"):
        await it.fork(at_task=it.tasks[2], worktree="same")
    assert (await it.fork(at_task=it.tasks[2], position="before", worktree="same")).origin is not None
    await sessions.queue_once(made.house, OSCAR, it.session.id, "later")
    waits = (await sessions.get(made.house, it.session.id)).queue[-1]
    with pytest.raises(Conflict, match="has not begun"):
        await it.fork(at_task=waits, position="before", worktree="same")


async def test_a_new_worktree_asks_for_the_right_to_make_one(made: TestHouse, tmp_path: Path) -> None:
    it = await told(made, tmp_path)
    person = Person(id=OSCAR.id, name="oscar", display_name="Oscar")
    runs = Actor(person=person, grants=grants_of(("read", "execute")))
    with pytest.raises(Forbidden):
        await it.fork(runs, worktree="new")
    assert (await it.fork(runs, worktree="same")).owner == "oscar"


async def test_who_may_only_look_forks_nothing(made: TestHouse, tmp_path: Path) -> None:
    it = await told(made, tmp_path)
    with pytest.raises(Forbidden):
        await it.fork(actor("vera", "viewer"), worktree="same")


async def test_a_read_only_house_forks_nothing(made: TestHouse, tmp_path: Path) -> None:
    it = await told(made, tmp_path)
    house = replace(made.house, read_only="Another server holds it.")
    with pytest.raises(ReadOnly):
        await forks.create(house, OSCAR, it.session.id, ForkSession(worktree="same"))


async def test_a_fork_in_a_worktree_that_is_put_away_is_refused(made: TestHouse, tmp_path: Path) -> None:
    it = await told(made, tmp_path)
    await made.house.records.worktrees.put(it.tree.model_copy(update={"state": "archived"}), by=OSCAR.id)
    with pytest.raises(Conflict, match="archived"):
        await it.fork(worktree="same")


async def test_a_fork_asked_for_again_is_the_one_that_was_made(made: TestHouse, tmp_path: Path) -> None:
    it = await told(made, tmp_path)
    house = replace(made.house, new_id=lambda prefix: f"{prefix}_00000000000000ff")
    wish = ForkSession(worktree="new")
    first = await forks.create(house, OSCAR, it.session.id, wish)
    assert await forks.create(house, OSCAR, it.session.id, wish) == first
