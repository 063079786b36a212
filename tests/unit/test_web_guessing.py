"""Guessing passwords of the page, and what is logged of it."""

import pytest
from structlog.testing import capture_logs

from mailroom.web import authentication
from mailroom.web.options import Access, PageOptions
from mailroom.web.throttle import Throttle
from tests.support.page.account import ScriptedAccount
from tests.support.page.visitor import PASSWORD, visiting

AUTO = PageOptions()
ANNA, BEN = "anna's password", "ben's password"
BOTH = (
    Access(ScriptedAccount("anna"), password=ANNA),
    Access(ScriptedAccount("ben"), password=BEN),
)


class Clock:
    """A clock that a test sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds = 1000.0
        monkeypatch.setattr(authentication, "Throttle", lambda _: Throttle(lambda: self.seconds))


async def test_a_thousand_sign_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    """All but the first are refused before their password is looked at."""
    clock = Clock(monkeypatch)
    async with visiting(Access(ScriptedAccount(), password=PASSWORD), options=AUTO) as visitor:
        with capture_logs() as logs:
            answers = [await visitor.sign_in(f"guess number {number}") for number in range(1000)]
        assert [answer.status for answer in answers] == [403] * 3 + [429] * 997
        assert {answer.headers["Retry-After"] for answer in answers[3:]} == {"1"}
        assert visitor.shown["retry_after"] == 1
        assert len(logs) == 2
        assert "guess" not in repr(logs)
        # A password that is right is no better than a wrong one now.
        assert (await visitor.sign_in()).status == 429
        clock.seconds += 1
        assert (await visitor.sign_in("guess number 1001")).status == 403
        clock.seconds += 1
        assert (await visitor.sign_in()).status == 429
        clock.seconds += 1
        assert (await visitor.sign_in()).status == 303


async def test_an_account_of_ones_own_does_not_help_to_guess(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Clock(monkeypatch)
    async with visiting(*BOTH, options=AUTO) as visitor:
        answers = list[int]()
        for _ in range(4):
            answers.append((await visitor.sign_in("a guess", "ben")).status)
            assert (await visitor.sign_in(ANNA, "anna")).status == 303
        assert answers == [403, 403, 403, 429]


async def test_guessing_the_names_of_accounts_is_delayed_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Clock(monkeypatch)
    async with visiting(*BOTH, options=AUTO) as visitor:
        answers = [(await visitor.sign_in("a guess", f"eve {n}")).status for n in range(4)]
        assert answers == [403, 403, 403, 429]


async def test_no_secret_is_logged() -> None:
    token = "a-token-that-programs-send"
    account = ScriptedAccount(error=KeyError("a mistake"))
    access = Access(account, password=PASSWORD, api_token=token)
    with capture_logs() as logs:
        async with visiting(access, options=AUTO) as visitor:
            await visitor.sign_in("guessed password")
            await visitor.sign_in()
            cookie = visitor.cookie
            answers = [
                await visitor.get("/?search=private"),
                await visitor.post("/undo", {"who": "private@loom.example"}),
                await visitor.get("/api/waiting", Authorization=f"Bearer {token}"),
                await visitor.get("/api/waiting", Authorization="Bearer guessed"),
            ]
    assert [answer.status for answer in answers] == [500, 500, 500, 401]
    assert PASSWORD not in repr(access)
    assert token not in repr(access)
    events = [entry["event"] for entry in logs]
    assert events[:2] == ["wrong password for the page", "signed in"]
    assert len(events) == 5
    for secret in ("guessed", PASSWORD, cookie, token, "private"):
        assert secret not in repr(logs)
