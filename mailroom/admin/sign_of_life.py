"""Opens a push stream, waits for a sign of life, and sees whether other requests are answered."""

import asyncio
from typing import Final

from tenacity import retry, retry_if_exception_type, stop_after_attempt

from mailroom.account import Account, PushTransport
from mailroom.http import UnreachableError
from mailroom.jmap.mailboxes import get_mailboxes

_PATIENCE: Final = 40.0
_PATIENCE_FOR_REQUEST: Final = 15.0
"""Seconds."""
_TRIES: Final = 3
"""A stream may end at once as the process behind it was due to end; several such are a fault."""


class BlockedError(Exception):
    """While the stream is open, the server leaves requests unanswered."""


@retry(
    retry=retry_if_exception_type(UnreachableError), stop=stop_after_attempt(_TRIES), reraise=True
)
async def sign_of_life(account: Account, transport: PushTransport) -> str:
    """Tell how a transport does.

    Raises:
        HttpError, JmapError: it does not.
        BlockedError: it keeps the server from answering anything else.
    """
    detail = f"{transport.name} is alive"
    async with transport.connect("") as connection:
        try:
            async with asyncio.timeout(_PATIENCE):
                await connection.first_bytes()
        except TimeoutError:
            detail = f"nothing came in {_PATIENCE:.0f} s; it may work all the same"
        mail = await account.mail()
        try:
            async with asyncio.timeout(_PATIENCE_FOR_REQUEST):
                await account.client.perform(get_mailboxes(mail.id))
        except TimeoutError:
            raise BlockedError(
                f"{transport.name} blocks the account: while it is open, the server leaves other"
                " requests unanswered"
            ) from None
    return detail
