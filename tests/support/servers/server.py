"""The part of a mail server that the owner of an account, and Mailroom, have to know."""

from typing import Protocol


class Server(Protocol):
    """A mail server."""

    @property
    def url(self) -> str:
        """Scheme, host and port."""

    @property
    def dav_url(self) -> str:
        """Scheme, host and port of the server for contacts."""

    @property
    def session_path(self) -> str:
        """Path of the JMAP session."""

    @property
    def api_path(self) -> str:
        """Path that method calls are sent to."""

    async def deliver(self, user: str, *messages: bytes) -> None:
        """Hand messages over, as a mail exchanger would; they come into the Inbox."""

    async def append(self, user: str, mailbox: str, *messages: bytes) -> None:
        """Put messages into a mailbox, as a provider's rules or a mail app would."""
