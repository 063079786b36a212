"""Several things at once, none left behind."""

import asyncio

import pytest

from mailroom.waiting.concurrency import all_of, both
from tests.support.virtual_time import now, run


class OddError(Exception):
    """What goes wrong in these tests."""


async def after(seconds: float, value: str) -> str:
    await asyncio.sleep(seconds)
    return value


async def fail(seconds: float, text: str) -> str:
    await asyncio.sleep(seconds)
    raise OddError(text)


def test_results_come_in_order_whatever_was_done_first() -> None:
    async def scenario() -> tuple[list[str], float]:
        return await all_of([after(3, "a"), after(1, "b"), after(2, "c")]), now()

    assert run(scenario()) == (["a", "b", "c"], 3.0)


def test_nothing_to_do_is_done_at_once() -> None:
    assert run(all_of([])) == []


def test_both_results_keep_their_places() -> None:
    async def number() -> int:
        return 7

    assert run(both(after(1, "a"), number())) == ("a", 7)


def test_the_first_failure_is_raised_as_itself() -> None:
    with pytest.raises(OddError, match="early"):
        run(all_of([fail(2, "late"), after(1, "fine"), fail(1, "early")]))


@pytest.mark.parametrize("which", ["first", "second"])
def test_a_failure_of_either_is_raised_as_itself(which: str) -> None:
    pair = (fail(1, "odd"), after(9, "fine"))

    with pytest.raises(OddError, match="odd"):
        run(both(*pair) if which == "first" else both(*pair[::-1]))


def test_a_failure_cancels_the_others_and_waits_for_their_end() -> None:
    async def scenario() -> list[str]:
        ends: list[str] = []

        async def careful() -> None:
            try:
                await asyncio.sleep(1000)
            except asyncio.CancelledError:
                await asyncio.sleep(5)  # such as saying good-bye to a server
                ends.append("cancelled")
                raise

        with pytest.raises(OddError):
            await all_of([careful(), fail(1, "odd"), careful()])
        ends.append(f"raised at {now()}")
        return ends

    assert run(scenario()) == ["cancelled", "cancelled", "raised at 6.0"]


def test_who_is_cancelled_cancels_what_it_waits_for() -> None:
    async def scenario() -> list[str]:
        ends: list[str] = []

        async def careful() -> None:
            try:
                await asyncio.sleep(1000)
            finally:
                ends.append("ended")

        task = asyncio.create_task(all_of([careful(), careful()]))
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return ends

    assert run(scenario()) == ["ended", "ended"]


@pytest.mark.parametrize("order", ["cancelled first", "failed first"])
def test_who_is_cancelled_while_a_task_fails_is_cancelled(order: str) -> None:
    """Before Python 3.13 the failure would take the place of the cancellation."""

    async def scenario() -> None:
        released = asyncio.Event()

        async def fail_when_released() -> None:
            await released.wait()
            raise OddError("at the same moment")

        task = asyncio.create_task(all_of([fail_when_released()]))
        await asyncio.sleep(1)
        if order == "cancelled first":
            task.cancel()
        released.set()
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(scenario())
