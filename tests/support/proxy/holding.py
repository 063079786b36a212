"""Holds one request back, so that a test can act at this moment."""

import asyncio

from tests.support.owner.person import PATIENCE
from tests.support.proxy.proxy import Answer, Exchange, Forward, Proxy


class Holding:
    """Holds back one request of a kind, or the answer to it.

    Args:
        proxy: the proxy that the requests go through.
        kind: see :attr:`Exchange.kind`.
        skip: the number of requests of this kind that are forwarded before.
        answer: True if the server carries the request out, and the answer is held back.
    """

    def __init__(self, proxy: Proxy, kind: str, *, skip: int = 0, answer: bool = False) -> None:
        self._kind = kind
        self._passing = skip
        self._answer = answer
        self._held = asyncio.Event()
        self._released = asyncio.Event()
        proxy.intercept = self._intercept

    async def _intercept(self, exchange: Exchange, forward: Forward) -> Answer:
        if exchange.kind != self._kind or self._held.is_set():
            return await forward()
        if self._passing:
            self._passing -= 1
            return await forward()
        answer = await forward() if self._answer else None
        self._held.set()
        await self._released.wait()
        return answer or await forward()

    async def until_held(self) -> None:
        """Wait until the request or the answer is held back."""
        async with asyncio.timeout(PATIENCE):
            await self._held.wait()

    def release(self) -> None:
        """Forward the request or the answer."""
        self._released.set()
