"""Patches that let a mail into the Inbox without a decision, and send it back. Pure."""

from mailroom.jmap.mail import Email, Patch
from mailroom.screener.model.keywords import SCREENED
from mailroom.screener.model.patches import patch_mailboxes
from mailroom.screener.model.places import Places


def let_in(email: Email, places: Places) -> Patch | None:
    """Return the patch that moves a waiting mail to the Inbox; None if the mail does not wait.

    The patch adds :data:`SCREENED` if the mail lacks this keyword, as it does if the provider's
    rules put the mail into the Screener. Without the keyword, Mailroom would screen the mail again
    in the Inbox.
    """
    if places.screener not in email.mailbox_ids:
        return None
    return _moved(email, email.mailbox_ids - {places.screener} | {places.inbox}, places)


def send_back(email: Email, places: Places) -> Patch | None:
    """Return the patch that moves a mail from the Inbox to the Screener.

    The result is None if the mail is not in the Inbox. The patch adds :data:`SCREENED`, like the
    patch of :func:`let_in`.
    """
    if places.inbox not in email.mailbox_ids:
        return None
    return _moved(email, email.mailbox_ids - {places.inbox} | {places.screener}, places)


def _moved(email: Email, after: frozenset[str], places: Places) -> Patch | None:
    keywords = {} if SCREENED in email.keywords else {f"keywords/{SCREENED}": True}
    moved = patch_mailboxes(email.mailbox_ids, after, fallback=places.inbox)
    return None if moved is None else {**moved, **keywords}
