"""Delivered mail is told from mail that its owner put there, and reports from other mail."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.screener.arrivals.delivery import is_report, was_placed
from tests.support.domain.builders import mail

AT = "2026-02-25T10:00:00Z"
LMTP = "from mx.example.com by store.example.com with LMTP id 1; "


@pytest.mark.parametrize(
    "date",
    [
        "Wed, 25 Feb 2026 10:00:00 +0000",
        "Wed, 25 Feb 2026 11:00:03 +0100 (CET)",
        "Wed, 25 Feb 2026 10:00:00 -0000",
        "Wed, 25 Feb 2026 09:59:00 GMT",
        "Wed, 25 Feb 2026 10:10:00 +0000",
        "Wed, 25 Feb 2026 08:50:00 +0000",
        "\r\n\tWed, 25 Feb 2026\r\n\t05:00:00 -0500 (EST)",
        "no date",
        "",
    ],
)
def test_a_received_field_of_the_time_of_the_delivery(date: str) -> None:
    assert not was_placed(replace(mail("Inbox"), received=(LMTP + date, "older; x")))


@pytest.mark.parametrize(
    "received",
    [
        (),
        (LMTP + "Wed, 25 Feb 2026 08:00:00 +0000",),
        (LMTP + "Tue, 24 Feb 2026 10:00:00 +0000", LMTP + "Wed, 25 Feb 2026 10:00:00 +0000"),
        (LMTP + "Wed, 25 Feb 2026 12:00:00 +0000",),
    ],
)
def test_no_received_field_or_one_of_another_time(received: tuple[str, ...]) -> None:
    assert was_placed(replace(mail("Inbox", received=AT), received=received))


def test_mail_that_was_read_when_it_came_counts_as_placed() -> None:
    delivered = (LMTP + "Wed, 25 Feb 2026 10:00:00 +0000",)
    assert was_placed(replace(mail("Inbox", keywords=["$seen"]), received=delivered))


def test_where_the_server_does_not_tell_mail_counts_as_delivered() -> None:
    assert not was_placed(mail("Inbox"))
    odd = replace(mail("Inbox", received="?"), received=(LMTP + "Wed, 25 Feb 2026 10:00:00 GMT",))
    assert not was_placed(odd)


@given(st.text(alphabet="Wed, 25Feb1099:+-;()EST\r\n"))
def test_no_field_is_too_odd(received: str) -> None:
    assert was_placed(replace(mail("Inbox"), received=(received,))) in {True, False}


@pytest.mark.parametrize(
    ("content_type", "is_one"),
    [
        (" multipart/report; report-type=delivery-status; boundary=x", True),
        (' Multipart/Report; boundary="x";\r\n\treport-type="Delivery-Status"', True),
        (" multipart/report; boundary=x", True),
        (" multipart/report; report-type=disposition-notification", True),
        (" multipart/report; report-type=feedback-report; boundary=x", False),
        (" multipart/mixed; report-type=delivery-status", False),
        (" multipart/reports", False),
        (" text/plain", False),
        ("", False),
    ],
)
def test_reports(content_type: str, is_one: bool) -> None:  # noqa: FBT001 - expected
    assert is_report(replace(mail("Inbox"), content_type=content_type)) is is_one
