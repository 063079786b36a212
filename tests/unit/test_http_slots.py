"""So many at once, while the number changes."""

import asyncio
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from mailroom.http.slots import Slots


async def settle() -> None:
    """Let everything that can go on go on."""
    for _ in range(20):
        await asyncio.sleep(0)


class Takers:
    """Tasks that want slots, numbered as they come."""

    def __init__(self, slots: Slots) -> None:
        self.slots = slots
        self.served: list[int] = []
        self.holding: set[int] = set()
        self.waiting: dict[int, asyncio.Task[None]] = {}
        self._number = 0

    async def _take(self, number: int) -> None:
        await self.slots.take()
        self.served.append(number)
        self.holding.add(number)
        del self.waiting[number]

    async def come(self, count: int = 1) -> None:
        for _ in range(count):
            self._number += 1
            self.waiting[self._number] = asyncio.create_task(self._take(self._number))
        await settle()

    async def free(self, count: int = 1) -> None:
        for _ in range(count):
            self.holding.pop()
            self.slots.free()
        await settle()

    async def give_up(self, number: int) -> None:
        self.waiting.pop(number).cancel()
        await settle()

    async def end(self) -> None:
        for task in self.waiting.values():
            task.cancel()
        await asyncio.gather(*self.waiting.values(), return_exceptions=True)


async def test_who_takes_again_at_once_comes_after_those_who_wait() -> None:
    """So a task that sends one request after another leaves room for the others."""
    slots = Slots(1)
    order: list[str] = []

    async def send(name: str, times: int) -> None:
        for _ in range(times):
            await slots.take()
            order.append(name)
            await asyncio.sleep(0)
            slots.free()

    await asyncio.gather(send("pages", 4), send("tap", 1), send("other", 2))
    assert {*order[1:3]} == {"tap", "other"}


async def test_no_more_than_the_size_get_in_and_the_others_in_order() -> None:
    takers = Takers(Slots(2))
    await takers.come(5)
    assert takers.served == [1, 2]
    await takers.free()
    assert takers.served == [1, 2, 3]
    await takers.free(2)
    assert takers.served == [1, 2, 3, 4, 5]


async def test_more_slots_let_those_in_who_wait() -> None:
    takers = Takers(Slots(1))
    await takers.come(4)
    takers.slots.resize(3)
    await settle()
    assert takers.served == [1, 2, 3]


async def test_with_fewer_slots_those_taken_before_count() -> None:
    takers = Takers(Slots(3))
    await takers.come(4)
    takers.slots.resize(1)
    await takers.free(2)
    assert takers.served == [1, 2, 3]
    await takers.free()
    assert takers.served == [1, 2, 3, 4]


async def test_the_same_size_again_lets_nobody_in() -> None:
    takers = Takers(Slots(1))
    await takers.come(3)
    takers.slots.resize(1)
    await settle()
    assert takers.served == [1]


async def test_one_who_gives_up_waiting_leaves_no_trace() -> None:
    takers = Takers(Slots(1))
    await takers.come(3)
    await takers.give_up(2)
    await takers.free()
    assert takers.served == [1, 3]


async def test_giving_up_in_the_very_moment_of_being_let_in_loses_no_slot() -> None:
    takers = Takers(Slots(1))
    await takers.come(3)
    takers.slots.free()
    takers.waiting.pop(2).cancel()
    await settle()
    assert takers.served == [1, 3]


STEPS = st.lists(
    st.one_of(
        st.sampled_from(["come", "free", "give up"]),
        st.integers(min_value=1, max_value=4),
    ),
    max_size=40,
)


@given(STEPS)
def test_whatever_happens_the_bound_holds_and_nobody_waits_in_vain(
    steps: Sequence[str | int],
) -> None:
    asyncio.run(check(steps))


async def check(steps: Sequence[str | int]) -> None:
    size = 2
    takers = Takers(Slots(size))
    for step in steps:
        before = set(takers.holding)
        match step:
            case "come":
                await takers.come()
            case "free" if takers.holding:
                await takers.free()
            case "give up" if takers.waiting:
                await takers.give_up(min(takers.waiting))
            case int(size):
                takers.slots.resize(size)
                await settle()
        came_in = takers.holding - before
        assert not came_in or len(takers.holding) <= size
        assert not takers.waiting or len(takers.holding) >= size
    assert takers.served == sorted(takers.served)
    await takers.end()
