"""After a day, mail with a code leaves the Inbox, unless its owner has filed it."""

from datetime import UTC, datetime

from mailroom.screener.model.categories import DEFAULTS
from mailroom.screener.model.code_mail import is_day_over, remove_from_inbox
from mailroom.screener.model.keywords import CODE
from mailroom.screener.model.patches import file_labelled, file_swept, target_of
from tests.support.domain.builders import PLACES, mail, patched

NO_KEYWORD = {f"keywords/{CODE}": None}
NOON = datetime(2026, 2, 25, 12, tzinfo=UTC)
WITH_CODE = mail("Inbox", "Screener", keywords=[CODE])


def test_it_leaves_the_inbox_and_still_waits() -> None:
    patch = remove_from_inbox(WITH_CODE, PLACES)
    assert patched(WITH_CODE.mailbox_ids, patch) == {"Screener"}
    assert patch == {"mailboxIds/Screener": True, "mailboxIds/Inbox": None, **NO_KEYWORD}


def test_mail_that_its_owner_filed_only_loses_the_keyword() -> None:
    for mailboxes in (["Inbox"], ["Screener"], ["Screener", "Archive"], ["Inbox", "Screener", "X"]):
        assert remove_from_inbox(mail(*mailboxes, keywords=[CODE]), PLACES) == NO_KEYWORD


def test_only_old_mail_without_a_label_ends() -> None:
    before = {"received_before": NOON}
    assert is_day_over(mail("Inbox", "Screener", keywords=[CODE]), PLACES, **before)
    assert not is_day_over(mail("Inbox", "Screener"), PLACES, **before)
    assert not is_day_over(mail("Inbox", "@ToFeed", keywords=[CODE]), PLACES, **before)
    young = mail("Inbox", keywords=[CODE], received="2026-02-25T12:00:00Z")
    assert not is_day_over(young, PLACES, **before)


def test_a_decision_files_it_and_removes_the_keyword() -> None:
    for category, mailboxes in (("Feed", {"Feed"}), ("Imbox", {"Imbox", "Inbox"})):
        target = target_of(DEFAULTS.by_name(category), DEFAULTS, PLACES)
        swept = file_swept(WITH_CODE, target, PLACES, remove_warning=False)
        labelled = file_labelled(WITH_CODE, target, PLACES, warn=False)
        for patch in (swept, labelled):
            assert patch is not None
            assert patched(WITH_CODE.mailbox_ids, patch) == mailboxes
            assert patch[f"keywords/{CODE}"] is None
