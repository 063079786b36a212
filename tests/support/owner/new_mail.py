"""New mail for an owner, and waiting for where it goes."""

import time
from datetime import UTC, datetime
from email.utils import format_datetime

from tests.support.owner.person import Owner, message

ON = {"MAILROOM_ARRIVALS_ENABLED": "true"}
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
    """Deliver a mail from a stranger, and wait until it is filed: by then earlier mail was seen."""
    subject = f"later {time.monotonic_ns()}"
    await owner.server.deliver(owner.name, mail(f"later@{time.monotonic_ns()}.example", subject))
    await comes_to(owner, subject, "Screener")


async def rules_file(owner: Owner, mail: bytes) -> None:
    """Have the provider's rules put a mail into the Screener as it is delivered."""
    received = f"Received: from mx by store; {format_datetime(datetime.now(UTC))}\r\n"
    await owner.server.append(owner.name, "Screener", received.encode() + mail)


async def knows_bob(owner: Owner, *groups: str) -> None:
    """Add Bob to the owner's contacts, and to these groups."""
    await owner.contacts.add("bob", "Bob Builder", "bob@corp.example")
    for group in groups:
        await owner.contacts.join(group, "bob")
