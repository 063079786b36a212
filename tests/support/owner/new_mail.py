"""Deliver new mail to an owner, and wait until it is filed."""

import time
from datetime import UTC, datetime
from email.utils import format_datetime

from tests.support.owner.person import Owner, message

ON = {"MAILROOM_ARRIVALS_ENABLED": "true"}
"""The setting with which Mailroom screens new mail."""
BOB = "Bob Builder <bob@corp.example>"


def mail(sender: str, subject: str = "new", *fields: str) -> bytes:
    """Return a mail with further header fields above all others."""
    head = "".join(f"{field}\r\n" for field in fields)
    return head.encode() + message(sender, subject)


async def comes_to(owner: Owner, subject: str, *mailboxes: str) -> None:
    """Wait until a mail is in exactly these mailboxes."""

    async def there() -> bool:
        return await owner.where(subject) == set(mailboxes)

    await owner.until(there, f"{subject} in {mailboxes}")


async def a_pass_later(owner: Owner) -> None:
    """Wait for a pass that sees all mail so far: one that files a new stranger's mail."""
    subject = f"later {time.monotonic_ns()}"
    await owner.server.deliver(owner.name, mail(f"later@{time.monotonic_ns()}.example", subject))
    await comes_to(owner, subject, "Screener")


async def deliver_by_rules(owner: Owner, mail: bytes) -> None:
    """Deliver a mail into the Screener, as a provider's rules do."""
    received = f"Received: from mx by store; {format_datetime(datetime.now(UTC))}\r\n"
    await owner.server.append(owner.name, "Screener", received.encode() + mail)


async def add_bob(owner: Owner, *groups: str) -> None:
    """Add Bob to the owner's contacts, and to these groups."""
    await owner.contacts.add("bob", "Bob Builder", "bob@corp.example")
    for group in groups:
        await owner.contacts.join(group, "bob")
