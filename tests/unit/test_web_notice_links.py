"""Links of notices under attack: a link decides one thing for three days, and nothing else."""

import time
from collections.abc import Iterator
from unittest.mock import patch

import pytest
from itsdangerous import URLSafeTimedSerializer

from mailroom.web.model import Choice
from mailroom.web.notice_links import (
    ExpiredLinkError,
    InvalidLinkError,
    LinkSigner,
    NoticeLink,
)
from mailroom.web.options import Access, PageOptions
from mailroom.web.question import LinkState
from tests.support.page.account import ScriptedAccount
from tests.support.page.visitor import PASSWORD, visiting

TOKEN = "t" * 20
LINK = NoticeLink("ann@loom.example", "Feed", "M1")
DAY = 24 * 3600
SIGNER = LinkSigner("", api_token="", password=PASSWORD)
OPTIONS = PageOptions(url="https://mail.example")


@pytest.fixture
def now() -> Iterator[list[float]]:
    """The time by which links are signed and checked; it can be changed."""
    clock = [time.time()]
    with patch("itsdangerous.timed.time.time", lambda: clock[0]):
        yield clock


def test_a_link_is_valid_for_three_days(now: list[float]) -> None:
    text = SIGNER.sign(LINK)
    now[0] += 3 * DAY - 1
    assert SIGNER.read(text) == LINK
    now[0] += 2
    with pytest.raises(ExpiredLinkError):
        SIGNER.read(text)


def test_any_process_with_the_same_secret_reads_a_link() -> None:
    assert LinkSigner("", api_token="", password=PASSWORD).read(SIGNER.sign(LINK)) == LINK
    with_token = LinkSigner("", api_token=TOKEN, password=PASSWORD)
    assert LinkSigner("", api_token=TOKEN, password="").read(with_token.sign(LINK)) == LINK
    without = LinkSigner("", api_token="", password="")
    assert LinkSigner("", api_token="", password="").read(without.sign(LINK)) == LINK


@pytest.mark.parametrize(
    "other",
    [
        LinkSigner("", api_token="", password="another password"),
        LinkSigner("", api_token=TOKEN, password=PASSWORD),
        LinkSigner("anna", api_token="", password=PASSWORD),
        LinkSigner("", api_token="", password=""),
    ],
)
def test_another_secret_or_account_does_not_read_it(other: LinkSigner) -> None:
    with pytest.raises(InvalidLinkError):
        other.read(SIGNER.sign(LINK))


def test_a_text_that_was_signed_for_another_purpose_is_no_link() -> None:
    key = SIGNER._serializer.secret_keys
    others = URLSafeTimedSerializer(key, salt="mailroom.outcomes", signer_kwargs={})
    with pytest.raises(InvalidLinkError):
        SIGNER.read(str(others.dumps(["ann@loom.example", "Feed", "M1"])))


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_opening_a_link_changes_nothing(method: str) -> None:
    account = ScriptedAccount()
    async with visiting(Access(account, password=PASSWORD), options=OPTIONS) as visitor:
        response = await visitor.request(method, f"/notice/{SIGNER.sign(LINK)}")
        assert response.status == 200
        assert visitor.shown["question"].answer == "Feed"
        assert not visitor.shown["page"].signed_in
    assert not account.asked


async def test_a_link_needs_no_cookie_and_no_origin_and_decides_its_own_question_only() -> None:
    account = ScriptedAccount()
    async with visiting(Access(account, password=PASSWORD), options=OPTIONS) as visitor:
        path = f"/notice/{SIGNER.sign(LINK)}"
        # A form in the body, and a query, are no part of the link.
        response = await visitor.request(
            "POST",
            f"{path}?who=eve@evil.example",
            data={"who": "eve@evil.example", "answer": "Imbox"},
            headers={"Sec-Fetch-Site": "cross-site", "Origin": "https://ntfy.example"},
        )
        assert response.status == 200
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert "Set-Cookie" not in response.headers
        for other in ("/decide", "/undo", "/clear"):
            refused = await visitor.request("POST", other, data={"who": "ann@loom.example"})
            assert refused.status == 403
        assert (await visitor.request("POST", "/notice/x/decide")).status == 404
    assert account.asked == [("answer_notice", Choice("ann@loom.example", "Feed", mail_id="M1"))]


@pytest.mark.parametrize(
    "state", [LinkState.DONE, LinkState.DECIDED, LinkState.USED, LinkState.GONE]
)
async def test_a_question_that_is_not_open_is_only_told(state: LinkState) -> None:
    account = ScriptedAccount(link_state=state)
    async with visiting(Access(account, password=PASSWORD), options=OPTIONS) as visitor:
        response = await visitor.request("POST", f"/notice/{SIGNER.sign(LINK)}")
        page = await response.text()
    statuses = {LinkState.DONE: 200, LinkState.DECIDED: 409}
    assert response.status == statuses.get(state, 410)
    assert "<form" not in page
    assert not account.asked


def _forged() -> list[str]:
    text = SIGNER.sign(LINK)
    content, moment, signature = text.rsplit(".", 2)
    longer = SIGNER.sign(NoticeLink("eve@evil.example", "Imbox", "M1")).rsplit(".", 2)[0]
    return [
        "x",
        "%00",
        "%ff.a.b",
        f"{text}x",
        text[:-1] + ("A" if text[-1] != "A" else "E"),
        f"{longer}.{moment}.{signature}",
        f"{content}.{moment}.",
        f"{content}.zzzzzz.{signature}",
        LinkSigner("", api_token="", password="guess").sign(LINK),
    ]


async def test_a_forged_link_is_refused_before_the_account_is_read() -> None:
    account = ScriptedAccount(error=AssertionError("the account was read"))
    async with visiting(Access(account, password=PASSWORD), options=OPTIONS) as visitor:
        for link in _forged():
            for method in ("GET", "POST"):
                response = await visitor.request(method, f"/notice/{link}")
                assert response.status == 403, link
                assert "not valid" in await response.text()


async def test_a_link_of_another_account_and_an_old_one(now: list[float]) -> None:
    anna, ben = ScriptedAccount("anna"), ScriptedAccount("ben")
    accesses = [Access(account, password=PASSWORD) for account in (anna, ben)]
    link = LinkSigner("ben", api_token="", password=PASSWORD).sign(LINK)
    async with visiting(*accesses, options=OPTIONS) as visitor:
        assert (await visitor.request("POST", f"/notice/{link}")).status == 200
        assert (bool(anna.asked), bool(ben.asked)) == (False, True)
        now[0] += 4 * DAY
        assert (await visitor.request("POST", f"/notice/{link}")).status == 410
        assert (await visitor.request("GET", f"/notice/{link}")).status == 410
    assert len(ben.asked) == 1


async def test_the_host_of_a_link_is_checked() -> None:
    async with visiting(Access(ScriptedAccount(), password=PASSWORD), options=OPTIONS) as visitor:
        path = f"/notice/{SIGNER.sign(LINK)}"
        response = await visitor.request("POST", path, headers={"Host": "evil.example"})
    assert response.status == 421
