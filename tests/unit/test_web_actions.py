"""The forms of the page: what they ask the account for, and their answers."""

import string
from dataclasses import asdict
from random import Random
from typing import Any

import pytest
from itsdangerous import URLSafeTimedSerializer
from yarl import URL

from mailroom.web.model import SPAM, AccountUnavailableError, Choice, Outcome, RefusedError, Scope
from mailroom.web.options import Access, PageOptions
from tests.support.page.account import ScriptedAccount
from tests.support.page.visitor import PASSWORD, SAME_ORIGIN, SCRIPT, Visitor, visiting

WHO = "stranger1@loom.example"
DECIDE = {"row": f"m1 {WHO}", "answer": "Feed"}
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def account() -> ScriptedAccount:
    return ScriptedAccount()


async def follow(visitor: Visitor, location: str) -> tuple[Outcome, ...]:
    """Return the outcomes that the page shows to which a form was led back."""
    response = await visitor.get(location)
    assert response.status == 200
    done: tuple[Outcome, ...] = visitor.shown["page"].done
    return done


@pytest.mark.parametrize(
    ("path", "form", "asked", "outcome"),
    [
        ("/decide", DECIDE, Choice(WHO, "Feed", mail_id="m1"), Outcome(WHO, "Feed", mails=2)),
        (
            "/decide",
            {"row": " <dev.lists.example>", "answer": SPAM, "scope": "list", "mark_read": "on"},
            Choice("<dev.lists.example>", SPAM, scope=Scope.LIST, mark_read=True),
            Outcome("<dev.lists.example>", SPAM, mails=2),
        ),
        ("/undo", {"who": WHO}, (WHO, ""), Outcome(WHO, "", mails=1, before=("Feed",))),
        (
            "/undo",
            {"who": WHO, "category": "Imbox"},
            (WHO, "Imbox"),
            Outcome(WHO, "Imbox", mails=1, before=("Feed",)),
        ),
        ("/let-in", {"mail": "m1", "who": WHO}, "m1", Outcome(WHO, "", mails=1, let_in="m1")),
        ("/send-back", {"mail": "m1", "who": WHO}, "m1", Outcome(WHO, "", mails=1)),
    ],
)
async def test_a_plain_form_is_led_back_to_its_page(
    path: str, form: dict[str, str], asked: Any, outcome: Outcome, account: ScriptedAccount
) -> None:
    async with visiting(Access(account)) as visitor:
        response = await visitor.post(path, {**form, "return_to": "/?search=loom&page=1"})
        location = URL(response.headers["Location"])
        assert (response.status, location.path) == (303, "/")
        assert location.query["search"] == "loom"
        assert await follow(visitor, str(location)) == (outcome,)
        # The forms of the page that follows lead back without the message.
        assert visitor.shown["page"].return_to == "/?search=loom&page=1"
    name = path.removeprefix("/").replace("-", "_")
    assert account.asked == [(name, *(asked if isinstance(asked, tuple) else (asked,)))]


async def test_the_script_gets_the_outcomes_alone(account: ScriptedAccount) -> None:
    async with visiting(Access(account)) as visitor:
        rows = [("row", f"m{number} stranger{number}@loom.example") for number in (1, 2)]
        response = await visitor.post("/decide", [*rows, ("answer", "Feed")], SCRIPT)
        assert (response.status, visitor.shown["template"]) == (200, "_outcomes.html")
        outcomes = visitor.shown["outcomes"]
        assert [row for row, _ in outcomes] == ["m1", "m2"]
        assert [outcome.who for _, outcome in outcomes] == [row.split()[1] for _, row in rows]
        await visitor.post("/undo", {"who": WHO, "row": "m1"}, SCRIPT)
        assert [row for row, _ in visitor.shown["outcomes"]] == ["m1"]
        await visitor.post("/let-in", {"mail": "m7", "who": WHO}, SCRIPT)
        assert [row for row, _ in visitor.shown["outcomes"]] == ["m7"]


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (RefusedError("nobody may decide that"), 422, "nobody may decide that"),
        (AccountUnavailableError("the server is down"), 503, "the server is down"),
        (KeyError("a mistake"), 500, ""),
    ],
)
@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/decide", DECIDE),
        ("/undo", {"who": WHO}),
        ("/let-in", {"mail": "m1"}),
        ("/send-back", {"mail": "m1"}),
        ("/clear", {"older": "30d"}),
        ("/suggest", {"tick": WHO, f"category:{WHO}": "Feed"}),
    ],
)
async def test_failures(
    path: str,
    form: dict[str, str],
    error: Exception,
    status: int,
    text: str,
    account: ScriptedAccount,
) -> None:
    account.error = error
    async with visiting(Access(account)) as visitor:
        for headers, template in ((SCRIPT, "_problem.html"), (SAME_ORIGIN, "error.html")):
            response = await visitor.post(path, form, headers)
            assert (response.status, visitor.shown["template"]) == (status, template)
            assert (visitor.shown["status"], visitor.shown["text"]) == (status, text)
            assert ("Retry-After" in response.headers) == (status == 503)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/decide", b"", 422),
        ("/decide", b"row=m1+a@b.example", 400),
        ("/decide", b"row=m1+a@b.example&answer=", 400),
        ("/decide", b"answer=Feed", 422),
        ("/decide", b"row=m1+a@b.example&answer=Feed&scope=universe", 422),
        ("/decide", b"row=m1+a@b.example&answer=Feed\xff", 400),
        ("/decide", b"\xff\xfe\x00", 400),
        ("/decide", b"row=" + b"x" * 65_536, 413),
        ("/undo", b"", 400),
        ("/undo", b"who=", 400),
        ("/let-in", b"who=a@b.example", 400),
        ("/send-back", b"", 400),
        ("/clear", b"", 400),
        ("/suggest", b"", 422),
        ("/suggest", b"tick=a@b.example", 422),
        ("/suggest", b"category:a@b.example=Feed", 422),
    ],
)
async def test_forms_that_nobody_sends(
    path: str, body: bytes, status: int, account: ScriptedAccount
) -> None:
    async with visiting(Access(account)) as visitor:
        response = await visitor.post(path, body, {**SAME_ORIGIN, "Content-Type": FORM})
        assert (response.status, visitor.shown["template"]) == (status, "error.html")
    assert not account.asked


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data; boundary=x",
        "application/json",
        "text/plain",
        "nonsense",
        "",
        f"{FORM}; charset=zlib",
        f"{FORM}; charset=nonsense",
        f"{FORM}; charset=utf-16",
        f"{FORM}; charset=utf-7",
    ],
)
async def test_other_encodings(content_type: str, account: ScriptedAccount) -> None:
    async with visiting(Access(account)) as visitor:
        body = b"row=m1+a%40b.example&answer=Feed"
        response = await visitor.post(
            "/decide", body, {**SAME_ORIGIN, "Content-Type": content_type}
        )
        assert response.status == 415
    assert not account.asked


async def test_octets_that_are_no_text_are_replaced(account: ScriptedAccount) -> None:
    async with visiting(Access(account)) as visitor:
        headers = {**SAME_ORIGIN, "Content-Type": f"{FORM}; charset=UTF-8"}
        response = await visitor.post("/undo", b"who=a%ff%ed%a0%80@b.example", headers)
        assert response.status == 303
    ((_, who, _),) = account.asked
    who.encode()


async def test_many_rows_at_once(account: ScriptedAccount) -> None:
    async with visiting(Access(account)) as visitor:
        rows = [("row", f"m{number} a{number}@b.example") for number in range(900)]
        response = await visitor.post("/decide", [*rows, ("answer", "Feed")])
        assert len(await follow(visitor, response.headers["Location"])) == 20
    assert len(account.asked[0]) == 901


async def test_outcomes_fit_an_address(account: ScriptedAccount) -> None:
    """Failures are shown rather than others."""
    random = Random(0)  # noqa: S311 - no secret

    def long(choice: Choice) -> Outcome:
        noise = "".join(random.choices(string.ascii_letters, k=5000))
        return Outcome(choice.who, "Feed", failure=noise if ".19@" in choice.who else "")

    account.outcome = long
    async with visiting(Access(account)) as visitor:
        rows = [
            ("row", f"m{number} {'x' * 250}{random.random()}.{number}@b.example")
            for number in range(30)
        ]
        response = await visitor.post(
            "/decide", [*rows, ("answer", "Feed"), ("return_to", "/?all")]
        )
        location = response.headers["Location"]
        assert len(location) < 5000
        done = await follow(visitor, location)
        assert done[0].who.endswith(".19@b.example")
        assert len(done[0].failure) == 300
        assert 5 < len(done) <= 20


def forgeries(good: str) -> list[str]:
    """Return values of ``done`` that the server has not signed."""
    payload, timestamp, signature = good.split(".")[-3:]
    outcomes = [{**asdict(Outcome(WHO, "Feed")), "data": {}}]
    return [
        "",
        "x",
        "..",
        "." * 3000,
        "\ufffd",
        good[:-6],
        f"{payload}.{timestamp}.{signature[::-1]}",
        f"{payload[::-1]}.{timestamp}.{signature}",
        *(
            str(URLSafeTimedSerializer(key, salt="mailroom.outcomes.").dumps(outcomes))
            for key in (b"", b"mailroom")
        ),
    ]


async def test_no_crafted_link_shows_an_outcome(account: ScriptedAccount) -> None:
    async with visiting(Access(account)) as visitor:
        location = URL((await visitor.post("/undo", {"who": WHO})).headers["Location"])
        good = location.query["done"]
        for value in forgeries(good):
            path = str(URL("/").with_query(all="", done=value))
            assert await follow(visitor, path) == (), value
    async with visiting(Access(account)) as visitor:  # another process
        assert await follow(visitor, str(location)) == ()


async def test_an_outcome_of_another_account_is_not_shown() -> None:
    accesses = [Access(ScriptedAccount(name), password=f"{name} {PASSWORD}") for name in ("a", "b")]
    async with visiting(*accesses, options=PageOptions()) as visitor:
        await visitor.sign_in(f"a {PASSWORD}", "a")
        location = (await visitor.post("/undo", {"who": WHO})).headers["Location"]
        assert len(await follow(visitor, location)) == 1
        await visitor.sign_in(f"b {PASSWORD}", "b")
        assert await follow(visitor, location) == ()
        visitor.cookie = ""
        assert (await visitor.get(location)).status == 303
        assert (await visitor.get(location.replace("/?", "/nowhere?"))).status == 404
        assert visitor.shown["page"].done == ()


async def test_suggestions_that_are_ticked(account: ScriptedAccount) -> None:
    account.outcome = lambda choice: Outcome(
        choice.who, choice.answer, failure="no" if choice.who.startswith("a") else ""
    )
    async with visiting(Access(account)) as visitor:
        form = [
            *(("tick", who) for who in ("a@b.example", "*@c.example", "a@b.example")),
            ("category:a@b.example", "Feed"),
            ("category:*@c.example", "Imbox"),
            ("category:not-ticked@b.example", "Feed"),
        ]
        response = await visitor.post("/suggest", form)
        assert URL(response.headers["Location"]).path == "/decided"
        assert account.asked == [
            ("decide", Choice("a@b.example", "Feed"), Choice("*@c.example", "Imbox"))
        ]
        done = await follow(visitor, response.headers["Location"])
        assert [outcome.failure for outcome in done] == ["no"]


async def test_clearing(account: ScriptedAccount) -> None:
    async with visiting(Access(account)) as visitor:
        assert (await visitor.get("/clear?older=7d")).status == 200
        assert (visitor.shown["older"], visitor.shown["done"]) == ("7d", False)
        assert account.asked == []
        assert (await visitor.post("/clear", {"older": "7d"})).status == 200
        assert (visitor.shown["cleared"].mails, visitor.shown["done"]) == (3, True)
        assert (await visitor.post("/clear", {"older": ""})).status == 200
    assert account.asked == [("clear", "7d"), ("clear", "")]
