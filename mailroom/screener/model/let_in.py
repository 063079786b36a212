"""Patches for one mail that move it to the Inbox without a decision, and back. Pure."""

from mailroom.jmap.mail import Email, Patch
from mailroom.screener.model.keywords import SCREENED
from mailroom.screener.model.patches import patch_mailboxes
from mailroom.screener.model.places import Places


def let_in(email: Email, places: Places) -> Patch | None:
    """Return the patch that moves a waiting mail to the Inbox; None if the mail does not wait.

    The patch adds the keyword of screened mail, which mail lacks that the provider's rules put into
    the Screener. Without the keyword, Mailroom would screen the mail again in the Inbox.
    """
    if places.screener not in email.mailbox_ids:
        return None
    return _moved(email, email.mailbox_ids - {places.screener} | {places.inbox}, places)


def send_back(email: Email, places: Places) -> Patch | None:
    """Return the patch that moves a mail from Inbox to Screener; None if not in the Inbox."""
    if places.inbox not in email.mailbox_ids:
        return None
    return _moved(email, email.mailbox_ids - {places.inbox} | {places.screener}, places)


def _moved(email: Email, after: frozenset[str], places: Places) -> Patch | None:
    keywords = {} if SCREENED in email.keywords else {f"keywords/{SCREENED}": True}
    moved = patch_mailboxes(email.mailbox_ids, after, fallback=places.inbox)
    return None if moved is None else {**moved, **keywords}
