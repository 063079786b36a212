"""What a server refuses for good is not asked again every minute."""

import asyncio

from mailroom.screener.model.refusals import Refusals
from tests.support.virtual_time import run


async def refused_twice(*keys: str) -> Refusals:
    refusals = Refusals()
    for key in keys:
        refusals.note(key, "413")
    await asyncio.sleep(1)
    for key in keys:
        refusals.note(key, "413")
    return refusals


def test_what_is_refused_in_one_moment_is_tried_again_soon() -> None:
    async def scenario() -> str | None:
        refusals = Refusals()
        refusals.note("decision", "403")
        await asyncio.sleep(0.9)
        refusals.note("decision", "403")
        return refusals.reason("decision")

    assert run(scenario()) is None


def test_a_refusal_lasts_an_hour() -> None:
    async def scenario() -> list[str | None]:
        refusals = await refused_twice("decision")
        seen = [refusals.reason("decision"), refusals.reason("another")]
        await asyncio.sleep(3599)
        seen.append(refusals.reason("decision"))
        await asyncio.sleep(1)
        return [*seen, refusals.reason("decision")]

    assert run(scenario()) == ["413", None, "413", None]


def test_what_is_refused_again_waits_another_hour() -> None:
    async def scenario() -> str | None:
        refusals = await refused_twice("decision")
        await asyncio.sleep(3600)
        refusals.note("decision", "507")
        await asyncio.sleep(3599)
        return refusals.reason("decision")

    assert run(scenario()) == "507"


def test_what_is_not_asked_for_any_more_is_tried_at_once_when_it_is() -> None:
    async def scenario() -> list[str | None]:
        refusals = await refused_twice("stays", "goes")
        refusals.keep_only({"stays"})
        return [refusals.reason("stays"), refusals.reason("goes")]

    assert run(scenario()) == ["413", None]
