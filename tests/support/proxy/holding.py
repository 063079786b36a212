"""Holds one request back, so that a test can act in this moment."""

import asyncio

from tests.support.owner.person import PATIENCE
from tests.support.proxy.proxy import Answer, Exchange, Forward, Proxy


class Holding:
    """Keeps the first request of a kind back, or its answer, once the server has carried it out.

    Args:
        proxy: that the requests go through.
        kind: see :attr:`Exchange.kind`.
        behind: how many of that kind are let through before.
        answer: whether it is the answer.
    """

    def __init__(self, proxy: Proxy, kind: str, *, behind: int = 0, answer: bool = False) -> None:
        self._kind = kind
        self._passing = behind
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
        done = await forward() if self._answer else None
        self._held.set()
        await self._released.wait()
        return done or await forward()

    async def until_held(self) -> None:
        """Wait for that request."""
        async with asyncio.timeout(PATIENCE):
            await self._held.wait()

    def release(self) -> None:
        """Let it go on."""
        self._released.set()
