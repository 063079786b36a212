"""Signing in to the page with a password, and everything that must not sign anybody in."""

import hashlib
import time
from typing import Any

import pytest
from itsdangerous import TimestampSigner
from yarl import URL

from mailroom.web.authentication import COOKIE
from mailroom.web.options import Access, PageOptions
from tests.support.page.account import ScriptedAccount
from tests.support.page.visitor import PASSWORD, SCRIPT, Visitor, raw, visiting

AUTO = PageOptions()
ANNA, BEN = "anna's password", "ben's password"


def anna_and_ben() -> tuple[Access, Access]:
    return (
        Access(ScriptedAccount("anna"), password=ANNA),
        Access(ScriptedAccount("ben"), password=BEN),
    )


def one(password: str = PASSWORD) -> Access:
    return Access(ScriptedAccount(), password=password)


async def status(visitor: Visitor) -> int:
    """Return 200 if the visitor is signed in, else 303."""
    return (await visitor.get("/?all")).status


async def test_the_right_password() -> None:
    async with visiting(one(), options=AUTO) as visitor:
        response = await visitor.get("/decided?search=loom")
        location = URL(response.headers["Location"])
        assert (response.status, location.path) == (303, "/sign-in")
        assert location.query["return_to"] == "/decided?search=loom"
        assert (await visitor.get(str(location))).status == 200
        assert visitor.shown["accounts"] == ()
        response = await visitor.sign_in()
        assert response.status == 303
        morsel = response.cookies[COOKIE]
        assert morsel["secure"]
        assert morsel["httponly"]
        assert (morsel["samesite"], morsel["path"], morsel["domain"]) == ("Lax", "/", "")
        assert await status(visitor) == 200
        assert visitor.shown["page"].can_sign_out


async def test_the_way_back_after_a_sign_in() -> None:
    async with visiting(one(), options=AUTO) as visitor:
        form = {"password": PASSWORD, "return_to": "/decided?search=loom"}
        response = await visitor.post("/sign-in", form)
        check = response.headers["Location"]
        # The browser has not kept the cookie: it is not https.
        assert (await visitor.get(check)).status == 200
        assert visitor.shown["needs_https"]
        visitor.cookie = response.cookies[COOKIE].value
        response = await visitor.get(check)
        assert (response.status, response.headers["Location"]) == (303, "/decided?search=loom")
        for evil in ("//evil.example", "https://evil.example", "/\\evil.example", "javascript:1"):
            response = await visitor.post("/sign-in", {"password": PASSWORD, "return_to": evil})
            response = await visitor.get(response.headers["Location"])
            assert (response.status, response.headers["Location"]) == (303, "/")


@pytest.mark.parametrize(
    "form",
    [
        {"password": "wrong horse battery"},
        {"password": PASSWORD.upper()},
        {"password": f"{PASSWORD} "},
        {"password": f"{PASSWORD}\0"},
        {"password": ""},
        {},
        {"Password": PASSWORD},
        {"password": "x" * 60_000},
    ],
    ids=lambda form: str(form)[:40],
)
async def test_a_wrong_password(form: dict[str, str]) -> None:
    async with visiting(one(), options=AUTO) as visitor:
        response = await visitor.post("/sign-in", form)
        assert (response.status, visitor.shown["failed"]) == (403, True)
        assert "Set-Cookie" not in response.headers
        assert PASSWORD not in repr(visitor.shown)


async def test_signing_out() -> None:
    async with visiting(one(), options=AUTO) as visitor:
        await visitor.sign_in()
        response = await visitor.post("/sign-out")
        assert (response.status, response.headers["Location"]) == (303, "/sign-in?return_to=/")
        assert response.cookies[COOKIE].value == ""
        assert response.cookies[COOKIE]["max-age"] == "0"


async def test_the_script_of_a_page_whose_sign_in_has_expired() -> None:
    async with visiting(one(), options=AUTO) as visitor:
        assert (await visitor.post("/decide", {"row": "m1 x"}, SCRIPT)).status == 401
        assert (await visitor.get("/rows", X_Requested_With="mailroom")).status == 401
        assert (await visitor.get("/events")).status == 401
        response = await visitor.post("/decide", {"row": "m1 x"})
        assert (response.status, response.headers["Location"]) == (303, "/sign-in?return_to=/")


async def a_cookie(access: Access) -> str:
    """Return a good cookie for an account."""
    async with visiting(access, options=AUTO) as visitor:
        await visitor.sign_in(access.password)
        return visitor.cookie


async def test_a_sign_in_outlives_a_restart_and_ends_with_its_password() -> None:
    cookie = await a_cookie(one())
    async with visiting(one(), options=AUTO) as visitor:
        visitor.cookie = cookie
        assert await status(visitor) == 200
    async with visiting(one("another horse battery"), options=AUTO) as visitor:
        visitor.cookie = cookie
        assert await status(visitor) == 303
        assert (await visitor.post("/decide", {"row": "m1 x", "answer": "Feed"})).status == 303
    async with visiting(Access(ScriptedAccount(), api_token="t" * 20), options=AUTO) as visitor:
        visitor.cookie = cookie
        assert await status(visitor) == 303


async def test_a_sign_in_ends_after_90_days(monkeypatch: pytest.MonkeyPatch) -> None:
    def days_ago(days: int) -> None:
        then = int(time.time()) - days * 24 * 3600
        monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda _: then)

    for days, expected in ((89, 200), (91, 303), (-1, 303)):
        days_ago(days)
        cookie = await a_cookie(one())
        monkeypatch.undo()
        async with visiting(one(), options=AUTO) as visitor:
            visitor.cookie = cookie
            assert await status(visitor) == expected


def forgeries(good: str) -> list[str]:
    """Return cookies that nobody signed, made from a good one."""
    name, timestamp, signature = good.split(".")
    guesses = [
        TimestampSigner(key, salt=salt).sign(name).decode()
        for key in (b"", b"mailroom", PASSWORD.encode())
        for salt in (b"mailroom.session", b"")
    ]
    return [
        *guesses,
        "",
        ".",
        "..",
        name,
        good[:-8],
        f"{good}.",
        f".{good}",
        f"{name}..{signature}",
        f"{name}.{timestamp}.",
        f"{name}.{timestamp[::-1]}.{signature}",
        f"{name}.{timestamp}.{signature[::-1]}",
        f"x{name}.{timestamp}.{signature}",
        '".\\377\\000.\\377"',
        "x" * 7000,
        "." * 7000,
    ]


async def test_forged_cookies() -> None:
    account = ScriptedAccount()
    async with visiting(Access(account, password=PASSWORD), options=AUTO) as visitor:
        await visitor.sign_in()
        good = visitor.cookie
        for value in forgeries(good):
            visitor.cookie = value
            assert await status(visitor) == 303, value
            assert (await visitor.post("/undo", {"who": "a@b.example"})).status == 303, value
        visitor.cookie = good
        assert await status(visitor) == 200
    assert not account.asked


@pytest.mark.parametrize(
    "octets", [b"\xff.\xff.\xff", b'"\xff.\xff"', b"=;;=\x01", b"\xe2\x80\xae"]
)
async def test_a_cookie_of_octets(octets: bytes) -> None:
    head = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nCookie: %b=%b\r\n\r\n"
    async with visiting(one(), options=AUTO) as visitor:
        answer = await raw(visitor, head % (COOKIE.encode(), octets))
    assert answer.split()[1] in {b"303", b"400"}


async def test_nobody_sees_the_account_of_another() -> None:
    anna, ben = anna_and_ben()
    async with visiting(anna, ben, options=AUTO) as visitor:
        assert (await visitor.get("/sign-in")).status == 200
        assert visitor.shown["accounts"] == ("anna", "ben")
        assert (await visitor.sign_in(BEN, "anna")).status == 403
        assert (await visitor.sign_in(ANNA, "ben")).status == 403
        assert (await visitor.sign_in(ANNA, "")).status == 403
        assert (await visitor.sign_in(ANNA, "eve")).status == 403
        assert (await visitor.sign_in("", "eve")).status == 403
    async with visiting(anna, ben, options=AUTO) as visitor:
        assert (await visitor.sign_in(ANNA, "anna")).status == 303
        assert await status(visitor) == 200
        assert visitor.shown["page"].account == "anna"
        await visitor.post("/let-in", {"mail": "m1"})
        assert anna.account.asked == [("let_in", "m1")]  # type: ignore[attr-defined]
        assert ben.account.asked == []  # type: ignore[attr-defined]
        visitor.cookie = visitor.cookie.replace("anna", "ben")
        assert await status(visitor) == 303


async def test_the_same_password_signs_in_to_one_account() -> None:
    both = [Access(ScriptedAccount(name), password=PASSWORD) for name in ("anna", "ben")]
    async with visiting(*both, options=AUTO) as visitor:
        await visitor.sign_in(account="anna")
        assert await status(visitor) == 200
        visitor.cookie = visitor.cookie.replace("anna", "ben")
        assert await status(visitor) == 303


async def test_one_of_several_accounts_has_the_page() -> None:
    """Nobody has to choose an account then."""
    async with visiting(anna_and_ben()[0], options=AUTO) as visitor:
        assert (await visitor.get("/sign-in")).status == 200
        assert visitor.shown["accounts"] == ()
        assert (await visitor.sign_in(ANNA)).status == 303
        assert await status(visitor) == 200


async def test_keys_are_derived_when_they_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process may serve a thousand accounts."""
    derived = list[bytes]()
    real = hashlib.scrypt

    def scrypt(password: bytes, **options: Any) -> bytes:
        derived.append(password)
        return real(password, **options)

    monkeypatch.setattr(hashlib, "scrypt", scrypt)
    anna, ben = anna_and_ben()
    async with visiting(anna, ben, options=AUTO) as visitor:
        assert not derived
        for cookie in ("eve.x.y", "anna.x.y", "anna.y.z"):
            visitor.cookie = cookie
            assert await status(visitor) == 303
        visitor.cookie = ""
        await visitor.sign_in(ANNA, "anna")
        assert await status(visitor) == 200
    assert derived == [ANNA.encode()]
