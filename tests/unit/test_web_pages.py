"""The pages that show something: their values, paging, search, and failures."""

import pytest

from mailroom.web.model import AccountUnavailableError, Answer, RefusedError, Waiting
from mailroom.web.options import Access, PageOptions
from tests.support.page.account import ANSWERS, NOW, ScriptedAccount, row
from tests.support.page.visitor import PASSWORD, visiting

ALL = tuple(row(number) for number in range(1, 121))


def shown_ids(rows: object) -> list[str]:
    assert isinstance(rows, tuple | list)
    return [shown.newest_id for shown in rows]


@pytest.fixture
def account() -> ScriptedAccount:
    return ScriptedAccount(shown=Waiting(ALL, NOW))


@pytest.mark.parametrize(
    ("query", "first", "number"),
    [
        ("", "m1", 1),
        ("?page=1", "m1", 1),
        ("?page=2", "m51", 2),
        ("?page=3", "m101", 3),
        ("?page=4", "m101", 3),
        ("?page=999999", "m101", 3),
        ("?page=0", "m1", 1),
        ("?page=-1", "m1", 1),
        ("?page=", "m1", 1),
        ("?page=x", "m1", 1),
        ("?page=%D9%A2", "m1", 1),
        ("?page=%C2%B2", "m1", 1),
        ("?page=" + "9" * 5000, "m1", 1),
        ("?page=2&page=3", "m51", 2),
    ],
)
@pytest.mark.parametrize(("path", "template"), [("/", "waiting.html"), ("/rows", "_rows.html")])
async def test_pages_of_fifty(
    path: str, template: str, query: str, first: str, number: int, account: ScriptedAccount
) -> None:
    async with visiting(Access(account)) as visitor:
        assert (await visitor.get(path + query)).status == 200
    shown = visitor.shown
    assert (shown["template"], shown["page_number"], shown["pages"]) == (template, number, 3)
    assert shown_ids(shown["rows"])[0] == first
    assert len(shown["rows"]) == (20 if number == 3 else 50)
    assert shown["page"].waiting_count == 120


@pytest.mark.parametrize("query", ["", "?page=2", "?search=/rows&page=1"])
async def test_forms_of_a_list_lead_back_to_its_page(query: str, account: ScriptedAccount) -> None:
    async with visiting(Access(account)) as visitor:
        for path in ("/", "/rows"):
            assert (await visitor.get(path + query)).status == 200
            assert visitor.shown["page"].return_to == f"/{query}"


@pytest.mark.parametrize(
    ("search", "ids"),
    [
        ("stranger77@", ["m77"]),
        ("STRANGER77", ["m77"]),
        ("hello 77", ["m77"]),
        ("  hello 77  ", ["m77"]),
        ("stra%C3%9Fe", ["m1"]),
        ("STRASSE", ["m1"]),
        ("nobody", []),
        ("%ff%00", []),
        ("%3Cscript%3E", []),
    ],
)
async def test_search(search: str, ids: list[str], account: ScriptedAccount) -> None:
    account.show(Waiting((row(1, name="Straße"), *ALL[1:]), NOW))
    async with visiting(Access(account)) as visitor:
        assert (await visitor.get(f"/?search={search.replace(' ', '+')}")).status == 200
    assert shown_ids(visitor.shown["rows"]) == ids
    assert visitor.shown["page"].waiting_count == 120
    assert visitor.shown["pages"] == 1


async def test_the_first_use_leads_to_the_suggestions_once(account: ScriptedAccount) -> None:
    account.show(Waiting((), NOW, is_first_use=True))
    async with visiting(Access(account)) as visitor:
        response = await visitor.get("/")
        assert (response.status, response.headers["Location"]) == (303, "/suggest")
        assert (await visitor.get("/?all")).status == 200
        assert (await visitor.get("/rows")).status == 200
        assert (await visitor.get("/suggest")).status == 200
        assert visitor.shown["suggestions"].is_complete


async def test_an_old_list_is_shown_with_its_reason(account: ScriptedAccount) -> None:
    account.show(Waiting(ALL[:2], NOW, problem="the mail server cannot be reached"))
    async with visiting(Access(account)) as visitor:
        assert (await visitor.get("/")).status == 200
        assert visitor.shown["waiting"].problem == "the mail server cannot be reached"
        assert shown_ids(visitor.shown["rows"]) == ["m1", "m2"]
        response = await visitor.get("/api/waiting")
    assert response.status == 401


@pytest.mark.parametrize(
    "path", ["/", "/rows", "/decided", "/subject?who=a@b.example", "/suggest", "/clear"]
)
async def test_an_account_that_cannot_be_used(path: str, account: ScriptedAccount) -> None:
    account.error = AccountUnavailableError("the mail server cannot be reached: <b>refused</b>")
    async with visiting(Access(account)) as visitor:
        response = await visitor.get(path)
        assert (response.status, visitor.shown["template"]) == (503, "error.html")
        assert response.headers["Retry-After"] == "60"
        assert visitor.shown["text"] == "the mail server cannot be reached: <b>refused</b>"
        assert visitor.shown["advice"] == "Nothing is lost. Try again in a minute."
        assert visitor.shown["page"].signed_in
        await visitor.get(path, X_Requested_With="mailroom")
        assert visitor.shown["template"] == "_problem.html"
        account.error = RefusedError("not an address: 'x'")
        assert (await visitor.get(path)).status == 422
        account.error = None
        assert (await visitor.get(path)).status == 200


async def test_decided(account: ScriptedAccount) -> None:
    async with visiting(Access(account)) as visitor:
        assert (await visitor.get("/decided?category=Feed&search=+news+")).status == 200
    assert account.asked == [("decided", "Feed", "news")]
    assert visitor.shown["categories"] == ["Imbox", "Feed", "Paper Trail", "Screened Out"]
    assert (visitor.shown["category"], visitor.shown["search"]) == ("Feed", "news")


async def test_a_subject_may_be_any_text(account: ScriptedAccount) -> None:
    async with visiting(Access(account)) as visitor:
        assert (await visitor.get("/subject?who=%3Cdev.lists.example%3E")).status == 200
        assert visitor.shown["page"].title == "<dev.lists.example>"
        assert (await visitor.get("/subject?who=%FF%FE%00%ED%A0%80")).status == 200
        assert (await visitor.get("/subject")).status == 200
    whos = [who for _, who in account.asked]
    assert whos[0] == "<dev.lists.example>"
    assert whos[2] == ""
    whos[1].encode()


@pytest.mark.parametrize(
    ("names", "answers", "chosen"),
    [
        ((), ANSWERS, ["Imbox", "Feed", "Paper Trail", "Screened Out"]),
        (("feed", "SCREENED OUT"), ANSWERS, ["Feed", "Screened Out"]),
        (("Feed", "Gone"), ANSWERS, ["Feed"]),
        ((), (Answer("A"), Answer("B"), Answer("spam", denies=True)), ["A", "B"]),
        (
            (),
            tuple(Answer(name, denies=name == "E") for name in ("A", "B", "C", "D", "E", "spam")),
            ["A", "B", "C", "E"],
        ),
        ((), (Answer("Feed"), Answer("No", denies=True), Answer("spam")), ["Feed", "No"]),
        (
            (),
            (Answer("A"), Answer("No", denies=True), Answer("B"), Answer("spam")),
            ["A", "B", "No"],
        ),
    ],
)
async def test_answers_of_a_row(
    names: tuple[str, ...], answers: tuple[Answer, ...], chosen: list[str]
) -> None:
    account = ScriptedAccount(answers=answers)
    async with visiting(Access(account, answer_names=names)) as visitor:
        await visitor.get("/")
    assert [answer.name for answer in visitor.shown["page"].row_answers] == chosen
    assert visitor.shown["page"].answers == answers


async def test_files_and_the_offline_page_need_no_sign_in(account: ScriptedAccount) -> None:
    access = Access(account, password=PASSWORD)
    async with visiting(access, options=PageOptions()) as visitor:
        response = await visitor.get("/offline")
        assert (response.status, response.headers["Cache-Control"]) == (200, "max-age=86400")
        assert visitor.shown == {"template": "offline.html"}
        response = await visitor.get("/static/page.js")
        assert (response.status, response.content_type) == (200, "text/javascript")
        assert response.headers["Cache-Control"] == "no-store"
        (version,) = {
            line.partition("?v=")[2].partition('"')[0]
            for line in (await (await visitor.get("/sign-in")).text()).splitlines()
            if "/static/page.js" in line
        }
        response = await visitor.get(f"/static/page.js?v={version}")
        assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        response = await visitor.get("/static/page.js?v=older")
        assert response.headers["Cache-Control"] == "no-store"
        for path, content_type in (
            ("/manifest.webmanifest", "application/manifest+json"),
            ("/sw.js", "text/javascript"),
            ("/static/icon.svg", "image/svg+xml"),
        ):
            response = await visitor.get(path)
            assert (response.status, response.content_type) == (200, content_type)
    assert not account.asked
