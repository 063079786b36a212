"""How long to wait before the next try."""

from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.waiting.backoff import full_jitter

SECONDS = st.floats(0.001, 1e4)


@given(attempt=st.integers(1, 10_000), base=SECONDS, cap=SECONDS, floor=st.floats(0, 1e4))
def test_a_wait_is_never_below_the_floor_nor_above_floor_and_cap(
    attempt: int, base: float, cap: float, floor: float
) -> None:
    wait = full_jitter(attempt, base=base, cap=cap, floor=floor)

    assert floor <= wait <= floor + cap
    assert wait <= floor + base * 2.0 ** min(attempt - 1, 900)


@pytest.mark.parametrize(
    ("attempt", "ceiling"), [(1, 1.0), (2, 2.0), (3, 4.0), (6, 32.0), (7, 60.0), (5000, 60.0)]
)
def test_the_ceiling_doubles_up_to_the_cap_and_all_of_it_is_used(
    attempt: int, ceiling: float
) -> None:
    waits = [full_jitter(attempt, base=1.0, cap=60.0) for _ in range(2000)]

    assert max(waits) <= ceiling
    assert max(waits) > 0.9 * ceiling
    assert min(waits) < 0.1 * ceiling
    assert 0.4 * ceiling < mean(waits) < 0.6 * ceiling


def test_what_the_server_asks_for_is_spread_as_well() -> None:
    waits = {full_jitter(3, base=1.0, cap=60.0, floor=30.0) for _ in range(100)}

    assert min(waits) >= 30.0
    assert len(waits) > 90
