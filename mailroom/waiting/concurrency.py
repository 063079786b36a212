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
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(coroutine) for coroutine in coroutines]
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]


async def both(a: Coroutine[Any, Any, A], b: Coroutine[Any, Any, B]) -> tuple[A, B]:
    """Run two coroutines as :func:`all_of` does; their results may have different types."""
    first, second = await all_of([_boxed(a), _boxed(b)])
    return first[0], second[0]


# all_of() takes coroutines of one type, so each result is put into a list of any type.
async def _boxed(coroutine: Coroutine[Any, Any, T]) -> list[Any]:
    return [await coroutine]
