"""Distinguish mail that was delivered from mail that a program put into the account. Pure.

A server that delivers mail puts a Received field with the time of the delivery on top (RFC 5321
section 4.4; also with LMTP). A mail that an app or a script appends has the Received fields of its
earlier delivery, or none.
"""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from mailroom.jmap.mail import Email

_TOLERANCE: Final = timedelta(minutes=75)
"""The largest difference between the topmost Received field and ``receivedAt`` of a delivered mail.

A mail may wait between the two in the queue of the last relay, if the mail store was not ready:
Postfix pauses 4,000 seconds at most between two tries. The rest is for clocks that differ."""
_REPORT: Final = re.compile(r"(?i)\s*multipart/report\b")
_REPORT_TYPE: Final = re.compile(r'(?i);\s*report-type\s*=\s*"?([^\s;"]+)')
_ON_SENT_MAIL: Final = frozenset({"", "delivery-status", "disposition-notification"})
"""The types of reports on sent mail. A report without a type counts as a report on sent mail."""


def was_placed(email: Email) -> bool:
    """Return True if the owner of the account, or a program of theirs, put a mail where it is.

    Such a mail has ``$seen`` when it arrives, or it has no Received field, or its topmost Received
    field does not fit its ``receivedAt``. If the server does not report these fields, or the date
    in the topmost one cannot be read, only ``$seen`` counts.
    """
    if "$seen" in email.keywords:
        return True
    if email.received is None:
        return False
    if not email.received:
        return True
    try:
        received = parsedate_to_datetime(" ".join(email.received[0].rpartition(";")[2].split()))
        stored = datetime.fromisoformat(email.received_at)
        return abs(_in_utc(received) - _in_utc(stored)) > _TOLERANCE
    except (ValueError, OverflowError):
        return False


def _in_utc(moment: datetime) -> datetime:
    """Return a time in UTC. A naive time was in ``-0000``, which is UTC (RFC 5322 section 3.3)."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def is_report(email: Email) -> bool:
    """Return True if a mail reports on a mail that the user sent (RFC 3464, RFC 8098).

    Reports of other kinds, for example on abuse, do not count.
    """
    if not _REPORT.match(email.content_type):
        return False
    kind = _REPORT_TYPE.search(email.content_type)
    return ("" if kind is None else kind[1].lower()) in _ON_SENT_MAIL
