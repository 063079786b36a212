"""A real Apache James server, by way of ``scripts/james``."""

import asyncio
import imaplib
import smtplib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from tests.support.servers.cyrus import PASSWORD
from tests.support.servers.scripts import run

DOMAIN = "james.test"
ACCEPT = "application/json; jmapVersion=rfc-8621"
"""Without this Accept header, James 3.8 answers as it did before JMAP was a standard."""
SCRIPT = Path(__file__).parents[3] / "scripts" / "james"


@dataclass(frozen=True)
class James:
    """An instance of the server, which has one user at a time.

    Attributes:
        dav_url: the URL of another server with that user's contacts; James itself has none.
    """

    session_path: ClassVar = "/jmap/session"
    api_path: ClassVar = "/jmap"

    instance: str
    url: str
    lmtp: tuple[str, int]
    imap: tuple[str, int]
    dav_url: str = ""

    @classmethod
    async def start(cls, instance: str, *, while_held: Path) -> Self:
        """Start an instance that ends once no process holds a lock, and wait until it answers."""
        lines = (await run(SCRIPT, instance, "start", "--while-held", str(while_held))).splitlines()
        facts = dict(line.split("=", 1) for line in lines if line.startswith("TEST_JAMES_"))
        return cls(
            instance,
            facts["TEST_JAMES_HTTP"],
            _address(facts["TEST_JAMES_LMTP"]),
            _address(facts["TEST_JAMES_IMAP"]),
        )

    async def stop(self) -> None:
        """Stop the instance, and lose its mail."""
        await run(SCRIPT, self.instance, "stop")

    async def fresh_user(self, name: str) -> None:
        """Replace the user by a new one with an empty account."""
        await run(SCRIPT, self.instance, "user", name, PASSWORD)

    async def append(self, user: str, mailbox: str, *messages: bytes) -> None:
        """Put messages into a mailbox by IMAP, as a provider's rules or a mail app would."""
        await asyncio.to_thread(self._append, user, mailbox, messages)

    def _append(self, user: str, mailbox: str, messages: Iterable[bytes]) -> None:
        imap = imaplib.IMAP4(*self.imap)
        try:
            imap.login(f"{user}@{DOMAIN}", PASSWORD)
            for message in messages:
                status, answer = imap.append(f'"{mailbox}"', None, None, message)
                assert status == "OK", answer
        finally:
            try:
                imap.logout()
            except imaplib.IMAP4.abort:  # Under load, James hangs up at LOGOUT without an answer.
                imap.shutdown()

    async def deliver(self, user: str, *messages: bytes) -> None:
        """Hand messages over by LMTP, as a mail exchanger would."""
        await asyncio.to_thread(self._deliver, user, messages)

    def _deliver(self, user: str, messages: Iterable[bytes]) -> None:
        with smtplib.LMTP(*self.lmtp) as lmtp:
            for message in messages:
                lmtp.rset()  # James remembers the sender of the message before
                lmtp.sendmail("bounces@example.com", [f"{user}@{DOMAIN}"], message)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)
