"""The counts that are kept of each sender's mail."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mailroom.contacts.address import list_key
from mailroom.contacts.index import ContactIndex, IndexBuilder
from mailroom.contacts.uid import uid_for
from mailroom.jmap.mail import EmailAddress
from mailroom.jmap.recent_mail import MailWithHeaders
from mailroom.screener.model.keywords import DIGEST, FORGED, JUNK
from mailroom.screener.model.subject import Kind, Subject
from mailroom.screener.suggest import signals as signals_module
from mailroom.screener.suggest.signals import (
    Correspondence,
    Signals,
    Tally,
    is_automatic,
    is_bulk,
)
from tests.support.domain.builders import NOW, mail
from tests.support.domain.headers import DEV, headers


def sent(to: str, thread: str = "") -> MailWithHeaders:
    people = (EmailAddress("", to),)
    return headers("alice@example.com", recipients=people, thread_id=thread)


def counted(
    *mails: MailWithHeaders,
    correspondence: Correspondence | None = None,
    index: ContactIndex | None = None,
) -> list[Signals]:
    """The signals of all senders, those with the most mail first."""
    of_user = correspondence or Correspondence()
    tally = Tally(of_user, ["alice@example.com"], index or ContactIndex(), NOW)
    tally.add(mails)
    return list(tally.largest_first())


def test_each_sign_is_counted() -> None:
    (ann,) = counted(
        headers(subject="Receipt 1", keywords=frozenset({"$seen", "$answered"})),
        headers(subject="Hello", unsubscribe="<https://x.example/u>"),
        headers(subject="Lunch?", auto_submitted="auto-generated"),
    )
    assert ann.subject == Subject("ann@x.example")
    assert (ann.name, ann.names) == ("Ann", {"Ann"})
    assert (ann.mails, ann.read, ann.answered, ann.receipts) == (3, 1, 1, 1)
    assert (ann.unsubscribe, ann.bulk, ann.automatic) == (1, 1, 1)


def test_senders_with_the_most_mail_come_first() -> None:
    found = counted(headers("a@x.example"), headers("b@x.example"), headers("B@X.example"))
    assert [signals.subject.key for signals in found] == ["b@x.example", "a@x.example"]


def test_the_newest_two_different_subject_lines_are_kept() -> None:
    (ann,) = counted(*(headers(subject=line) for line in ("a\r\n b", "a b", "", "c" * 999, "d")))
    assert ann.subject_lines == ["a b", "c" * 200]


def test_the_user_has_written_to_a_sender_or_in_a_thread() -> None:
    correspondence = Correspondence()
    correspondence.add([sent("Ann@X.example"), sent("ann@x.example", "T1"), sent("")])
    (ann,) = counted(
        headers(thread_id="T1"), headers(thread_id="T2"), headers(), correspondence=correspondence
    )
    assert (ann.written, ann.in_threads) == (2, 1)


def test_own_mail_is_not_counted() -> None:
    correspondence = Correspondence()
    correspondence.add([replace(sent("ann@x.example"), email=mail(sender="me@old.example"))])
    own = [headers("Alice@example.com"), headers("me@old.example")]
    assert counted(*own, correspondence=correspondence) == []


@pytest.mark.parametrize("keyword", ["$draft", DIGEST, FORGED, JUNK])
def test_mail_that_shows_nothing_of_its_sender_is_not_counted(keyword: str) -> None:
    assert counted(headers(keywords=frozenset({keyword}))) == []


def test_mail_without_a_usable_sender_is_not_counted() -> None:
    assert counted(headers(from_=()), headers("nobody")) == []


def test_the_mail_of_a_mailing_list_is_the_lists() -> None:
    of_list, ann = counted(headers("b@b.example", **DEV), headers("c@c.example", **DEV), headers())
    assert of_list.subject == Subject.of_list("dev.lists.example")
    assert of_list.subject.kind is Kind.LIST
    assert (of_list.name, of_list.names) == ("Dev", {"b@b.example", "c@c.example"})
    assert ann.subject == Subject("ann@x.example")


def test_a_list_of_one_sender_is_the_senders_unless_it_is_decided() -> None:
    announcements = headers("news@x.example", list_id="<news.x.example>")
    (sender,) = counted(announcements)
    assert sender.subject == Subject("news@x.example")
    builder = IndexBuilder()
    uid = uid_for(list_key("news.x.example"))
    builder.put_card("card", uid, [])
    (of_list,) = counted(announcements, index=builder.build())
    assert of_list.subject == Subject.of_list("news.x.example")


def test_weeks_with_mail_are_counted_once() -> None:
    def at(days: int) -> MailWithHeaders:
        day = NOW - timedelta(days=days)
        return headers(received_at=f"{day:%Y-%m-%dT%H:%M:%SZ}")

    (ann,) = counted(at(0), at(1), at(8), at(364), headers(received_at="never"))
    assert ann.weeks.bit_count() == 3


def test_few_names_of_a_sender_are_kept() -> None:
    (ann,) = counted(*(headers(f"Ann {number} <ann@x.example>") for number in range(50)))
    assert len(ann.names) == 20


def test_senders_with_little_mail_are_forgotten_if_there_are_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(signals_module, "_MOST_SENDERS", 10)
    crowd = [headers(f"s{number}@x.example") for number in range(100)]
    found = counted(headers(), headers(), *crowd[:50], headers(), *crowd[50:])
    assert len(found) <= 10
    assert (found[0].subject.key, found[0].mails) == ("ann@x.example", 3)


@pytest.mark.parametrize("field", ["unsubscribe", "feedback_id", "list_id"])
def test_bulk_mail_has_a_field_that_says_so(field: str) -> None:
    assert is_bulk(headers(**{field: "x"}))
    assert not is_bulk(headers())


@pytest.mark.parametrize(("value", "expected"), [("Bulk", True), (" list", True), ("high", False)])
def test_the_precedence_of_bulk_mail(value: str, *, expected: bool) -> None:
    assert is_bulk(headers(precedence=value)) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("auto-replied", True), (" auto-generated; x=y", True), (" No", False), ("", False)],
)
def test_mail_of_programs(value: str, *, expected: bool) -> None:
    assert is_automatic(headers(auto_submitted=value)) is expected
