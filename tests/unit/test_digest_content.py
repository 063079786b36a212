"""When a digest is due, who is new in it, and how it reads. No server."""

import os
import time as clock
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from mailroom.digest.content import Digest, Window, digest_of
from mailroom.digest.message import (
    Frame,
    address_of,
    as_html,
    as_text,
    compose,
    subject_line,
)
from mailroom.digest.times import due_today, next_due
from mailroom.screener.model.subject import Subject
from mailroom.screener.overview.decided import DecidedCard
from mailroom.screener.overview.waiting import WaitingSubject, WaitReason
from mailroom.settings.digest import DigestSettings
from mailroom.settings.load import load_settings
from mailroom.settings.mistakes import SettingsError
from mailroom.web.text import unlinked

BERLIN = ZoneInfo("Europe/Berlin")
DUE = datetime(2026, 11, 28, 7, 0, tzinfo=UTC)
WINDOW = Window(after=datetime(2026, 11, 27, 7, 0, tzinfo=UTC), until=DUE)
FRAME = Frame(
    account="alice",
    owner="alice@example.com",
    due=DUE,
    zone=BERLIN,
    labels=[("Imbox", "@ToImbox"), ("Jail", "@ToJail")],
    page="https://mailroom.example.com",
)
EIGHT = time(8, 0)
FIRST_CONTACT = Path(__file__).parents[2] / "docs" / "first-contact.md"


def waits(
    address: str,
    *,
    name: str = "",
    line: str = "Hello",
    since: str = "2026-11-28T05:00:00Z",
    reason: WaitReason = WaitReason.STRANGER,
    mails: int = 1,
) -> WaitingSubject:
    ids = tuple(f"{address} {number}" for number in range(mails))
    return WaitingSubject(Subject(address), reason, name, address, since, since, ids, line, "")


def digest(*people: WaitingSubject, others: tuple[WaitingSubject, ...] = ()) -> Digest:
    return Digest(people, others, forged=0, longer=0, decided=())


# When


@pytest.mark.parametrize(
    ("now", "due"),
    [
        ("2026-11-28T06:59:59", None),
        ("2026-11-28T07:00:00", "2026-11-28T07:00:00"),
        ("2026-11-28T07:05:00", "2026-11-28T07:00:00"),
        ("2026-11-28T22:59:59", "2026-11-28T07:00:00"),
        ("2026-11-28T23:00:00", None),  # midnight in Berlin
    ],
)
def test_a_digest_is_due_from_its_time_until_midnight(now: str, due: str | None) -> None:
    found = due_today(datetime.fromisoformat(now).replace(tzinfo=UTC), EIGHT, BERLIN)
    assert found == (due and datetime.fromisoformat(due).replace(tzinfo=UTC))


@pytest.mark.parametrize(
    ("now", "at", "due"),
    [
        # 2026-03-29 has no 02:30 in Berlin: clocks go from 02:00 to 03:00.
        ("2026-03-29T00:30:00", time(2, 30), "2026-03-29T01:30:00"),
        # 2026-10-25 has 02:30 twice; the first is in summer time.
        ("2026-10-25T00:00:00", time(2, 30), "2026-10-25T00:30:00"),
        ("2026-10-25T00:45:00", time(2, 30), "2026-10-26T01:30:00"),
        ("2026-11-28T07:00:00", EIGHT, "2026-11-29T07:00:00"),
        ("2026-11-28T06:59:00", EIGHT, "2026-11-28T07:00:00"),
    ],
)
def test_the_next_digest_comes_once_a_day_when_clocks_change(now: str, at: time, due: str) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert next_due(moment, at, BERLIN) == datetime.fromisoformat(due).replace(tzinfo=UTC)


def test_a_time_without_quotes_in_yaml_is_read_as_it_was_written(tmp_path: Path) -> None:
    """In YAML 1.1, 8:30 is a number to the base 60: the same as 510."""

    def load(at: str) -> DigestSettings:
        (tmp_path / "mailroom.yaml").write_text(f"digest:\n  at: {at}\n")
        return load_settings({"MAILROOM_JMAP_TOKEN": "token"}, cwd=tmp_path).digest

    assert load("8:30").time == time(8, 30)
    for number in ("8", "510"):
        with pytest.raises(SettingsError, match="must be a text"):
            load(number)


@pytest.fixture
def machine_in_tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    clock.tzset()
    yield
    monkeypatch.undo()
    os.environ.setdefault("TZ", "UTC")
    clock.tzset()


@pytest.mark.usefixtures("machine_in_tokyo")
def test_without_a_time_zone_the_machines_counts() -> None:
    assert next_due(DUE, EIGHT, None) == datetime(2026, 11, 28, 23, 0, tzinfo=UTC)


# Who


@pytest.mark.parametrize(
    ("since", "new", "longer"),
    [
        ("2026-11-27T07:00:00Z", 0, 1),
        ("2026-11-27T07:00:01Z", 1, 0),
        ("2026-11-28T07:00:00Z", 1, 0),
        ("2026-11-28T07:00:01Z", 0, 0),  # comes in tomorrow's digest
        ("nonsense", 0, 1),
    ],
)
def test_who_came_since_the_last_digest_is_new(since: str, new: int, longer: int) -> None:
    found = digest_of([waits("ann@x.example", since=since)], WINDOW, set(), ())
    assert (found.new, found.longer) == (new, longer)
    assert found.is_needed == bool(new)


def test_people_come_first_and_forged_mail_is_counted_apart() -> None:
    ann, news = waits("ann@x.example"), waits("news@x.example")
    forged = waits("bank@x.example", reason=WaitReason.FORGED)
    found = digest_of([news, forged, ann], WINDOW, {ann.newest_id, forged.newest_id}, ())
    assert (found.people, found.others, found.forged) == ((ann,), (news,), 1)


def test_forged_mail_alone_needs_no_digest() -> None:
    forged = waits("bank@x.example", reason=WaitReason.FORGED)
    assert not digest_of([forged], WINDOW, set(), ()).is_needed


def test_the_last_decisions_are_those_with_a_date() -> None:
    by_hand = DecidedCard((Subject("a@x.example"),), "", ("Feed",), None, None)
    dated = replace(by_hand, date=date(2026, 11, 27))
    found = digest_of([], WINDOW, set(), [dated] * 7 + [by_hand])
    assert found.decided == (dated,) * 5


# How it reads


def test_a_digest_reads_well_in_a_terminal() -> None:
    decided = DecidedCard(
        (Subject("tom@x.example"),), "Tom Ives", ("Feed",), date(2026, 11, 27), None
    )
    content = Digest(
        people=(waits("ada@obel.example", name="Ada Obel", line="Dinner?", mails=2),),
        others=(waits("news@loom.example", name="Loom"), waits("x@y.example")),
        forged=1,
        longer=12,
        decided=(decided,),
    )
    text = as_text(content, FRAME)
    assert f"```text\n{text}```" in FIRST_CONTACT.read_text(encoding="utf-8")
    assert text.splitlines() == [
        "Ada Obel",
        "  ada@obel.example",
        "  2 mails, the newest: Dinner?",
        "  https://mailroom.example.com/subject?who=ada%40obel.example",
        "",
        "Lists, newsletters and programs: Loom and x@y.example.",
        "",
        "1 forged sender waits, too.",
        "",
        "12 senders have waited longer.",
        "",
        "To decide, put a label on a mail in the Screener: @ToImbox (Imbox) or",
        "@ToJail (Jail).",
        "Or decide on the page: https://mailroom.example.com/",
        "",
        "Decided last:",
        "  Feed  Tom Ives <tom@x.example>",
    ]


def test_without_a_page_a_digest_has_no_link() -> None:
    content, frame = digest(waits("ada@obel.example")), replace(FRAME, page="")
    assert "http" not in as_text(content, frame)
    assert "href" not in as_html(content, frame)


def test_every_link_only_shows_a_page() -> None:
    html = as_html(digest(waits("ada@obel.example"), waits("a&b@x.example")), FRAME)
    links = [part.partition('"')[0] for part in html.split('href="')[1:]]
    assert links == [
        "https://mailroom.example.com/subject?who=ada%40obel.example",
        "https://mailroom.example.com/subject?who=a%26b%40x.example",
        "https://mailroom.example.com/",
    ]
    assert "src=" not in html
    assert "url(" not in html


def test_long_lists_are_cut() -> None:
    people = tuple(waits(f"p{number}@x.example") for number in range(23))
    others = tuple(waits(f"o{number}@x.example") for number in range(14))
    content = digest(*people, others=others)
    for whole in (as_text(content, FRAME), as_html(content, FRAME)):
        text = " ".join(whole.split())
        assert "p19@x.example" in text
        assert "p20@x.example" not in text
        assert "And 3 more people." in text
        assert "o11@x.example and 2 more." in text


@pytest.mark.parametrize(
    ("people", "others", "line"),
    [
        (1, 0, "1 new sender waits: P0"),
        (2, 0, "2 new senders wait: P0 and P1"),
        (2, 1, "3 new senders wait: P0, P1 and 1 more"),
        (0, 3, "3 new senders wait"),
    ],
)
def test_the_subject_line_names_people(people: int, others: int, line: str) -> None:
    named = tuple(waits(f"p{number}@x.example", name=f"P{number}") for number in range(people))
    rest = tuple(waits(f"o{number}@x.example") for number in range(others))
    assert subject_line(digest(*named, others=rest)) == line


# Texts of strangers


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("See https://evil.example/a?b now", "See [link] now"),
        ("WWW.evil.example", "[link]"),
        ("evil.example", "evil\u2024example"),
        ("mailto:a@b.example", "[link]"),
        ("看https://evil.example", "看[link]"),
        ("evil。com and evil\uff0ecom", "evil\u2024com and evil\u2024com"),
        ("q\u0303.com", "q\u0303\u2024com"),
        ("//evil/a, but AC//DC // yes", "[link] but AC//DC // yes"),
        ("192.168.0.1:8080/a", "192\u2024168\u20240\u20241:8080/a"),
        ("evil.\u200dcom", "evil\u2024\u200dcom"),
        ("evil.भारत", "evil\u2024भारत"),
        ("Version 2.10 of Node.js, e.g. now.", "Version 2.10 of Node\u2024js, e.g. now."),
    ],
)
def test_no_text_of_a_stranger_becomes_a_link(text: str, shown: str) -> None:
    assert unlinked(text) == shown


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("ada+x@obel.example", "ada+x@obel.example"),
        ("*@obel.example", "*@obel.example"),
        (
            "https://evil.example/@x.example",
            "https\\x3a\\x2f\\x2fevil\u2024example\\x2f@x\u2024example",
        ),
        ("www.evil.example@x.example", "www\u2024evil\u2024example@x\u2024example"),
        ("evil.example?@x.example", "evil\u2024example?@x\u2024example"),
        ('"evil.example "@x.example', '"evil\u2024example "@x\u2024example'),
        ("<dev.lists.example>", "<dev\u2024lists\u2024example>"),
    ],
)
def test_no_address_becomes_a_link_to_a_site(address: str, shown: str) -> None:
    assert address_of(address) == shown


HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "a\r\nBcc: eve@evil.example\r\n\r\nbody",
    "\u202egnp.exe\u202c\u200b\x00\x1b[31m",
    "\udcff\ud83d",
    "x" * 10_000,
)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_harmless(text: str) -> None:
    content = digest(waits("mallory@evil.example", name=text, line=text))
    mail = message_from_bytes(compose(content, FRAME).message, policy=default)
    assert isinstance(mail, EmailMessage)
    assert mail["Bcc"] is None
    assert len(str(mail["Subject"])) < 200
    plain, html = mail.get_body(["plain"]), mail.get_body(["html"])
    assert plain is not None
    assert html is not None
    shown = plain.get_content() + str(mail["Subject"])
    assert not {"\u202e", "\u202c", "\u200b", "\x00", "\x1b"} & {*shown, *html.get_content()}
    assert len(shown) < 1500
    assert "<img" not in html.get_content()


def test_a_decided_sender_without_a_name_is_shown_once() -> None:
    nameless = DecidedCard(
        (Subject("nn@x.example"),), "nn@x.example", ("Feed",), date(2026, 11, 27), None
    )
    content = Digest((), (), forged=0, longer=0, decided=(nameless,))
    assert as_text(content, FRAME).splitlines()[-1] == "  Feed  nn@x.example"


def test_no_name_pretends_to_hold_an_address() -> None:
    content = digest(waits("mallory@evil.example", name="Ada <ada@bank.example>"))
    assert as_text(content, FRAME).splitlines()[:2] == [
        "Ada ada@bank\u2024example",
        "  mallory@evil.example",
    ]


# As a mail


def test_a_digest_is_a_mail_from_and_to_its_owner() -> None:
    done = compose(digest(waits("ada@obel.example", name="Ada Øbel")), FRAME)
    mail = message_from_bytes(done.message, policy=default)
    assert done.message_id == "digest.2026-11-28.2bd806c97f0e00af@mailroom.invalid"
    assert mail["Message-ID"] == f"<{done.message_id}>"
    assert (mail["From"], mail["To"]) == ("Mailroom <alice@example.com>", "alice@example.com")
    assert mail["Subject"] == "1 new sender waits: Ada Øbel"
    assert mail["Date"] == "Sat, 28 Nov 2026 08:00:00 +0100"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert b"\n" not in done.message.replace(b"\r\n", b"")
    assert done.message.isascii()
    assert max(map(len, done.message.splitlines())) <= 998


@pytest.mark.parametrize(
    ("owner", "address"),
    [
        ("alice@bücher.example", "alice@xn--bcher-kva.example"),
        ("alice", "nobody@mailroom.invalid"),
        ("", "nobody@mailroom.invalid"),
        ("jörg@example.com", "nobody@mailroom.invalid"),
        ("a@example.com\r\nBcc: eve@evil.example", "nobody@mailroom.invalid"),
    ],
)
def test_an_odd_address_of_the_owner_does_no_harm(owner: str, address: str) -> None:
    done = compose(digest(waits("ada@obel.example")), replace(FRAME, owner=owner))
    mail = message_from_bytes(done.message, policy=default)
    assert (mail["From"], mail["To"]) == (f"Mailroom <{address}>", address)


def test_the_same_content_gives_the_same_bytes() -> None:
    content = digest(waits("ada@obel.example"))
    assert compose(content, FRAME) == compose(content, FRAME)
    assert compose(content, replace(FRAME, account="bob")).message_id != FRAME.message_id
