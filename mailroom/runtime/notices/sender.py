"""Sends notices one after the other, in a task of its own that never holds up mail."""

import asyncio
from collections.abc import Callable
from typing import Final, NoReturn

import structlog

from mailroom.http import HttpError
from mailroom.notices.client import NoticeClient
from mailroom.notices.notice import Notice

log = structlog.get_logger(__name__)

_MOST_QUEUED: Final = 50
"""The largest number of notices that wait to be sent; further notices are dropped."""


class NoticeSender:
    """A queue of notices.

    Args:
        client: sends the notices.
        count: called with the outcome of each notice: ``sent`` or ``dropped``.
    """

    def __init__(self, client: NoticeClient, count: Callable[[str], None]) -> None:
        self._client = client
        self._count = count
        self._queue = asyncio.Queue[Notice](_MOST_QUEUED)

    def put(self, notice: Notice) -> None:
        """Add a notice to the queue; drop it if the queue is full."""
        try:
            self._queue.put_nowait(notice)
        except asyncio.QueueFull:
            self._drop(f"{_MOST_QUEUED} notices wait already")

    async def run(self) -> NoReturn:
        """Send the notices for ever."""
        while True:
            notice = await self._queue.get()
            try:
                await self._client.send(notice)
            except HttpError as error:
                self._drop(error.reason())
            except Exception:
                log.exception("a mistake in Mailroom itself: a notice was not sent")
                self._count("dropped")
            else:
                log.info("notice sent", senders=notice.count)
                self._count("sent")

    def _drop(self, reason: str) -> None:
        log.warning("a notice was dropped; the sender waits in the Screener", error=reason)
        self._count("dropped")
