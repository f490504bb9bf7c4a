"""One answer for each request, in the name of who gave it, to what was asked (A6)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from agor_jupyter.domain.content import Question
from agor_jupyter.domain.errors import AlreadyAnswered, Conflict, Forbidden, NotFound, Unprocessable
from agor_jupyter.domain.events import PermissionResolved
from agor_jupyter.domain.ids import SessionId
from agor_jupyter.service import permissions, repos, sessions, worktrees
from agor_jupyter.service.requests import AddRepo, AnswerPermission, CreateSession, CreateWorktree
from agor_jupyter.testing.house import TestHouse, actor
from tests.making import make_repo

OSCAR, MONA, VERA = actor("oscar"), actor("mona"), actor("vera", "viewer")
YES, NO = AnswerPermission(option_id="allow_once"), AnswerPermission(option_id="reject_once")


async def running(made: TestHouse, folder: Path) -> SessionId:
    repo = await repos.add(made.house, OSCAR, AddRepo(path=str(make_repo(folder))))
    tree = await worktrees.create(made.house, OSCAR, CreateWorktree(repo_id=repo.id, name="w"))
    session = await sessions.create(
        made.house, OSCAR, CreateSession(worktree_id=tree.id, agent="demo", prompt="go")
    )
    await made.work.start(session.id)
    return session.id


async def test_of_two_approvers_one_decides_a_hundred_times(made: TestHouse, tmp_path: Path) -> None:
    session_id = await running(made, tmp_path)
    for round_ in range(100):
        request_id = await made.work.ask(session_id)
        pair = [(OSCAR, YES), (MONA, NO)] if round_ % 2 else [(MONA, NO), (OSCAR, YES)]
        results = await asyncio.gather(
            *(permissions.answer(made.house, who, request_id, given) for who, given in pair),
            return_exceptions=True,
        )
        won = [result for result in results if isinstance(result, permissions.PermissionRecord)]
        lost = [result for result in results if isinstance(result, AlreadyAnswered)]
        assert (len(won), len(lost)) == (1, 1), results
        resolved = won[0].resolved
        assert resolved is not None
        assert lost[0].fields == {"by": resolved.by, "option_id": resolved.option_id}
        # The person of the answer is the one who asked, never what a body says.
        assert (resolved.by, resolved.option_id) in {("oscar", "allow_once"), ("mona", "reject_once")}
    events = await made.house.log.read(session_id, limit=1000)
    assert sum(isinstance(event.update, PermissionResolved) for event in events) == 100


async def test_an_answer_is_to_what_was_shown(made: TestHouse, tmp_path: Path) -> None:
    request_id = await made.work.ask(await running(made, tmp_path))
    shown = await permissions.show(made.house, VERA, request_id)
    forged = AnswerPermission(option_id="allow_once", digest="digest-of-something-else")
    with pytest.raises(Conflict, match="not the one that was shown"):
        await permissions.answer(made.house, OSCAR, request_id, forged)
    for nothing in (
        AnswerPermission(),
        AnswerPermission(option_id="allow_all"),
        AnswerPermission(answers={}),
    ):
        with pytest.raises(Unprocessable):
            await permissions.answer(made.house, OSCAR, request_id, nothing)
    right = AnswerPermission(option_id="allow_once", digest=shown.request.digest)
    assert (await permissions.answer(made.house, OSCAR, request_id, right)).resolved is not None


async def test_questions_are_answered_in_words(made: TestHouse, tmp_path: Path) -> None:
    session_id = await running(made, tmp_path)
    asked = await made.work.ask(session_id, questions=(Question(question="Which?", choices=("a", "b")),))
    record = await permissions.answer(made.house, MONA, asked, AnswerPermission(answers={"Which?": "a"}))
    assert record.resolved is not None and record.resolved.answers == {"Which?": "a"}


async def test_own_words_are_an_answer_where_the_question_takes_them(made: TestHouse, tmp_path: Path) -> None:
    session_id = await running(made, tmp_path)
    green = AnswerPermission(answers={"Which?": "green"})
    closed = Question(question="Which?", choices=("a", "b"))
    asked = await made.work.ask(session_id, questions=(closed,))
    with pytest.raises(Unprocessable, match="none of the choices"):
        await permissions.answer(made.house, MONA, asked, green)
    assert (await permissions.show(made.house, MONA, asked)).resolved is None
    asked = await made.work.ask(session_id, questions=(closed.model_copy(update={"own": True}),))
    record = await permissions.answer(made.house, MONA, asked, green)
    assert record.resolved is not None and record.resolved.answers == {"Which?": "green"}


async def test_questions_are_answered_all_or_not_at_all(made: TestHouse, tmp_path: Path) -> None:
    session_id = await running(made, tmp_path)
    both = (Question(question="Which?", choices=("a", "b")), Question(question="Why?"))
    asked = await made.work.ask(session_id, questions=both)
    for answers in ({"Which?": "a"}, {"Which?": "a", "Why?": "  "}, {"Which?": "a", "why": "so"}, {}, None):
        with pytest.raises(Unprocessable) as caught:
            await permissions.answer(made.house, MONA, asked, AnswerPermission(answers=answers))
        assert "Why?" in caught.value.detail
        assert "Why?" in caught.value.fields["missing"]  # type: ignore[operator]  # fields hold any value
    assert (await permissions.show(made.house, MONA, asked)).resolved is None
    whole = AnswerPermission(answers={"Which?": "a", "Why?": "so"})
    assert (await permissions.answer(made.house, MONA, asked, whole)).resolved is not None


async def test_a_viewer_sees_and_does_not_answer(made: TestHouse, tmp_path: Path) -> None:
    request_id = await made.work.ask(await running(made, tmp_path))
    assert [item.id for item in (await permissions.browse(made.house, VERA)).items] == [request_id]
    with pytest.raises(Forbidden):
        await permissions.answer(made.house, VERA, request_id, YES)
    with pytest.raises(NotFound):
        await permissions.answer(made.house, OSCAR, "req_0000000000000000", YES)


async def test_what_waits_is_paged(made: TestHouse, tmp_path: Path) -> None:
    session_id = await running(made, tmp_path)
    asked = [await made.work.ask(session_id) for _ in range(5)]
    seen: list[str] = []
    cursor = None
    while True:
        page = await permissions.browse(made.house, VERA, limit=2, cursor=cursor)
        seen += [item.id for item in page.items]
        if (cursor := page.next) is None:
            break
    assert seen == asked
