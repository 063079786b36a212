"""When a pass runs, and why: on virtual time, so that every time is exact."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.waiting.trigger import Due, Reason, Trigger
from tests.support.virtual_time import now, run

POLL = 300.0
SETTLE = 0.1

Step = tuple[float, Callable[[Trigger], None]]
"""When something happens, and what."""


def change(trigger: Trigger) -> None:
    trigger.change()


def passes(
    *steps: Step, until: float, lasting: float = 0.0, poll: float = POLL, settle: float = SETTLE
) -> list[tuple[str, float]]:
    """Why and when passes of that length run, while things happen at their times."""

    async def scenario() -> list[tuple[str, float]]:
        trigger = Trigger(poll_interval=poll, settle=settle)
        seen: list[tuple[str, float]] = []

        async def service() -> None:
            while True:
                due = await trigger.next()
                seen.append((due.reason.value, round(now(), 6)))
                await asyncio.sleep(lasting)

        task = asyncio.create_task(service(), name="passes")
        for at, step in sorted(steps, key=lambda each: each[0]):
            await asyncio.sleep(at - now())
            step(trigger)
        await asyncio.sleep(until - now())
        task.cancel()
        return seen

    return run(scenario())


STARTUP = ("startup", 0.0)


def test_the_first_pass_runs_at_once() -> None:
    assert passes(until=POLL - 1) == [STARTUP]


def test_a_change_before_the_first_pass_is_part_of_it() -> None:
    async def scenario() -> list[Reason]:
        trigger = Trigger(poll_interval=POLL, settle=SETTLE)
        trigger.change()
        return [(await trigger.next()).reason, (await trigger.next()).reason]

    assert run(scenario()) == [Reason.STARTUP, Reason.POLL]


@pytest.mark.parametrize("gap", [0.001, 0.03, 0.09])
def test_a_burst_within_the_settle_is_one_pass_that_no_later_change_puts_off(gap: float) -> None:
    burst = [(5.0 + gap * at, change) for at in range(int(SETTLE / gap))]

    assert passes(*burst, until=100) == [STARTUP, ("push", 5.1)]


def test_changes_that_never_stop_do_not_put_a_pass_off() -> None:
    """The settle begins with the first change of a burst, it does not begin anew with each."""
    steady = [(5.0 + 0.05 * at, change) for at in range(9)]
    seen = passes(*steady, until=100)

    assert seen[:2] == [STARTUP, ("push", 5.1)]
    assert 4 <= len(seen) <= 6


def test_a_change_that_need_not_settle_is_a_pass_at_once() -> None:
    assert passes((5.0, at_once), (6.0, change), (6.05, at_once), until=8) == [
        STARTUP,
        ("push", 5.0),
        ("push", 6.05),
    ]


def test_changes_further_apart_than_the_settle_are_a_pass_each() -> None:
    seen = passes((5.0, change), (6.0, change), until=100)

    assert seen == [STARTUP, ("push", 5.1), ("push", 6.1)]


@pytest.mark.parametrize("times", [1, 2, 50])
def test_changes_during_a_pass_mean_exactly_one_more_pass_after_it(times: int) -> None:
    during = [(1.0 + at / 100, change) for at in range(times)]

    assert passes(*during, lasting=10.0, until=100) == [STARTUP, ("push", 10.0)]


def test_passes_do_not_overlap() -> None:
    changes = [(float(at), change) for at in range(1, 40)]
    seen = passes(*changes, lasting=10.0, until=60)

    assert seen == [STARTUP, *[("push", at) for at in (10.0, 20.0, 30.0)], ("push", 40.0)]


def test_the_poll_runs_whether_or_not_anything_happens() -> None:
    assert passes(until=2 * POLL + 1) == [STARTUP, ("poll", POLL), ("poll", 2 * POLL)]


def test_a_poll_is_never_later_than_its_interval_after_the_last_pass() -> None:
    assert passes((200.0, change), until=501) == [STARTUP, ("push", 200.1), ("poll", 500.1)]


def test_a_retry_runs_when_it_was_asked_for() -> None:
    seen = passes((1.0, lambda trigger: trigger.retry(20.0)), lasting=2.0, until=100)

    assert seen == [STARTUP, ("retry", 21.0)]


def test_a_retry_later_than_the_poll_does_not_put_the_poll_off() -> None:
    seen = passes((1.0, lambda trigger: trigger.retry(2 * POLL)), lasting=2.0, until=POLL + 10)

    assert seen == [STARTUP, ("poll", POLL)]


def test_a_change_need_not_wait_for_the_retry_and_takes_its_place() -> None:
    seen = passes((1.0, lambda trigger: trigger.retry(20.0)), (5.0, change), lasting=2.0, until=100)

    assert seen == [STARTUP, ("push", 5.1)]


@pytest.mark.parametrize("at", [1.5, 2.5, 10.0, 30.0])
def test_no_change_brings_a_pass_before_the_time_that_the_server_asked_for(at: float) -> None:
    seen = passes(
        (1.0, lambda trigger: trigger.retry(35.0, not_before=30.0)),
        (at, change),
        lasting=2.0,
        until=100,
    )

    assert seen[0] == STARTUP
    assert len(seen) == 2
    assert seen[1][0] == "push"
    assert 31.0 <= seen[1][1] <= 31.1


def test_no_poll_runs_before_that_time_either() -> None:
    seen = passes(
        (1.0, lambda trigger: trigger.retry(100.0, not_before=100.0)),
        lasting=2.0,
        poll=50.0,
        until=120,
    )

    assert seen[0] == STARTUP
    assert [at for _, at in seen[1:]] == [101.0]


def test_a_time_that_was_asked_for_holds_once() -> None:
    seen = passes(
        (1.0, lambda trigger: trigger.retry(30.0, not_before=30.0)),
        (40.0, change),
        lasting=2.0,
        until=100,
    )

    assert seen == [STARTUP, ("retry", 31.0), ("push", 40.1)]


def poll_every(seconds: float) -> Callable[[Trigger], None]:
    return lambda trigger: trigger.poll_every(seconds)


def test_a_shorter_interval_counts_from_now() -> None:
    seen = passes((100.0, poll_every(30.0)), until=170)

    assert seen == [STARTUP, ("poll", 130.0), ("poll", 160.0)]


def test_a_shorter_interval_puts_no_poll_off() -> None:
    assert passes((290.0, poll_every(30.0)), until=305) == [STARTUP, ("poll", 300.0)]


def test_a_longer_interval_counts_from_the_next_pass() -> None:
    steps = ((0.0, poll_every(30.0)), (40.0, poll_every(POLL)))

    assert passes(*steps, until=361) == [STARTUP, ("poll", 30.0), ("poll", 60.0), ("poll", 360.0)]


def test_the_same_interval_again_changes_nothing() -> None:
    steps = [(float(at), poll_every(30.0)) for at in range(0, 60, 7)]

    assert passes(*steps, until=61) == [STARTUP, ("poll", 30.0), ("poll", 60.0)]


def test_a_pass_longer_than_the_poll_interval_is_followed_by_the_poll() -> None:
    assert passes(lasting=10.0, poll=4.0, until=25) == [STARTUP, ("poll", 10.0), ("poll", 20.0)]


def test_a_pass_knows_since_when_its_cause_waits() -> None:
    async def scenario() -> list[Due]:
        trigger = Trigger(poll_interval=POLL, settle=SETTLE)
        dues = [await trigger.next()]
        asyncio.get_running_loop().call_later(5.0, trigger.change)
        dues.append(await trigger.next())
        trigger.change()
        await asyncio.sleep(4.0)  # a pass, during which the change has to wait
        dues.append(await trigger.next())
        dues.append(await trigger.next())
        return dues

    start, push, waited, poll = run(scenario())

    assert start == Due(Reason.STARTUP, 0.0)
    assert push == Due(Reason.PUSH, 5.0)
    assert waited == Due(Reason.PUSH, 5.1)
    assert poll.reason is Reason.POLL
    assert poll.since == pytest.approx(5.1 + 4.0 + POLL)


def test_a_pass_knows_when_push_told_of_its_cause() -> None:
    """Even if that was during the pass before, or something else had changed already."""

    async def scenario() -> list[Due]:
        trigger = Trigger(poll_interval=POLL, settle=SETTLE)
        dues = [await trigger.next()]
        await asyncio.sleep(5.0)  # a pass
        trigger.change(announced_at=2.0)
        trigger.change(announced_at=4.0)
        dues.append(await trigger.next())
        trigger.change()
        trigger.change(announced_at=5.1)
        dues.append(await trigger.next())
        trigger.change()
        dues.append(await trigger.next())
        return dues

    _, first, mixed, untold = run(scenario())

    assert first == Due(Reason.PUSH, 2.0, is_announced=True)
    assert mixed == Due(Reason.PUSH, 5.1, is_announced=True)
    assert not untold.is_announced


async def early(*steps: Step, lead: float) -> tuple[float, bool, float]:
    """Begin a pass early; return when it began, if a change came meanwhile, and when it settled."""
    trigger = Trigger(poll_interval=POLL, settle=SETTLE)
    await trigger.next()
    for at, step in steps:
        asyncio.get_running_loop().call_later(at, step, trigger)
    await trigger.next(lead=lead)
    began, was_early = now(), trigger.is_early
    has_changed = await trigger.must_read_again()
    assert was_early == (began < now())
    assert not trigger.is_early
    assert not trigger.is_due
    return round(began, 6), has_changed, round(now(), 6)


def at_once(trigger: Trigger) -> None:
    trigger.change(settle=False)


@pytest.mark.parametrize(
    ("steps", "lead", "expected"),
    [
        ([(5.0, change)], 0.0, (5.1, False, 5.1)),
        ([(5.0, change)], 0.04, (5.06, False, 5.1)),
        ([(5.0, change)], 3.0, (5.0, False, 5.1)),
        ([(5.0, change), (5.05, change)], 0.04, (5.06, False, 5.1)),
        ([(5.0, change), (5.07, change)], 0.04, (5.06, True, 5.1)),
        ([(5.0, change), (5.07, at_once)], 0.04, (5.06, False, 5.07)),
        ([(5.0, change), (5.07, change), (5.08, at_once)], 0.04, (5.06, True, 5.08)),
    ],
)
def test_a_pass_may_begin_early_and_learns_at_the_end_of_its_settle_of_changes(
    steps: list[Step], lead: float, expected: tuple[float, bool, float]
) -> None:
    assert run(early(*steps, lead=lead)) == expected


def test_a_pass_that_did_not_begin_early_leaves_changes_to_the_next_one() -> None:
    async def scenario() -> bool:
        trigger = Trigger(poll_interval=POLL, settle=SETTLE)
        await trigger.next(lead=1.0)
        trigger.change()
        assert not trigger.is_early
        return trigger.is_due

    assert run(scenario())


def test_waiting_can_be_cancelled_and_nothing_is_lost() -> None:
    async def scenario() -> Due:
        trigger = Trigger(poll_interval=POLL, settle=SETTLE)
        await trigger.next()
        waiting: Coroutine[Any, Any, Due] = trigger.next()
        task = asyncio.create_task(waiting)
        await asyncio.sleep(1)
        trigger.change()
        await asyncio.sleep(SETTLE / 2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return await trigger.next()

    assert run(scenario()).reason is Reason.PUSH


@given(
    changes=st.lists(st.floats(0.01, 50.0), max_size=20),
    lasting=st.floats(0.0, 3.0),
    settle=st.floats(0.0, 1.0),
)
def test_after_every_change_a_pass_begins_soon(
    changes: list[float], lasting: float, settle: float
) -> None:
    """No later than the settle after it, or after the end of the pass that was running."""
    steps = [(at, change) for at in changes]
    seen = passes(*steps, until=60.0, lasting=lasting, settle=settle)

    for at in changes:
        assert any(
            at <= begin + 1e-3 and begin <= at + lasting + settle + 1e-3 for _, begin in seen
        )
    assert len(seen) <= 1 + len(changes)
