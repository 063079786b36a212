"""Repeat failed requests of one client at one host, each in its slot."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception

from mailroom.http.errors import HttpError
from mailroom.http.retry import is_enough, is_worth_repeating, pause, row_of
from mailroom.http.slots import Slot, Slots

T = TypeVar("T")

log = structlog.get_logger(__name__)


class Repeater:
    """Makes attempts at a request until one succeeds or :mod:`mailroom.http.retry` ends them.

    Args:
        slots: the slots of the host.
        sleep: waits between attempts, for a number of seconds.
    """

    def __init__(self, slots: Slots, sleep: Callable[[float], Awaitable[None]]) -> None:
        self._slots = slots
        self._sleep = sleep

    async def run(
        self, attempt: Callable[[Slot], Awaitable[T]], *, repeatable: bool, write: bool
    ) -> T:
        """Return the result of the first attempt that succeeds.

        Args:
            attempt: sends the request once, in the slot that it is passed.
            repeatable: True if doing the request twice is the same as doing it once.
            write: True if the request needs the lock of an address book; see :class:`Slots`.

        Raises:
            HttpError: the error of the last attempt.
        """
        slot = Slot(self._slots, write=write)
        retrying = AsyncRetrying(
            retry=retry_if_exception(partial(is_worth_repeating, repeatable=repeatable)),
            stop=is_enough,
            wait=pause,
            sleep=self._sleep,
            before_sleep=_log_repetition,
            reraise=True,
        )
        try:
            result: T = await retrying(self._attempt, attempt, slot)
        finally:
            slot.free()
        return result

    async def _attempt(self, attempt: Callable[[Slot], Awaitable[T]], slot: Slot) -> T:
        await slot.take()
        began = asyncio.get_running_loop().time()
        try:
            result = await attempt(slot)
        except HttpError as error:
            row = row_of(error)
            if row is not None and row.serializes:
                self._slots.serialize_writes()
            if row is not None and row.slows:
                self._slots.slow_down()
            # A request that waits for a busy host keeps its slot; see the class Slot.
            if row is None or not row.slows or self._slots.is_overfull:
                slot.free()
            raise
        slot.answered(asyncio.get_running_loop().time() - began)
        return result


def _log_repetition(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    log.info(
        "request failed, will be sent again",
        error=str(error),
        attempt=state.attempt_number,
        next_in_seconds=round(state.upcoming_sleep, 1),
    )
