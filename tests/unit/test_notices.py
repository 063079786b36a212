"""Notices: their text, their forms, quiet hours, and the attempts to send them."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from aiohttp import ClientSession
from yarl import URL

from mailroom.admin.notices import composer_of, reason_without_buttons
from mailroom.http import AllowedHosts, Credentials, HttpClient, HttpError
from mailroom.notices.client import NoticeClient
from mailroom.notices.formats import cut, is_ntfy_answer, ntfy_request, webhook_body
from mailroom.notices.notice import Button, Composer, NewSender, Notice
from mailroom.notices.quiet import QuietHours
from mailroom.settings.load import load_settings
from mailroom.settings.mistakes import SettingsError
from tests.support.notices.ntfy import Fault, notice_server, published

NOW = datetime(2026, 2, 9, 10, 0, tzinfo=UTC)
ANN = NewSender("ann@loom.example", "Ann", "ann@loom.example", "Hello", "M1", NOW, {"who": "ann"})
BUTTONS = tuple(Button(name, f"https://m.example/notice/{name}") for name in ("Imbox", "Feed"))
COMPOSER = Composer(
    "",
    has_details=True,
    has_buttons=True,
    page_of=lambda who: f"https://m.example/{who}",
    buttons_of=lambda _: BUTTONS,
)
NOTICE = Notice("New sender: Ann", "Hello", 1, "https://m.example/", BUTTONS)
PAGE = {"WEB_PASSWORD": "correct horse", "WEB_URL": "https://mailroom.example.com"}
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("hours", "moment", "left"),
    [
        ("22:00-07:00", "2026-02-09T22:00", 9.0),
        ("22:00-07:00", "2026-02-09T06:30", 0.5),
        ("22:00-07:00", "2026-02-09T07:00", None),
        ("22:00 - 07:00", "2026-02-09T21:59", None),
        ("12:00-13:00", "2026-02-09T12:15", 0.75),
        # Clocks go forward in this night, and back in that one.
        ("22:00-07:00", "2026-03-28T23:00", 7.0),
        ("22:00-07:00", "2026-10-24T23:00", 9.0),
    ],
)
def test_quiet_hours(hours: str, moment: str, left: float | None) -> None:
    quiet, local = QuietHours.parse(hours), datetime.fromisoformat(moment).replace(tzinfo=BERLIN)
    assert quiet is not None
    assert quiet.covers(local) is (left is not None)
    if left is not None:
        assert quiet.seconds_left(local) == left * 3600


@pytest.mark.parametrize("hours", ["08:00-08:00", "8:00 - 08:00"])
def test_quiet_hours_that_end_when_they_begin_are_refused(hours: str) -> None:
    environ = {"MAILROOM_JMAP_TOKEN": "token", "MAILROOM_NOTIFY_QUIET": hours}
    with pytest.raises(SettingsError, match="must be two different times of day"):
        load_settings(environ)


def test_a_token_without_a_url_is_a_mistake() -> None:
    environ = {"MAILROOM_JMAP_TOKEN": "token", "MAILROOM_NOTIFY_TOKEN": "tk_secret"}
    with pytest.raises(SettingsError) as caught:
        load_settings(environ)
    assert caught.value.mistakes == (
        "MAILROOM_NOTIFY_URL: is missing, because MAILROOM_NOTIFY_TOKEN is set",
    )


@pytest.mark.parametrize(
    ("environ", "reason"),
    [
        ({}, "the page is off"),
        ({"WEB_PASSWORD": "correct horse"}, "MAILROOM_WEB_URL is not set"),
        ({"WEB_AUTH": "none", "WEB_HOST": "::1", "WEB_URL": "http://[::1]"}, "MAILROOM_WEB_AUTH"),
        ({**PAGE, "NOTIFY_DETAILS": "false"}, "MAILROOM_NOTIFY_DETAILS is false"),
        (PAGE, ""),
    ],
)
def test_the_reason_why_notices_have_no_buttons(environ: dict[str, str], reason: str) -> None:
    given = {"JMAP_TOKEN": "token", **environ}
    settings = load_settings({f"MAILROOM_{name}": value for name, value in given.items()})
    assert reason_without_buttons(settings).startswith(reason)
    assert composer_of(settings).has_buttons is not bool(reason)


def test_few_senders_have_a_notice_each_and_many_share_one() -> None:
    senders = [replace(ANN, name=f"P{number}") for number in range(6)]
    assert [notice.title for notice in COMPOSER.notices(senders[:5])] == [
        f"New sender: P{number}" for number in range(5)
    ]
    (shared,) = COMPOSER.notices(senders)
    assert (shared.title, shared.count, shared.buttons) == ("6 new senders wait", 6, ())
    assert shared.message.split("\n") == ["P0", "P1", "P2", "P3", "P4", "and 1 more"]
    (held,) = COMPOSER.notices(senders[:2], held_since="22:00")
    assert held.title == "2 new senders wait since 22:00"
    (single,) = COMPOSER.notices(senders[:1], held_since="22:00")
    assert (single.title, single.buttons) == ("New sender: P0", BUTTONS)
    assert COMPOSER.notices([]) == []


def test_the_text_of_a_stranger_is_cleaned_and_cut() -> None:
    nasty = replace(ANN, name="A\u202enn\n\x07" + "n" * 999, subject_line="<b>\ud800\u200b" * 999)
    (notice,) = COMPOSER.notices([nasty])
    assert notice.title.startswith("New sender: Ann n")
    assert len(notice.title) < 200
    assert len(notice.message.encode()) < 1000
    assert not [mark for mark in "\u202e\x07\ud800\u200b" if mark in notice.title + notice.message]
    without_name = COMPOSER.notices([replace(ANN, name="", address="an\u202en@loom.example")])
    assert without_name[0].title == r"New sender: an\u202en@loom.example"


def test_ntfy_accepts_the_largest_notice() -> None:
    """The server is asked for what it accepts, with text in which every letter has four octets."""
    address = "\N{PILE OF POO}" * 150 + "@loom.example"
    sender = replace(ANN, name=address, address=address, who=address, subject_line=address * 9)
    links = tuple(Button("Imbox", f"https://m.example/notice/{'x' * 1200}") for _ in range(4))
    composer = replace(COMPOSER, buttons_of=lambda _: links)
    (notice,) = composer.notices([sender])
    root, body = ntfy_request(URL("https://ntfy.example/mailroom"), notice)
    assert root == URL("https://ntfy.example/")
    message = published(body)
    assert (message["topic"], len(message["actions"])) == ("mailroom", 3)
    assert message["actions"][0]["method"] == "POST"
    many = replace(notice, buttons=tuple(replace(link, url=link.url * 3) for link in links))
    _, small = ntfy_request(URL("https://ntfy.example/mailroom"), many)
    assert "actions" not in published(small)
    assert len(small) <= 8192


def test_a_webhook_gets_the_same_facts() -> None:
    assert json.loads(webhook_body(replace(NOTICE, waiting=(ANN.data,)))) == {
        "event": "waiting",
        "account": "",
        "title": "New sender: Ann",
        "message": "Hello",
        "count": 1,
        "waiting": [{"who": "ann"}],
        "url": "https://m.example/",
        "answers": [{"category": button.label, "url": button.url} for button in BUTTONS],
    }
    assert json.loads(webhook_body(COMPOSER.test()))["event"] == "test"


def test_no_text_of_a_stranger_becomes_a_link() -> None:
    sender = replace(ANN, name="Ann http://evil.example", subject_line="www.evil.example/x")
    (notice,) = COMPOSER.notices([sender])
    assert "evil.example" not in notice.title + notice.message
    assert "[link]" in notice.message


@pytest.mark.parametrize(
    ("answer", "is_ntfys"),
    [
        (b'{"id": "sPs71M8A2T", "time": 1, "event": "message", "topic": "mailroom"}', True),
        (b'{"id": 25, "appid": 5, "message": "Hello"}', False),  # Gotify
        (b"<html>Welcome</html>", False),
        (b"[" * 60_000, False),
        (b"", False),
    ],
    ids=["ntfy", "Gotify", "a page", "brackets", "nothing"],
)
def test_only_ntfys_answer_shows_that_a_notice_was_sent(answer: bytes, *, is_ntfys: bool) -> None:
    assert is_ntfy_answer(answer) is is_ntfys


def test_a_text_is_cut_between_two_letters() -> None:
    assert cut("äöü", 6) == "äöü"
    assert cut("äöüä", 6) == "ä…"


@pytest.mark.parametrize(
    ("fault", "asked", "pauses", "failure"),
    [
        (Fault(500), 2, 1, ""),
        (Fault(429, {"Retry-After": "120"}), 2, 1, ""),
        (Fault(429, {"Retry-After": "7200"}), 1, 0, "429"),
        (Fault(), 1, 0, "Disconnected"),
        (Fault(401), 1, 0, "refused with status 401"),
        (Fault(302, {"Location": "http://127.0.0.1:1/"}), 1, 0, "redirected with status 302"),
        (Fault(200), 1, 0, "the answer is not ntfy's"),
    ],
)
async def test_a_notice_is_sent_again_only_if_it_was_not_accepted(
    fault: Fault, asked: int, pauses: int, failure: str
) -> None:
    slept = list[float]()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async with notice_server("tk_secret") as server, ClientSession() as session:
        server.faults.append(fault)
        target = URL(f"{server.url}/mailroom")
        http = HttpClient(session, Credentials.bearer("tk_secret", AllowedHosts(target)))
        client = NoticeClient(http, target, is_ntfy=True, sleep=sleep)
        if failure:
            with pytest.raises(HttpError) as caught:
                await client.send(NOTICE)
            assert failure in caught.value.reason()
        else:
            await client.send(NOTICE)
        assert (len(server.requests), len(slept)) == (asked, pauses)
        if "Retry-After" in fault.headers and slept:
            assert slept[0] >= 120
