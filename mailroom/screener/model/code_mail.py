"""Rules for mail with one-time codes, which leaves the Inbox after a day. Pure."""

from datetime import datetime, timedelta
from typing import Final

from mailroom.jmap.mail import Email, Patch
from mailroom.screener.model.keywords import CODE, WAIVED, removal_of
from mailroom.screener.model.patches import patch_mailboxes
from mailroom.screener.model.places import Places
from mailroom.screener.model.waive import came_before

DAY: Final = timedelta(days=1)
"""The time for which mail with a one-time code stays in the Inbox."""


def is_day_over(email: Email, places: Places, *, received_before: datetime) -> bool:
    """Return True if a mail with a code came before a time, and has no label that people tap."""
    is_labelled = bool(email.mailbox_ids & places.tap_labels)
    return CODE in email.keywords and not is_labelled and came_before(email, received_before)


def remove_from_inbox(email: Email, places: Places) -> Patch:
    """Return the patch that removes a mail from the Inbox, and the keyword :data:`CODE` from it.

    A mail that still waits stays in the Screener. A mail that was cleared meanwhile goes to the
    archive. If the mail is anywhere else, its owner has filed it, and only the keyword is removed.
    Without the keyword, the mail stays in the Inbox if its owner moves it there later.
    """
    keyword = removal_of(email.keywords, CODE)
    mailboxes, after = email.mailbox_ids - places.all_labels, email.mailbox_ids - {places.inbox}
    if mailboxes == {places.inbox} and WAIVED in email.keywords and places.archive:
        after |= {min(places.archive)}
    elif mailboxes != {places.inbox, places.screener}:
        return keyword
    moved = patch_mailboxes(email.mailbox_ids, after, fallback=places.screener) or {}
    return {**moved, **keyword}
