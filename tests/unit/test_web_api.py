"""JSON for programs: tokens, answers as of the commands, and problems."""

from typing import Any

import pytest
from aiohttp import ClientResponse

from mailroom.web.model import AccountUnavailableError, Choice, Outcome, RefusedError, Waiting
from mailroom.web.options import Access, PageOptions
from tests.support.page.account import NOW, ScriptedAccount, row
from tests.support.page.visitor import OPEN, PASSWORD, SAME_ORIGIN, Visitor, visiting

TOKEN, READS = "a-token-that-decides", "a-token-that-only-reads"
WHO = "stranger1@loom.example"
DECIDE = {"who": WHO, "category": "Feed"}
AUTO = PageOptions()


@pytest.fixture
def account() -> ScriptedAccount:
    return ScriptedAccount()


def access(account: ScriptedAccount) -> Access:
    return Access(account, password=PASSWORD, api_token=TOKEN, api_token_readonly=READS)


async def ask(
    visitor: Visitor, path: str, body: Any = None, token: str = TOKEN, **kwargs: Any
) -> ClientResponse:
    """Send a request as a program does: a POST if there is a body."""
    headers = {"Authorization": f"Bearer {token}", **kwargs.pop("headers", {})}
    if body is None:
        return await visitor.request("GET", path, headers=headers)
    return await visitor.request("POST", path, headers=headers, json=body)


async def problem(response: ClientResponse) -> tuple[int, str]:
    """Return the status and the detail of a problem (RFC 9457)."""
    assert response.content_type == "application/problem+json"
    data = await response.json(content_type=None)
    assert set(data) == {"type", "title", "status", "detail"}
    assert (data["type"], data["status"]) == ("about:blank", response.status)
    assert data["title"]
    return response.status, data["detail"]


@pytest.mark.parametrize("token", [TOKEN, READS])
async def test_reading(token: str, account: ScriptedAccount) -> None:
    account.show(Waiting((row(1), row(2)), NOW, problem="the server is down"))
    async with visiting(access(account), options=AUTO) as visitor:
        response = await ask(visitor, "/api/waiting", token=token)
        assert (response.status, response.content_type) == (200, "application/json")
        assert await response.json() == {
            "waiting": [{"who": "stranger1@loom.example"}, {"who": "stranger2@loom.example"}],
            "read_at": "2026-02-09T10:00:00+00:00",
            "problem": "the server is down",
        }
        response = await ask(visitor, "/api/decided?category=Feed&search=news", token=token)
        assert await response.json() == {"decided": [{"who": ["news@loom.example"], "account": ""}]}
    assert account.asked == [("decided", "Feed", "news")]


async def test_deciding(account: ScriptedAccount) -> None:
    async with visiting(access(account), options=AUTO) as visitor:
        response = await ask(visitor, "/api/decide", {**DECIDE, "mark_read": True})
        assert (response.status, await response.json()) == (200, DECIDE)
        response = await ask(visitor, "/api/undo", {"who": WHO})
        assert (response.status, await response.json()) == (200, {"who": WHO})
        account.outcome = lambda choice: Outcome(
            choice.who, choice.answer, is_pending=True, data={"pending": True}
        )
        response = await ask(visitor, "/api/decide", DECIDE)
        assert (response.status, await response.json()) == (202, {"pending": True})
        account.outcome = lambda choice: Outcome(choice.who, "Feed", failure="that is you")
        response = await ask(visitor, "/api/decide", DECIDE)
        assert await problem(response) == (422, "that is you")
    assert account.asked[:2] == [
        ("decide", Choice(WHO, "Feed", mark_read=True)),
        ("undo", WHO, ""),
    ]


async def test_a_stolen_token_that_only_reads(account: ScriptedAccount) -> None:
    async with visiting(access(account), options=AUTO) as visitor:
        for path, body in (("/api/decide", DECIDE), ("/api/undo", {"who": WHO})):
            response = await ask(visitor, path, body, token=READS)
            assert await problem(response) == (403, "This token may read, but not decide.")
        # No token opens the page of people.
        for path in ("/", "/decided", "/subject?who=x", "/events"):
            for token in (READS, TOKEN):
                assert (await ask(visitor, path, token=token)).status in {303, 401}
        headers = {**SAME_ORIGIN, "Authorization": f"Bearer {TOKEN}"}
        assert (await visitor.post("/undo", {"who": WHO}, headers)).status == 303
    assert not account.asked


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        f"Basic {TOKEN}",
        TOKEN,
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN.upper()}",
        f"Bearer {TOKEN}, Bearer {READS}",
        f"Bearer {PASSWORD}",
        "Bearer " + "x" * 7000,
        "Bearer \u00e9\u20ac",
    ],
)
async def test_wrong_tokens(authorization: str, account: ScriptedAccount) -> None:
    async with visiting(access(account), options=AUTO) as visitor:
        for path in ("/api/waiting", "/api/decided"):
            response = await visitor.get(path, Authorization=authorization)
            assert await problem(response) == (401, "The token is missing, or wrong.")
            assert response.headers["WWW-Authenticate"] == "Bearer"
        headers = {"Authorization": authorization}
        response = await visitor.request("POST", "/api/undo", headers=headers, json={"who": WHO})
        assert response.status == 401
    assert not account.asked


async def test_an_account_without_tokens_has_no_api(account: ScriptedAccount) -> None:
    for options in (AUTO, OPEN):
        async with visiting(Access(account, password=PASSWORD), options=options) as visitor:
            await visitor.sign_in()
            for token in ("", " ", "None"):
                assert (await ask(visitor, "/api/waiting", token=token)).status == 401
                assert (await ask(visitor, "/api/decide", DECIDE, token=token)).status == 401
    assert not account.asked


async def test_a_token_is_of_one_account() -> None:
    anna, ben = ScriptedAccount("anna"), ScriptedAccount("ben")
    both = (
        Access(anna, api_token="anna" * 5, api_token_readonly="reads anna" * 2),
        Access(ben, api_token="ben" * 7),
    )
    async with visiting(*both, options=AUTO) as visitor:
        for token, name in (("anna" * 5, "anna"), ("reads anna" * 2, "anna"), ("ben" * 7, "ben")):
            data = await (await ask(visitor, "/api/decided", token=token)).json()
            assert data["decided"][0]["account"] == name
        await ask(visitor, "/api/undo", {"who": WHO}, token="ben" * 7)
    assert ("undo", WHO, "") in ben.asked
    assert ("undo", WHO, "") not in anna.asked


@pytest.mark.parametrize(
    ("error", "status", "detail"),
    [
        (RefusedError("there is no category 'Circus'"), 422, "there is no category 'Circus'"),
        (AccountUnavailableError("the server is down"), 503, "the server is down"),
        (KeyError("a mistake"), 500, ""),
    ],
)
async def test_failures(
    error: Exception, status: int, detail: str, account: ScriptedAccount
) -> None:
    account.error = error
    async with visiting(access(account), options=AUTO) as visitor:
        for path, body in (
            ("/api/waiting", None),
            ("/api/decided", None),
            ("/api/decide", DECIDE),
            ("/api/undo", {"who": WHO}),
        ):
            response = await ask(visitor, path, body)
            assert await problem(response) == (status, detail)
            assert ("Retry-After" in response.headers) == (status == 503)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"null", 400),
        (b'"who"', 400),
        (b"\xff\xfe", 400),
        (b'{"who": "\xff", "category": "Feed"}', 400),
        (b"[" * 60_000, 400),
        (b'{"a":' * 10_000, 400),
        (b"9" * 60_000, 400),
        (b"{}", 400),
        (b'{"who": "", "category": "Feed"}', 400),
        (b'{"who": null, "category": "Feed"}', 400),
        (b'{"who": ["a@b.example"], "category": "Feed"}', 400),
        (b'{"who": {"a": 1}, "category": "Feed"}', 400),
        (b'{"who": 7, "category": "Feed"}', 400),
        (b'{"who": "a@b.example", "category": true}', 400),
        (b'{"who": "a@b.example"}', 400),
        (b'{"who": "a@b.example", "category": "Feed", "x": "' + b"x" * 65_536 + b'"}', 413),
    ],
    ids=lambda value: str(value)[:50],
)
async def test_bodies_that_are_nonsense(body: bytes, status: int, account: ScriptedAccount) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    async with visiting(access(account), options=AUTO) as visitor:
        response = await visitor.request("POST", "/api/decide", headers=headers, data=body)
        assert (await problem(response))[0] == status
    assert not account.asked


async def test_mark_read_is_true_or_not(account: ScriptedAccount) -> None:
    async with visiting(access(account), options=AUTO) as visitor:
        for value in ("true", 1, "on", [True], None):
            await ask(visitor, "/api/decide", {**DECIDE, "mark_read": value})
    assert all(not choice.mark_read for _, choice in account.asked)


async def test_a_form_is_no_json(account: ScriptedAccount) -> None:
    """Another site can have a browser send a form, but not JSON."""
    async with visiting(access(account), options=AUTO) as visitor:
        for content_type in ("text/plain", "application/x-www-form-urlencoded", ""):
            headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": content_type}
            response = await visitor.request(
                "POST", "/api/undo", headers=headers, data=b'{"who": "a@b.example"}'
            )
            assert (await problem(response))[0] == 415
    assert not account.asked


async def test_addresses_that_are_none(account: ScriptedAccount) -> None:
    async with visiting(access(account), options=AUTO) as visitor:
        for path in ("/api/", "/api/circus", "/api/waiting/x"):
            assert await problem(await ask(visitor, path)) == (404, "")
        response = await ask(visitor, "/api/waiting", {})
        assert await problem(response) == (405, "")
        assert response.headers["Allow"] == "GET,HEAD"


async def test_lone_halves_of_characters_are_no_mistake(account: ScriptedAccount) -> None:
    async with visiting(access(account), options=AUTO) as visitor:
        response = await ask(visitor, "/api/decide", {"who": "\ud800", "category": "Feed"})
        assert response.status == 200
        account.error = RefusedError("not a valid address: '\ud800'")
        response = await ask(visitor, "/api/decide", {"who": "\ud800", "category": "Feed"})
        assert await problem(response) == (422, "not a valid address: '\ud800'")
