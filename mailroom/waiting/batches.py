"""Divide work into batches, each small enough for one request or one answer."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Divide items, in order, into batches of ``size`` items; the last one may be smaller."""
    return (items[start : start + size] for start in range(0, len(items), size))


def batches_by_weight(
    items: Iterable[T], weigh: Callable[[T], int], *, limit: int, most: int | None = None
) -> Iterator[list[T]]:
    """Divide items, in order, into batches with a limited weight.

    Args:
        items: the items.
        weigh: returns the weight of an item, for example its octets in a request.
        limit: the largest weight of a batch. An item that is heavier is a batch of its own.
        most: the largest number of items in a batch; None: no limit.
    """
    batch: list[T] = []
    weight = 0
    for item in items:
        item_weight = weigh(item)
        if batch and (len(batch) == most or weight + item_weight > limit):
            yield batch
            batch, weight = [], 0
        batch.append(item)
        weight += item_weight
    if batch:
        yield batch
