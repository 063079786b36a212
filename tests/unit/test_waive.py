"""Waiting mail that is waived: which mail, and by which patch."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mailroom.screener.model.age import parse_age
from mailroom.screener.model.code_mail import remove_from_inbox
from mailroom.screener.model.keywords import CODE, FORGED, SCREENED, WAIVED
from mailroom.screener.model.missing import MissingError, MissingRoleError
from mailroom.screener.model.waive import archive_of, may_be_waived, waive
from tests.support.domain.builders import PLACES, mail, patched

LIMIT = datetime(2026, 2, 25, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "days"), [("1d", 1), ("30d", 30), ("30D", 30), (" 7d ", 7), ("99999d", 99999)]
)
def test_an_age_is_a_number_of_days(text: str, days: int) -> None:
    assert parse_age(text) == timedelta(days=days)


@pytest.mark.parametrize("text", ["", "d", "0d", "30", "-3d", "1.5d", "30h", "100000d", "٣d"])
def test_other_texts_are_no_age(text: str) -> None:
    with pytest.raises(ValueError, match="number of days, like 30d"):
        parse_age(text)


@pytest.mark.parametrize(
    ("received", "is_old"),
    [
        ("2026-02-25T09:59:59Z", True),
        ("2026-02-25T10:00:00Z", False),
        ("2026-02-25T10:00:01Z", False),
        ("2026-02-25T09:59:59.5Z", True),
        ("2026-02-25T09:00:00", True),
        ("2026-02-25T10:30:00+01:00", True),
        ("yesterday", False),
        ("", False),
    ],
)
def test_only_mail_from_before_the_limit_is_old(received: str, *, is_old: bool) -> None:
    email = mail("Screener", received=received)
    assert may_be_waived(email, PLACES, received_before=LIMIT) is is_old
    assert may_be_waived(email, PLACES, received_before=None)


@pytest.mark.parametrize(
    "mailboxes",
    [
        ("Inbox",),
        ("Archive",),
        ("Feed",),
        ("Screener", "@ToFeed"),
        ("Screener", "@ToScreener"),
        ("Screener", "@ToSpam"),
        ("Screener", "@WholeDomain"),
        ("Screener", "@ThisList"),
    ],
    ids=" ".join,
)
def test_mail_elsewhere_and_labelled_mail_stay(mailboxes: tuple[str, ...]) -> None:
    assert not may_be_waived(mail(*mailboxes), PLACES, received_before=None)


@pytest.mark.parametrize("label", ["@MailroomError", "@MailroomWarning"])
def test_mail_loses_its_problem_labels(label: str) -> None:
    email = mail("Screener", label, keywords=[FORGED])
    assert may_be_waived(email, PLACES, received_before=None)
    assert patched(email.mailbox_ids, waive(email, PLACES)) == {"Archive"}


def test_a_mail_in_the_screener_alone_goes_to_the_archive() -> None:
    assert waive(mail("Screener"), PLACES) == {
        "mailboxIds/Archive": True,
        "mailboxIds/Screener": None,
        f"keywords/{WAIVED}": True,
    }


def test_a_warning_label_that_is_not_used_is_a_mailbox_like_any_other() -> None:
    patch = waive(mail("Screener", "@MailroomWarning"), replace(PLACES, warning=None))
    assert patch == {"mailboxIds/@MailroomWarning": True, "mailboxIds/Screener": None}


@pytest.mark.parametrize("mailbox", ["Projects", "Feed", "Archive", "Trash", "Spam"])
def test_a_mail_that_is_elsewhere_too_stays_there(mailbox: str) -> None:
    patch = waive(mail("Screener", mailbox, "@MailroomError"), PLACES)
    assert patch == {
        f"mailboxIds/{mailbox}": True,
        "mailboxIds/@MailroomError": None,
        "mailboxIds/Screener": None,
    }


def test_a_mail_that_stays_in_the_inbox_is_not_screened_again() -> None:
    plain = {"mailboxIds/Inbox": True, "mailboxIds/Screener": None}
    assert waive(mail("Screener", "Inbox"), PLACES) == {**plain, f"keywords/{SCREENED}": True}
    assert waive(mail("Screener", "Inbox", keywords=[SCREENED]), PLACES) == plain


def test_a_code_stays_in_the_inbox_for_its_day_and_then_follows_to_the_archive() -> None:
    code = mail("Screener", "Inbox", keywords=[SCREENED, CODE])
    patch = waive(code, PLACES)
    assert patched(code.mailbox_ids, patch) == {"Inbox"}
    assert patch[f"keywords/{WAIVED}"] is True
    cleared = mail("Inbox", keywords=[SCREENED, CODE, WAIVED])
    assert remove_from_inbox(cleared, PLACES) == {
        "mailboxIds/Archive": True,
        "mailboxIds/Inbox": None,
        f"keywords/{CODE}": None,
    }
    assert remove_from_inbox(cleared, replace(PLACES, archive=frozenset())) == {
        f"keywords/{CODE}": None
    }


def test_without_an_archive_nothing_is_waived() -> None:
    places = replace(PLACES, archive=frozenset())
    with pytest.raises(MissingRoleError, match="the role 'archive'"):
        archive_of(places)
    assert issubclass(MissingRoleError, MissingError)  # exit code 4
    assert archive_of(replace(PLACES, archive=frozenset({"Two", "One"}))) == "One"
