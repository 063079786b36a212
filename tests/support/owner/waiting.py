"""Mail that waits in an owner's Screener."""

from datetime import UTC, datetime, timedelta

from tests.support.owner.person import Owner
from tests.support.variants.worlds import SandboxServer


async def waits(owner: Owner, *messages: bytes) -> None:
    """Put mail into the Screener, each a minute newer than the one before."""
    assert isinstance(owner.server, SandboxServer)
    now = datetime.now(UTC)
    for number, message in enumerate(messages):
        when = now - timedelta(minutes=len(messages) - number)
        await owner.server.deliver_at(owner.name, when, message)
    ids = [mail.id for mail in await owner.mails() if mail.mailboxes == {"Inbox"}]
    await owner.move(ids, ["Screener"])
