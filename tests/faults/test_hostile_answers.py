"""Answers that no server should give: a pass fails as it may, or goes on with what it can use.

No answer is taken for a mistake in Mailroom, none makes it hang, and no mail ends in no mailbox.
"""

import asyncio
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st
from structlog.testing import capture_logs

from mailroom.account import open_account
from mailroom.report.failures import EXPECTED
from mailroom.sandbox.owner import OwnerConsole
from tests.faults.scenarios import BACKENDS, SCENARIOS, Prepared, Scenario, prepared, settings
from tests.support import virtual_time
from tests.support.faults.account import copied
from tests.support.faults.hostile import twisted
from tests.support.faults.server import AccountServer, serving
from tests.support.proxy.proxy import Answer, Exchange, Forward, Interceptor

LONGEST = 600.0
"""Seconds of the loop's clock in which two passes end, with all repetitions of requests."""


def twisting(kinds: frozenset[str], chance: random.Random) -> Interceptor:
    """Twist every answer to requests of these kinds."""

    async def intercept(exchange: Exchange, forward: Forward) -> Answer:
        answer = await forward()
        if exchange.kind not in kinds or not answer.body:
            return answer
        return replace(answer, body=twisted(answer.body, chance))

    return intercept


async def two_passes(server: AccountServer) -> None:
    """Check the account and run two passes, as the service does; expected errors end them."""
    line, *_ = server.lines
    async with open_account(settings(line)) as account:
        try:
            workflow = await account.workflow()
            await workflow.check()
            await workflow.run()
            await workflow.run()
        except EXPECTED:
            pass


async def twisted_passes(scenario: Scenario, ready: Prepared, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - a choice of oddities
    kinds = sorted({exchange.kind for exchange in ready.exchanges})
    twisted_kinds = frozenset(
        chance.sample(kinds, min(len(kinds), chance.choice((1, 1, 1, 2, 99))))
    )
    account = copied(ready.base)
    async with serving(account) as server:
        scenario.act(OwnerConsole(account))
        server.lines[0].intercept = twisting(twisted_kinds, chance)
        began = asyncio.get_running_loop().time()
        with capture_logs() as log:
            await two_passes(server)
        assert asyncio.get_running_loop().time() - began < LONGEST
    assert [entry for entry in log if entry.get("exc_info")] == []
    assert OwnerConsole(account).violations == []


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("scenario", SCENARIOS[:5], ids=str)
@profile(max_examples=max(1, profile().max_examples // 25))
@given(seed=st.integers(0, 2**32))
def test_changed_answers_do_no_harm(scenario: Scenario, backend: str, seed: int) -> None:
    ready = prepared(scenario, backend, at_start=True)
    virtual_time.run(twisted_passes(scenario, ready, seed))
