"""Labels that carry out a choice on the page, and the links and times of rows."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from mailroom.runtime.page.rows import link_of, time_of
from mailroom.runtime.page.taps import find_waiting, tap_of
from mailroom.screener.model.categories import DEFAULTS, Special
from mailroom.screener.model.subject import Subject
from mailroom.screener.overview.waiting import WaitingSubject, WaitReason
from mailroom.web.model import Choice, Scope
from tests.support.domain.builders import PLACES

FEED = DEFAULTS.find("Feed")
WHO = "bob@corp.example"
BOB = WaitingSubject(
    subject=Subject(WHO),
    reason=WaitReason.STRANGER,
    name="Bob",
    address=WHO,
    since="2026-02-03T10:00:00Z",
    newest_at="2026-02-09T10:00:00Z",
    ids=("m9", "m5"),
    subject_line="Hi",
    alias="",
    list_id="news.corp.example",
    domain="corp.example",
)


def labels(patch: object) -> set[str]:
    assert isinstance(patch, dict)
    return {key.removeprefix("mailboxIds/") for key in patch if key.startswith("mailboxIds/")}


@pytest.mark.parametrize(
    ("scope", "subject", "further"),
    [
        (Scope.SUBJECT, WHO, set()),
        (Scope.DOMAIN, "*@corp.example", {PLACES.domain_label}),
        (Scope.LIST, "news.corp.example", {PLACES.list_label}),
    ],
)
def test_the_labels_of_each_scope(scope: Scope, subject: str, further: set[str]) -> None:
    tap = tap_of(Choice(WHO, "Feed", scope=scope), FEED, BOB, PLACES)
    assert tap is not None
    assert (str(tap.subject), tap.email_id) == (subject, "m9")
    assert list(tap.patches) == ["m9"]
    (feed,) = [label for label, answer in PLACES.labels.items() if answer == FEED]
    assert labels(tap.patches["m9"]) == {feed} | further


def test_a_list_where_many_write_is_named_by_its_label() -> None:
    of_list = replace(BOB, subject=Subject.of_list("dev.lists.example"), reason=WaitReason.LIST)
    tap = tap_of(Choice("dev.lists.example", "spam"), Special.SPAM, of_list, PLACES)
    assert tap is not None
    assert PLACES.list_label in labels(tap.patches["m9"])


def test_a_choice_that_labels_cannot_carry_out() -> None:
    choice = Choice(WHO, "Feed", scope=Scope.DOMAIN)
    assert tap_of(choice, FEED, None, PLACES) is None
    assert tap_of(choice, FEED, replace(BOB, domain=""), PLACES) is None
    nameless = replace(BOB, subject=None, reason=WaitReason.NAMELESS)
    assert tap_of(Choice("", "Feed", mail_id="m9"), FEED, nameless, PLACES) is None


def test_without_the_label_of_the_answer_there_is_nothing_to_tap() -> None:
    others = {label: answer for label, answer in PLACES.labels.items() if answer != FEED}
    choice = Choice(WHO, "Feed", scope=Scope.DOMAIN)
    tap = tap_of(choice, FEED, BOB, replace(PLACES, labels=others))
    assert tap is not None
    assert (str(tap.subject), tap.is_possible) == ("*@corp.example", False)


def test_all_waiting_mail_is_marked_as_read() -> None:
    tap = tap_of(Choice(WHO, "Feed", mark_read=True), FEED, BOB, PLACES)
    assert tap is not None
    assert set(tap.patches) == {"m9", "m5"}
    assert all(patch["keywords/$seen"] is True for patch in tap.patches.values())
    assert labels(tap.patches["m5"]) == set()


def test_a_row_is_found_by_its_mail_then_by_its_name() -> None:
    forged = replace(BOB, reason=WaitReason.FORGED, ids=("m7",))
    rows = (BOB, forged)
    assert find_waiting(Choice(WHO, "Feed", mail_id="m7"), rows) is forged
    assert find_waiting(Choice(WHO, "Feed", mail_id="m5"), rows) is BOB
    assert find_waiting(Choice(WHO, "Feed", mail_id="gone"), rows) is BOB
    assert find_waiting(Choice(WHO, "Feed"), (forged, BOB)) is BOB
    assert find_waiting(Choice(WHO, "Feed"), (forged,)) is None
    assert find_waiting(Choice("ann@corp.example", "Feed", mail_id="m9"), rows) is None
    assert find_waiting(Choice("", "Feed", mail_id="m9"), rows) is None


@pytest.mark.parametrize(
    ("template", "link"),
    [
        ("", ""),
        ("https://mail.example/{id}", "https://mail.example/M%2F1"),
        ("x:{thread_id}", "x:T1"),
        ("message:%3C{message_id}%3E", "message:%3Ca%22%3E%7Bid%7D%40b%3E"),
    ],
)
def test_links(template: str, link: str) -> None:
    assert link_of(template, "M/1", thread_id="T1", message_id='a">{id}@b') == link


def test_there_is_no_link_without_its_value() -> None:
    assert link_of("message:{message_id}", "M1", thread_id="T1", message_id="") == ""


def test_times() -> None:
    assert time_of("2026-02-03T10:00:00Z") == datetime(2026, 2, 3, 10, tzinfo=UTC)
    assert time_of("2026-02-03T10:00:00").tzinfo is UTC
    assert time_of("soon").year == 1970
