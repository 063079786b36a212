"""Run several coroutines at once, and leave none running when one fails."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

A = TypeVar("A")
B = TypeVar("B")
T = TypeVar("T")


async def all_of(coroutines: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Run coroutines at once and return their results in order.

    After the first failure the other coroutines are cancelled, and their end is waited for. The
    error of the first failure is raised by itself, not in an exception group, because callers
    decide by its type.

    Raises:
        asyncio.CancelledError: the caller was cancelled, even if a coroutine failed just before.
            (In :class:`asyncio.TaskGroup` of Python 3.11 and 3.12 the failure would win: a service
            that is told to stop at that moment would go on for ever.)
    """
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
    if not tasks:
        return []
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        await _end(tasks)
    # Tasks that were cancelled because another task failed have no result.
    return [task.result() for task in tasks if task in done]


async def _end(tasks: list[asyncio.Task[T]]) -> None:
    """Cancel the tasks that still run, and wait until all have ended."""
    for task in tasks:
        task.cancel()
    cancelled = None
    while not all(task.done() for task in tasks):
        try:
            await asyncio.wait(tasks)
        except asyncio.CancelledError as error:  # The tasks are being cancelled already.
            cancelled = error
    for task in tasks:
        # Only the first failure is raised; asyncio would complain about the others.
        if not task.cancelled():
            task.exception()
    if cancelled is not None:
        raise cancelled


async def both(a: Coroutine[Any, Any, A], b: Coroutine[Any, Any, B]) -> tuple[A, B]:
    """Run two coroutines as :func:`all_of` does; their results may have different types."""
    first, second = await all_of([_boxed(a), _boxed(b)])
    return first[0], second[0]


# all_of() takes coroutines of one type, so each result is put into a list of any type.
async def _boxed(coroutine: Coroutine[Any, Any, T]) -> list[Any]:
    return [await coroutine]
