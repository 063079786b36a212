"""The number of requests at one host: stated for JMAP, found by trying for writes of contacts."""

import asyncio
from collections import deque
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from mailroom.http import ServerFailureError
from mailroom.http.limit import MOST_WRITES, Limit
from mailroom.http.repeating import Repeater
from mailroom.http.slots import Slot, Slots
from tests.support.virtual_time import now, run

DAY = 86_400.0


def after_answers(limit: Limit, *seconds: float) -> Limit:
    for each in seconds:
        limit = limit.after_answer(each)
    return limit


def test_writes_begin_with_half_as_many_again() -> None:
    assert [Limit(size).writes(0.0) for size in (1, 2, 3, 4, 20, 99)] == [1, 3, 4, 6, 24, 99]


def test_the_first_twenty_answers_add_nothing() -> None:
    assert after_answers(Limit(4), *[0.1] * 20).writes(0.0) == 6


def test_then_quick_answers_add_two_each_and_requests_stay_as_stated() -> None:
    limit = after_answers(Limit(4), *[0.1] * 24)
    assert (limit.requests(0.0), limit.writes(0.0)) == (4, 14)
    limit = after_answers(limit, *[0.1] * 50)
    assert (limit.requests(0.0), limit.writes(0.0)) == (4, MOST_WRITES)


def test_answers_over_new_connections_change_nothing() -> None:
    limit = after_answers(Limit(4), *[0.1] * 24)
    assert after_answers(limit, *[0.3] * 10).writes(0.0) == limit.writes(0.0)


def test_slow_answers_halve_once_in_a_round_and_then_it_grows_by_one_in_a_round() -> None:
    limit = after_answers(Limit(4), *[0.1] * 40)
    assert limit.writes(0.0) == 24
    limit = after_answers(limit, *[0.5] * 24)
    assert limit.writes(0.0) == 12
    limit = after_answers(limit, *[0.1] * 13)
    assert limit.writes(0.0) == 13


def test_slow_answers_never_leave_less_than_at_the_start() -> None:
    assert after_answers(Limit(4), 0.1, *[9.0] * 100).writes(0.0) == 6


def test_the_number_is_kept_from_burst_to_burst_and_the_proof_is_not() -> None:
    limit = after_answers(Limit(4), *[0.1] * 24).after_burst()
    assert after_answers(limit, *[0.5] * 20).writes(0.0) == 14


def test_a_refusal_halves_and_one_request_is_regained_every_ten_seconds() -> None:
    limit = Limit(6).after_refusal(6, 100.0)
    assert [limit.requests(100.0 + after) for after in (0, 9, 10, 25, 31)] == [3, 3, 4, 5, 6]


def test_after_a_refusal_writes_are_no_more_than_requests_for_a_day() -> None:
    limit = after_answers(Limit(4), *[0.1] * 40).after_refusal(24, 0.0)
    assert limit.writes(0.0) == limit.requests(0.0) == 4
    limit = after_answers(limit, *[0.1] * 40)
    assert limit.writes(DAY - 1) == 4
    assert limit.writes(DAY) > 4


EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("answer"), st.floats(0.001, 60.0)),
        st.tuples(st.just("refusal"), st.integers(1, 30)),
        st.tuples(st.just("resize"), st.integers(1, 30)),
        st.tuples(st.just("end of burst"), st.just(0)),
        st.tuples(st.just("later"), st.floats(0.0, 2 * DAY)),
    ),
    max_size=120,
)


@given(EVENTS)
def test_whatever_comes_the_limit_is_between_one_and_the_most(
    events: Sequence[tuple[str, float]],
) -> None:
    limit, time, refused_at = Limit(4), 0.0, -DAY
    for kind, value in events:
        before = limit.writes(time)
        match kind:
            case "answer":
                limit = limit.after_answer(value)
                assert before // 2 <= limit.writes(time) <= before + 2
            case "refusal":
                limit, refused_at = limit.after_refusal(int(value), time), time
                assert limit.writes(time) <= max(1, before // 2)
            case "resize":
                limit = limit.resized(int(value))
            case "end of burst":
                limit = limit.after_burst()
                assert limit.writes(time) == before
            case _:
                time += value
        assert 1 <= limit.requests(time) <= limit.size
        assert limit.requests(time) <= limit.writes(time) <= max(limit.size, MOST_WRITES)
        if time - refused_at < DAY:
            assert limit.writes(time) == limit.requests(time)


class Host:
    """A host at 100 ms of round trip, which may refuse requests beyond so many in a second."""

    def __init__(self, rate: int | None, retry_after: float | None) -> None:
        self.refused = 0
        self.under_way = 0
        self.most = 0
        self._rate = rate
        self._retry_after = retry_after
        self._accepted: deque[float] = deque()

    async def write(self, _: Slot) -> None:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await asyncio.sleep(0.05)
        while self._accepted and self._accepted[0] <= now() - 1.0:
            self._accepted.popleft()
        accepts = self._rate is None or len(self._accepted) < self._rate
        if accepts:
            self._accepted.append(now())
        await asyncio.sleep(0.05)
        self.under_way -= 1
        if not accepts:
            self.refused += 1
            raise ServerFailureError(URL("https://dav.example/"), 429, self._retry_after)


async def bursts(host: Host, slots: Slots, count: int) -> list[tuple[int, float]]:
    """Write 60 cards at once, several times; return the refusals and the seconds of each burst."""
    repeater = Repeater(slots, asyncio.sleep)
    figures = []
    for _ in range(count):
        host.refused, began = 0, now()
        writes = (repeater.run(host.write, repeatable=True, write=True) for _ in range(60))
        await asyncio.gather(*writes)
        figures.append((host.refused, now() - began))
        await asyncio.sleep(60.0)
    return figures


def test_a_burst_takes_six_round_trips_and_the_next_one_three() -> None:
    host = Host(rate=None, retry_after=None)
    (_, first), (_, second) = run(bursts(host, Slots(), 2))
    assert (round(first, 3), round(second, 3)) == (0.6, 0.3)
    assert host.most == MOST_WRITES


@pytest.mark.parametrize("retry_after", [None, 1.0])
def test_a_host_that_allows_twenty_a_second_refuses_no_more_than_are_sent_at_the_start(
    retry_after: float | None,
) -> None:
    """Four at once, as from the second burst on, meet four refusals."""
    host = Host(20, retry_after)
    refusals = [refused for refused, _ in run(bursts(host, Slots(), 3))]
    assert refusals[0] <= 6
    assert refusals[1:] == [4, 4]


def test_requests_of_jmap_do_not_use_the_slots_of_writes() -> None:
    async def scenario() -> None:
        slots = Slots(4)
        for _ in range(4):
            await slots.take()
        waiting = asyncio.create_task(slots.take())
        await slots.take(write=True)
        await slots.take(write=True)
        assert not waiting.done()
        slots.free()
        await waiting

    run(scenario())
