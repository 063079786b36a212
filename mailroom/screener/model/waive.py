"""The choice of mail that is waived, and the patch that waives it. Pure.

Waived mail leaves the Screener, and nothing is decided on its sender.
"""

from datetime import datetime

from mailroom.jmap.mail import Email, Patch, moment_of
from mailroom.screener.model.keywords import CODE, SCREENED, WAIVED
from mailroom.screener.model.missing import MissingRoleError
from mailroom.screener.model.patches import patch_mailboxes
from mailroom.screener.model.places import Places


def archive_of(places: Places) -> str:
    """Return the mailbox for waived mail.

    Raises:
        MissingRoleError: the account has no mailbox with the role ``archive``.
    """
    if not places.archive:
        raise MissingRoleError("archive")
    return min(places.archive)


def may_be_waived(email: Email, places: Places, *, received_before: datetime | None) -> bool:
    """Return True if a mail waits without a label that people tap, and is old enough.

    Args:
        email: the mail.
        places: the ids of the mailboxes.
        received_before: the time before which the mail must have come; None: any time. A mail whose
            time cannot be read is never old enough.
    """
    if places.screener not in email.mailbox_ids or email.mailbox_ids & places.tap_labels:
        return False
    return received_before is None or came_before(email, received_before)


def came_before(email: Email, moment: datetime) -> bool:
    """Return True if a mail came before a moment; False if its time cannot be read."""
    received = moment_of(email.received_at)
    return received is not None and received < moment


def waive(email: Email, places: Places) -> Patch:
    """Return the patch by which a waiting mail leaves the Screener and loses its problem labels.

    Problem labels are the error label and the warning label.

    A mail that is nowhere else goes to the archive. The keyword :data:`WAIVED` lets a later
    decision find it. A mail that is in other mailboxes stays there as if it had never waited.

    If the Inbox is then its only mailbox, the keyword :data:`SCREENED` keeps the mail from being
    screened again. Mail with a one-time code stays in the Inbox for a day only. So this mail gets
    :data:`WAIVED` as well, and goes to the archive when its day is over.
    """
    problem_labels = {places.error} if places.warning is None else {places.error, places.warning}
    after = email.mailbox_ids - {places.screener} - problem_labels
    keywords: dict[str, bool | None] = {}
    if not after:
        after = frozenset({archive_of(places)})
        keywords = {f"keywords/{WAIVED}": True}
    elif after == {places.inbox}:
        added = {SCREENED, WAIVED} if CODE in email.keywords else {SCREENED}
        keywords = {f"keywords/{keyword}": True for keyword in added - email.keywords}
    moved = patch_mailboxes(email.mailbox_ids, after, fallback=places.inbox) or {}
    return {**moved, **keywords}
