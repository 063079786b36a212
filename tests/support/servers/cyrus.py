"""A real Cyrus server, by way of ``scripts/cyrus``."""

import asyncio
import imaplib
import smtplib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from tests.support.servers.scripts import run

PASSWORD = "secret"
_AT_ONCE = 500
"""The number of messages that one command puts into a mailbox."""
SCRIPT = Path(__file__).parents[3] / "scripts" / "cyrus"


@dataclass(frozen=True)
class Cyrus:
    """An instance of the server. Its ports stay the same when it is stopped and started."""

    session_path: ClassVar = "/jmap/"
    api_path: ClassVar = "/jmap/"

    instance: str
    url: str
    lmtp_host: str
    lmtp_port: int
    imap_host: str
    imap_port: int

    @property
    def dav_url(self) -> str:
        """The URL of the contacts, which are on the same server."""
        return self.url

    @classmethod
    async def start(cls, instance: str = "default") -> Self:
        """Start the instance if it does not run, and wait until it answers."""
        facts = dict(
            line.split("=", 1)
            for line in (await run(SCRIPT, instance, "start")).splitlines()
            if line.startswith("TEST_CYRUS_")
        )
        lmtp_host, _, lmtp_port = facts["TEST_CYRUS_LMTP"].rpartition(":")
        imap_host, _, imap_port = facts["TEST_CYRUS_IMAP"].rpartition(":")
        return cls(
            instance,
            facts["TEST_CYRUS_HTTP"],
            lmtp_host,
            int(lmtp_port),
            imap_host,
            int(imap_port),
        )

    async def stop(self) -> None:
        """Stop the instance; its mail stays."""
        await run(SCRIPT, self.instance, "stop")

    async def reset(self) -> None:
        """Stop the instance, and wipe it."""
        await run(SCRIPT, self.instance, "reset")

    async def fresh_user(self, name: str) -> None:
        """Make an empty user, whatever there was under that name."""
        await run(SCRIPT, self.instance, "user", name, "secret")

    async def indexer(self, state: str) -> None:
        """Turn the search indexer ``on`` or ``off``."""
        await run(SCRIPT, self.instance, "indexer", state)

    async def append(self, user: str, mailbox: str, *messages: bytes) -> None:
        """Put messages into a mailbox by IMAP, as a provider's rules or a mail app would."""
        await asyncio.to_thread(self._append, user, mailbox, messages)

    def _append(self, user: str, mailbox: str, messages: Sequence[bytes]) -> None:
        """Put messages into a mailbox, many by one command (MULTIAPPEND, RFC 3502).

        Each command is one transaction of the server, and a transaction is slow.
        """
        # All of a user's mailboxes are below the Inbox here.
        path = "INBOX" if mailbox == "Inbox" else f"INBOX/{mailbox}"
        with imaplib.IMAP4(self.imap_host, self.imap_port) as imap:
            imap.login(user, PASSWORD)
            for start in range(0, len(messages), _AT_ONCE):
                literals = (
                    b" {%d+}\r\n%s" % (len(message), message)  # non-synchronizing (RFC 7888)
                    for message in messages[start : start + _AT_ONCE]
                )
                imap.send(f'APPEND{start} APPEND "{path}"'.encode() + b"".join(literals) + b"\r\n")
                while (line := imap.readline()).startswith(b"* "):
                    pass
                assert line.startswith(b"APPEND%d OK" % start), line

    async def deliver(self, user: str, *messages: bytes) -> None:
        """Hand messages over by LMTP, as a mail exchanger would."""
        await asyncio.to_thread(self._deliver, user, messages)

    def _deliver(self, user: str, messages: Iterable[bytes]) -> None:
        with smtplib.LMTP(self.lmtp_host, self.lmtp_port) as lmtp:
            for message in messages:
                lmtp.sendmail("bounces@example.com", [user], message)
