"""The keywords (RFC 8621 section 4.1.1) that Mailroom reads and writes."""

from collections.abc import Collection
from typing import Final

SCREENED: Final = "$mailroom-screened"
"""The keyword of mail that is not screened again when it is in the Inbox. It is set on

- new mail that was filed, or that got the warning label;
- mail that waited and was in the Inbox as well, when it is cleared and stays in the Inbox;
- mail that was let into the Inbox without a decision, or sent back to the Screener;
- the mails with Mailroom's digests."""

FORGED: Final = "$mailroom-forged"
"""Set on mail whose From is forged, and removed when a label on this mail files it. Until then, no
decision on the sender in From files the mail."""

SPAM: Final = "$mailroom-spam"
"""Set on mail that Mailroom put into the Junk folder, so that it is found if it must return."""

WAIVED: Final = "$mailroom-waived"
"""Set on mail that ``mailroom clear`` moved from the Screener to the archive without a decision. A
later decision on its sender files this mail as well. Also set on cleared mail with a one-time code,
which goes to the archive when its day in the Inbox is over."""

CODE: Final = "$mailroom-code"
"""Set on new mail with a one-time code when the mail enters the Screener and stays in the Inbox as
well. The keyword is removed when the mail leaves the Inbox after a day, or a decision files it."""

DIGEST: Final = "$mailroom-digest"
"""Set on the mails with Mailroom's own digests, which are never screened."""

NOTICE: Final = "$mailroom-notice"
"""Set on new mail of an unknown sender when it enters the Screener, if a notice is to be sent. The
keyword is removed by the instance that takes the notice on, before that instance sends it."""

DECIDED_BY_BUTTON: Final = "$mailroom-answered"
"""Set on mail whose sender was decided on by a button of a notice. If the mail of a notice has the
keyword, the buttons of the notice do nothing. So a decision that was undone is not made again."""

SEEN: Final = "$seen"
"""The keyword of mail that was read."""

JUNK: Final = "$junk"
NOT_JUNK: Final = "$notjunk"
"""``$junk`` and ``$notjunk`` of the IANA registry of keywords: spam, or not spam, for its owner."""


def removal_of(keywords: Collection[str], *unwanted: str) -> dict[str, None]:
    """Return the part of a patch that removes the unwanted keywords that a mail has."""
    return {f"keywords/{keyword}": None for keyword in unwanted if keyword in keywords}
