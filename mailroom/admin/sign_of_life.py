"""Opens a push stream, waits for a sign of life, and tests that other requests are answered."""

import asyncio
from typing import Final

from tenacity import retry, retry_if_exception_type, stop_after_attempt

from mailroom.account import Account, PushTransport
from mailroom.http import UnreachableError
from mailroom.http.streams import ANSWER_TIMEOUT
from mailroom.jmap.mailboxes import get_mailboxes

_BYTE_TIMEOUT: Final = 40.0
"""Seconds. Servers that ping at all ping at least every 30 seconds."""
_TRIES: Final = 3
"""Attempts. A stream may end at once because its server process ends; three of them are a fault."""


class BlockedError(Exception):
    """The server leaves other requests unanswered while the stream is open."""


@retry(
    retry=retry_if_exception_type(UnreachableError), stop=stop_after_attempt(_TRIES), reraise=True
)
async def sign_of_life(account: Account, transport: PushTransport) -> str:
    """Open a stream, and return a line that says if the server has sent anything on it.

    Raises:
        HttpError, JmapError: the stream cannot be opened, or ends.
        BlockedError: the open stream keeps the server from answering other requests.
    """
    detail = f"{transport.name} is alive"
    async with transport.connect("") as connection:
        try:
            async with asyncio.timeout(_BYTE_TIMEOUT):
                await connection.await_sign_of_life()
        except TimeoutError:
            detail = f"{transport.name} sent nothing for {_BYTE_TIMEOUT:.0f} s, but may still work"
        mail = await account.mail()
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT):
                await account.client.perform(get_mailboxes(mail.id))
        except TimeoutError:
            raise BlockedError(
                f"{transport.name} blocks the account: while it is open, the server leaves other"
                " requests unanswered"
            ) from None
    return detail
