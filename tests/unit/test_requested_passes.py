"""Passes that the page asks for: which pass answers, and what happens if none does."""

import asyncio
from typing import cast

import pytest

from mailroom.runtime.requested_passes import PassFailedError, RequestedPasses
from mailroom.screener.passes.progress import Report
from mailroom.screener.passes.workflow import ScreenerWorkflow
from mailroom.waiting.trigger import Trigger


def report() -> Report:
    """Return something that is only handed on."""
    return cast("Report", object())


async def no_workflow() -> ScreenerWorkflow:
    raise NotImplementedError


def passes() -> RequestedPasses:
    return RequestedPasses(Trigger(poll_interval=300, settle=0), no_workflow)


async def asked(requested: RequestedPasses) -> asyncio.Task[Report]:
    request = asyncio.create_task(requested.run())
    await asyncio.sleep(0)
    return request


async def test_only_a_pass_that_begins_later_answers() -> None:
    requested, seen = passes(), list[Report | Exception]()
    requested.listen(seen.append)
    requested.take_requests()
    request = await asked(requested)
    first, second = report(), report()
    requested.pass_ended(first)
    await asyncio.sleep(0)
    assert not request.done()
    requested.take_requests()
    requested.pass_ended(second)
    assert await request is second
    assert seen == [first, second]


async def test_a_pass_that_reads_again_answers_the_requests_of_both_readings() -> None:
    requested, answer = passes(), report()
    first = await asked(requested)
    requested.take_requests()
    second = await asked(requested)
    requested.take_requests()
    requested.pass_ended(answer)
    assert [await first, await second] == [answer, answer]


async def test_a_failed_pass_and_the_end_of_the_service_are_errors() -> None:
    requested = passes()
    failing = await asked(requested)
    requested.take_requests()
    requested.pass_ended(OSError("no route"))
    with pytest.raises(PassFailedError, match="no route"):
        await failing
    left = await asked(requested)
    requested.close()
    with pytest.raises(PassFailedError, match="has ended"):
        await left


async def test_the_end_of_the_service_answers_the_requests_of_a_pass_that_was_cut_off() -> None:
    requested = passes()
    request = await asked(requested)
    requested.take_requests()
    requested.close()
    with pytest.raises(PassFailedError, match="has ended"):
        await request
    with pytest.raises(PassFailedError, match="has ended"):
        await requested.run()


async def test_somebody_who_waits_no_more_is_left_out() -> None:
    requested = passes()
    gone, waiting = await asked(requested), await asked(requested)
    gone.cancel()
    await asyncio.sleep(0)
    answer = report()
    requested.take_requests()
    requested.pass_ended(answer)
    assert await waiting is answer


async def test_reports_are_collected_inside_the_block_only() -> None:
    requested, answer = passes(), report()
    with requested.collect() as reports:
        requested.pass_ended(OSError())
        requested.pass_ended(answer)
    requested.pass_ended(report())
    assert reports == [answer]
