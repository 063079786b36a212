"""Waiting mail by its subject: counts, dates, the newest mail, reasons and aliases."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from mailroom.admin.waiting import Waiting
from mailroom.jmap.mail import Email
from mailroom.screener.model.keywords import FORGED
from mailroom.screener.model.subject import Subject
from mailroom.screener.overview.waiting import WaitingCollector, WaitingSubject, WaitReason
from tests.support.domain.builders import BOB, address, mail

LIST: dict[str, Any] = {
    "list_id": "Weavers <dev.lists.example>",
    "list_post": "<mailto:dev@lists.example>",
}


def waits(
    day: int,
    sender: str | tuple[str, ...] = BOB,
    *,
    to: Sequence[str] = (),
    keywords: Sequence[str] = (),
    **fields: Any,
) -> Email:
    """Return a waiting mail of a day of February; its id and its subject line name the day."""
    received = f"2026-02-{day:02}T10:00:00Z"
    plain = mail("Screener", email_id=f"m{day}", sender=sender, received=received)
    plain = replace(plain, subject=f"Day {day}", keywords=frozenset(keywords))
    return replace(plain, recipients=tuple(map(address, to)), **fields)


def collected(*emails: Email, own: Sequence[str] = ()) -> tuple[WaitingSubject, ...]:
    subjects = WaitingCollector(own, "mail.home.example")
    subjects.add(emails)
    return subjects.newest_first()


def test_mails_of_one_sender_are_one_row_in_any_order() -> None:
    emails = [waits(3, "Bob <BOB@corp.example>"), waits(9, "Bobby <bob@corp.example>"), waits(5)]
    for order in (emails, emails[::-1]):
        (bob,) = collected(*order)
        assert bob == WaitingSubject(
            subject=Subject("bob@corp.example"),
            reason=WaitReason.STRANGER,
            name="Bobby",
            address="bob@corp.example",
            since="2026-02-03T10:00:00Z",
            newest_at="2026-02-09T10:00:00Z",
            ids=("m9", "m5", "m3"),
            subject_line="Day 9",
            alias="",
            domain="corp.example",
        )


def test_the_subject_with_the_newest_mail_comes_first() -> None:
    rows = collected(waits(2, "a@x.example"), waits(4, "b@x.example"), waits(1, "b@x.example"))
    assert [row.address for row in rows] == ["b@x.example", "a@x.example"]


def test_all_posters_of_a_list_are_one_row() -> None:
    (row,) = collected(waits(1, "ann@home.example", **LIST), waits(2, "cy@work.example", **LIST))
    assert (row.reason, row.subject) == (WaitReason.LIST, Subject.of_list("dev.lists.example"))
    assert (row.name, row.address, row.count) == ("Weavers", "dev@lists.example", 2)


def test_a_newsletter_of_one_sender_is_a_stranger() -> None:
    (row,) = collected(waits(1, list_id="<news.corp.example>"))
    assert (row.reason, row.subject) == (WaitReason.STRANGER, Subject("bob@corp.example"))


def test_a_forged_mail_is_apart_from_the_mail_of_its_sender_and_of_lists() -> None:
    rows = collected(
        waits(1, keywords=[FORGED]), waits(2), waits(3, keywords=[FORGED], **LIST), waits(4)
    )
    assert [(row.reason, row.count) for row in rows] == [
        (WaitReason.STRANGER, 2),
        (WaitReason.FORGED, 2),
    ]
    assert {row.subject for row in rows} == {Subject("bob@corp.example")}


def test_mail_that_names_no_sender_or_several() -> None:
    both = ("a@x.example", "b@x.example")
    rows = collected(waits(1, ()), waits(2, both), waits(3, both))
    assert [(row.reason, row.name, row.count) for row in rows] == [
        (WaitReason.NAMELESS, "a@x.example, b@x.example", 2),
        (WaitReason.NAMELESS, "", 1),
    ]
    assert {row.subject for row in rows} == {None}


@pytest.mark.parametrize(
    ("to", "delivered_to", "alias"),
    [
        (["cy@x.example", "Me <Me@home.example>"], [], "me@home.example"),
        (["shop@mine.example", "me@home.example"], [], "me@home.example"),
        (["cy@x.example", "Shop@mine.example"], ["me@home.example"], "shop@mine.example"),
        (["dev@lists.example"], [" <me+dev@home.example>", "old@x.example"], "me+dev@home.example"),
        ([], ["unusable", "me@home.example"], "me@home.example"),
        (["dev@lists.example"], [], ""),
        ([], [], ""),
    ],
    ids=str,
)
def test_the_alias(to: list[str], delivered_to: list[str], alias: str) -> None:
    """A recipient of the user's, else one at a domain of the user's, else that of the delivery."""
    email = waits(1, to=to, delivered_to=tuple(delivered_to))
    (row,) = collected(email, own=["me@home.example", "*@mine.example"])
    assert row.alias == alias


def test_the_alias_and_the_subject_line_are_those_of_the_newest_mail() -> None:
    first = waits(1, to=["me@home.example"])
    second = waits(2, to=["shop@home.example"], subject="Two\r\n  lines " + "x" * 300)
    (row,) = collected(second, first, own=["me@home.example", "shop@home.example"])
    assert row.alias == "shop@home.example"
    assert row.subject_line.startswith("Two lines xxx")
    assert len(row.subject_line) == 200


def test_text_and_data() -> None:
    found = Waiting(
        collected(
            waits(1, keywords=[FORGED], subject=""),
            waits(2, "ann@home.example", **LIST),
            waits(
                3,
                "Ann <a@x.example>",
                to=["me@home.example"],
                subject="\u202eg",
                received_at="soon",
            ),
            own=["me@home.example"],
        )
    )
    text = "\n".join(found.text())
    assert "Weavers <dev.lists.example>\n  mailing list, 1 mail since 2026-02-0" in text
    assert "Bob Builder <bob@corp.example>\n  forged From, 1 mail since" in text
    assert "Ann <a@x.example>\n  unknown sender, 1 mail since soon, to me@home.example\n" in text
    assert "\n  (no subject line)" in text
    assert "\\u202eg" in text
    assert found.data()["waiting"][1] == {
        "who": "dev.lists.example",
        "kind": "list",
        "reason": "list",
        "name": "Weavers",
        "address": "dev@lists.example",
        "mails": 1,
        "since": "2026-02-02T10:00:00Z",
        "newest": {
            "id": "m2",
            "received": "2026-02-02T10:00:00Z",
            "subject": "Day 2",
            "to": "",
        },
    }


def test_nobody_waits_and_mail_without_a_name() -> None:
    assert list(Waiting(()).text()) == ["Nobody waits for a decision."]
    nameless = Waiting(collected(waits(1, ())))
    assert next(nameless.text()) == "(no name)"
    assert nameless.data()["waiting"][0]["who"] is None


@pytest.mark.parametrize(
    ("sender", "fields", "domain"),
    [
        ("bob@corp.example", {}, "corp.example"),
        ("bob@gmail.com", {}, ""),
        ("bob@home.example", {}, ""),
        ("bob@corp.example", LIST, ""),
        ((), {}, ""),
    ],
    ids=str,
)
def test_the_domain_that_may_be_decided_on(
    sender: str | tuple[str, ...], fields: dict[str, Any], domain: str
) -> None:
    """Not that of a provider or of the user, and none for a list or for mail without a sender."""
    (row,) = collected(waits(1, sender, **fields), own=["me@home.example"])
    assert row.domain == domain


def test_the_list_that_the_newest_mail_names() -> None:
    newsletter = waits(2, list_id="News <news.corp.example>")
    (row,) = collected(waits(1, list_id="<old.corp.example>"), newsletter)
    assert (row.reason, row.list_id) == (WaitReason.STRANGER, "news.corp.example")
