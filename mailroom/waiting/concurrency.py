"""Doing several things at once, and leaving none of them behind when one fails."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

A = TypeVar("A")
B = TypeVar("B")
T = TypeVar("T")


async def all_of(coroutines: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Run coroutines at once and give their results in order.

    The first failure cancels the others, waits for their end, and is raised as itself, not as part
    of an exception group: callers decide by its type.
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(each) for each in coroutines]
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]


async def both(a: Coroutine[Any, Any, A], b: Coroutine[Any, Any, B]) -> tuple[A, B]:
    """As :func:`all_of`, for two results of different types."""
    first, second = await all_of([_boxed(a), _boxed(b)])
    return first[0], second[0]


async def _boxed(coroutine: Coroutine[Any, Any, T]) -> list[Any]:
    return [await coroutine]
