"""The virtual clock that other tests rely on."""

import asyncio

import pytest

from tests.support.virtual_time import now, run


def test_timers_fire_in_order_and_at_their_exact_times() -> None:
    async def scenario() -> list[tuple[str, float]]:
        fired: list[tuple[str, float]] = []

        async def after(name: str, seconds: float) -> None:
            await asyncio.sleep(seconds)
            fired.append((name, now()))

        await asyncio.gather(after("a week", 604800.0), after("a moment", 0.1), after("at once", 0))
        return fired

    assert run(scenario()) == [("at once", 0.0), ("a moment", 0.1), ("a week", 604800.0)]


def test_waiting_for_ever_is_an_error_instead_of_a_hang() -> None:
    async def scenario() -> None:
        await asyncio.Event().wait()

    with pytest.raises(RuntimeError, match="no timer will ever wake"):
        run(scenario())
