"""Who somebody is: named people, the one person `local`, kernels with a token; and who is kept out (A7)."""

from __future__ import annotations

import json
import logging
import urllib.parse
from types import MethodType
from typing import Any

import pytest
from jupyter_server.auth import User
from tornado.httpclient import HTTPClientError

from agor_jupyter.domain.errors import NewerDatabase
from agor_jupyter.domain.ids import SessionId, UserId
from agor_jupyter.domain.user import LOCAL_USER
from tests.making import make_repo
from tests.server.conftest import API, Stand, problem


async def browser(stand: Stand) -> dict[str, str]:
    """Open a page with the server's token, as a new browser would; give its headers from then on."""
    token = stand.server.app.identity_provider.token
    answer = await stand.server.fetch("api/me", person=None, token=token)
    assert answer.code == 200
    (login,) = [line.split(";")[0] for line in answer.headers.get_list("Set-Cookie") if "username" in line]
    page = await stand.server.fetch("login", person=None, headers={"Cookie": login})
    xsrf = [line.split(";")[0] for line in page.headers.get_list("Set-Cookie") if line.startswith("_xsrf")]
    cookies = [login, *xsrf]
    headers = {"Cookie": "; ".join(cookies), "Referer": stand.server.url("lab")}
    if xsrf:
        headers["X-XSRFToken"] = urllib.parse.unquote(xsrf[0].split("=", 1)[1])
    return headers


async def test_everybody_is_local_and_keeps_a_name_of_their_own(local_stand: Stand) -> None:
    stand = local_stand
    one, two = await browser(stand), await browser(stand)
    seen = [json.loads((await stand.ask("GET", "/me", person=None, headers=who)).body) for who in (one, two)]
    assert [me["person"]["id"] for me in seen] == ["local", "local"]
    assert not seen[0]["named_users"] and seen[0]["role"] == "admin"
    answer = await stand.ask("PATCH", "/me", {"display_name": " Ann "}, person=None, headers=one)
    assert answer.code == 200 and json.loads(answer.body)["person"]["display_name"] == "Ann"
    again = [json.loads((await stand.ask("GET", "/me", person=None, headers=who)).body) for who in (one, two)]
    assert again[0]["person"]["display_name"] == "Ann" and again[1]["person"]["display_name"] != "Ann"
    # What one browser makes belongs to `local`: another browser, with a new cookie, may delete it.
    board = await stand.ask("POST", "/boards", {"name": "B"}, person=None, headers=one)
    made = json.loads(board.body)
    assert made["owner"] == LOCAL_USER
    assert (await stand.ask("DELETE", f"/boards/{made['id']}", person=None, headers=two)).code == 204


async def test_what_one_browser_does_bears_its_own_name(local_stand: Stand) -> None:
    """All are `local`: only the name that is kept with the act tells one from the other."""
    stand = local_stand
    ann, bea = await browser(stand), await browser(stand)

    async def send(who: dict[str, str], method: str, path: str, body: Any) -> Any:
        answer = await stand.ask(method, path, body, person=None, headers=who)
        assert answer.code < 300, answer.body
        return json.loads(answer.body)

    await send(ann, "PATCH", "/me", {"display_name": "Ann"})
    await send(bea, "PATCH", "/me", {"display_name": "Bea"})
    repo = await send(ann, "POST", "/repos", {"path": str(make_repo(stand.server.root, "proj"))})
    tree = await send(ann, "POST", "/worktrees", {"repo_id": repo["id"], "name": "one"})
    wish = {"worktree_id": tree["id"], "agent": "demo", "prompt": "go"}
    session = await send(ann, "POST", "/sessions", wish)
    assert (session["owner"], session["owner_name"]) == ("local", "Ann")
    session_id = SessionId(session["id"])
    await stand.made.work.start(session_id)
    request = await stand.made.work.ask(session_id)
    record = await send(bea, "POST", f"/permissions/{request}", {"option_id": "allow_once"})
    assert (record["resolved"]["by"], record["resolved"]["by_name"]) == ("local", "Bea")
    again = await stand.ask(
        "POST", f"/permissions/{request}", {"option_id": "reject_once"}, person=None, headers=ann
    )
    assert problem(again, 409)["detail"] == "Bea answered first."
    queued = await send(bea, "POST", f"/sessions/{session_id}/tasks", {"prompt": "then"})
    assert (queued["by"], queued["by_name"]) == ("local", "Bea")
    await send(bea, "POST", f"/sessions/{session_id}/interrupt", {})
    first = await stand.ask("GET", f"/sessions/{session_id}/tasks", person=None, headers=bea)
    assert [task["by_name"] for task in json.loads(first.body)["items"]] == ["Ann", "Bea"]
    events = await stand.made.house.log.read(session_id)
    stopped = [event.update for event in events if event.update.type == "interrupt_requested"]
    assert [(update.by, update.by_name) for update in stopped] == [("local", "Bea")]
    # A kernel is nobody's browser: it has no name to give.
    token = await stand.made.house.tokens.mint(LOCAL_USER, "kernel")
    kernel = {"Authorization": f"token {token}"}
    sent = await send(kernel, "POST", f"/sessions/{session_id}/tasks", {"prompt": "from a notebook"})
    assert (sent["by"], sent["by_name"]) == ("local", "")


async def test_named_people_keep_the_name_they_log_in_with(stand: Stand) -> None:
    me = await stand.get("/me")
    assert (me["person"]["id"], me["person"]["display_name"], me["role"]) == (
        "oscar",
        "Oscar Owner",
        "member",
    )
    assert me["named_users"] and "execute" in me["permissions"]["agor:sessions"]
    assert (await stand.get("/me", person="vera"))["permissions"]["agor:boards"] == ["read"]
    assert (await stand.get("/me", person="ada"))["role"] == "admin"
    problem(await stand.ask("PATCH", "/me", {"display_name": "Ada"}), 409)


# --- kernels


async def test_a_kernel_acts_as_its_person_and_only_here(stand: Stand) -> None:
    await stand.get("/me")  # oscar is seen once, so that his name is known
    token = await stand.made.house.tokens.mint(UserId("oscar"), "kernel")
    headers = {"Authorization": f"token {token}"}
    me = json.loads((await stand.ask("GET", "/me", person=None, headers=headers)).body)
    assert (me["person"]["id"], me["person"]["display_name"]) == ("oscar", "Oscar Owner")
    board = await stand.ask("POST", "/boards", {"name": "B"}, person=None, headers=headers)
    assert board.code == 201 and json.loads(board.body)["owner"] == "oscar"
    for path in ("api/contents", "api/kernels", "api/me"):
        assert (await stand.server.fetch(path, person=None, headers=headers)).code == 403
    await stand.made.house.tokens.revoke(token)
    assert (await stand.ask("GET", "/me", person=None, headers=headers)).code == 403


async def test_a_kernel_rules_over_nobodys_things(stand: Stand) -> None:
    """An admin's kernel makes and works; what takes an admin needs the admin in person."""
    board = await stand.send("POST", "/boards", {"name": "B"}, status=201)
    await stand.get("/me", person="ada")
    token = await stand.made.house.tokens.mint(UserId("ada"), "kernel")
    headers = {"Authorization": f"token {token}"}
    problem(await stand.ask("DELETE", f"/boards/{board['id']}", person=None, headers=headers), 403)
    assert (await stand.ask("DELETE", f"/boards/{board['id']}", person="ada")).code == 204


async def test_a_kernel_of_somebody_unseen_is_not_let_in(stand: Stand) -> None:
    """What their identity provider says of them is not known: a made-up user could be granted anything."""
    token = await stand.made.house.tokens.mint(UserId("ada"), "kernel")
    headers = {"Authorization": f"token {token}"}
    assert (await stand.ask("GET", "/me", person=None, headers=headers)).code == 403


async def test_the_authorizer_is_asked_with_the_providers_own_user(stand: Stand) -> None:
    """As JupyterHub's does, which reads the hub's own record of a person."""
    await stand.get("/me")
    seen: list[User] = []
    asked = type(stand.server.app.authorizer).is_authorized

    def note(self: object, handler: object, user: User, action: str, resource: str) -> bool:
        seen.append(user)
        return bool(asked(self, handler, user, action, resource))  # type: ignore[arg-type]  # handed on

    stand.server.app.authorizer.is_authorized = MethodType(note, stand.server.app.authorizer)
    token = await stand.made.house.tokens.mint(UserId("oscar"), "kernel")
    headers = {"Authorization": f"token {token}"}
    assert (await stand.ask("GET", "/boards", person=None, headers=headers)).code == 200
    assert seen and {user.display_name for user in seen} == {"Oscar Owner"}


async def test_a_viewers_kernel_changes_nothing(stand: Stand) -> None:
    await stand.get("/me", person="vera")
    token = await stand.made.house.tokens.mint(UserId("vera"), "kernel")
    headers = {"Authorization": f"Bearer {token}"}
    assert (await stand.ask("GET", "/boards", person=None, headers=headers)).code == 200
    assert (await stand.ask("POST", "/boards", {"name": "B"}, person=None, headers=headers)).code == 403


async def test_a_wrong_token_is_nobody_even_with_a_good_cookie(stand: Stand) -> None:
    answer = await stand.server.fetch("api/me", person="ada")
    cookie = answer.headers["Set-Cookie"].split(";")[0]
    headers = {"Cookie": cookie, "Authorization": "token agor_forged_0123456789"}
    problem(await stand.ask("GET", "/me", person=None, headers=headers), 403)
    with pytest.raises(HTTPClientError):
        await stand.connect(person=None, headers=headers)


async def test_a_kernel_token_in_the_address_is_not_taken(
    stand: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    await stand.get("/me", person="ada")
    token = await stand.made.house.tokens.mint(UserId("ada"), "kernel")
    with caplog.at_level(logging.DEBUG):
        assert (await stand.ask("GET", "/me", person=None, token=token)).code == 403
        headers = {"Authorization": f"token {token}"}
        assert (await stand.ask("GET", "/me", person=None, headers=headers)).code == 200
        await stand.ask("GET", "/nothing", person=None, headers=headers)
        client = await stand.connect(person=None, headers=headers)
        client.close()
    assert token not in caplog.text


# --- other sites


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:1", "http://127.0.0.1.evil.example"]
)
async def test_a_foreign_origin_opens_no_socket(stand: Stand, origin: str) -> None:
    for headers in ({"Origin": origin}, {"Origin": origin, "Authorization": "token ada-token"}):
        with pytest.raises(HTTPClientError) as refused:
            await stand.connect(person=None if "Authorization" in headers else "ada", headers=headers)
        assert refused.value.code == 403


async def test_the_same_origin_opens_it(stand: Stand) -> None:
    client = await stand.connect(headers={"Origin": f"http://127.0.0.1:{stand.server.port}"})
    client.close()


async def test_another_site_cannot_post_with_the_cookie(local_stand: Stand) -> None:
    stand = local_stand
    good = await browser(stand)
    without = {"Cookie": good["Cookie"]}
    foreign = {**good, "Origin": "http://evil.example", "Referer": "http://evil.example/x"}
    for headers in (without, foreign, {**good, "X-XSRFToken": "2|forged"}):
        answer = await stand.ask("POST", "/boards", {"name": "B"}, person=None, headers=headers)
        assert answer.code in (403, 404), answer.body
        problem(answer, answer.code)
    assert json.loads((await stand.ask("GET", "/boards", person=None, headers=good)).body)["items"] == []
    assert (await stand.ask("POST", "/boards", {"name": "B"}, person=None, headers=good)).code == 201


async def test_a_rebound_host_is_refused(stand: Stand) -> None:
    token = await stand.made.house.tokens.mint(UserId("ada"), "kernel")
    for header in ("token ada-token", f"token {token}"):
        headers = {"Host": "evil.example", "Authorization": header}
        problem(await stand.ask("GET", "/me", person=None, headers=headers), 403)


async def test_answers_may_not_be_sniffed_or_framed(stand: Stand) -> None:
    answer = await stand.ask("GET", "/boards")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Content-Type"] == "application/json"


# --- a slow Authorizer


async def test_an_authorizer_may_answer_later(stand: Stand) -> None:
    authorizer: Any = stand.server.app.authorizer
    decide = authorizer.is_authorized

    async def later(handler: Any, user: Any, action: str, resource: str) -> bool:
        return bool(decide(handler, user, action, resource))

    authorizer.is_authorized = later
    assert (await stand.get("/me", person="vera"))["role"] == "viewer"
    assert (await stand.ask("POST", "/boards", {"name": "B"}, person="vera")).code == 403
    assert (await stand.ask("POST", "/boards", {"name": "B"}, person="oscar")).code == 201


async def test_a_server_that_is_starting_says_so(stand: Stand) -> None:
    settings = stand.server.app.web_app.settings
    house = settings.pop("agor")
    try:
        assert (await stand.server.fetch(f"{API}/me")).code == 503
        settings["agor_closed"] = NewerDatabase("The database is of version 9.", hint="Upgrade.")
        assert problem(await stand.server.fetch(f"{API}/me"), 409)["hint"] == "Upgrade."
        with pytest.raises(HTTPClientError) as refused:
            await stand.connect()
        assert refused.value.code == 503
    finally:
        settings["agor"] = house
