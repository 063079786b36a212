"""New mail that the server refuses for good to have moved is neither lost nor asked about often."""

import json

import pytest
from multidict import CIMultiDict

from mailroom.screener.arrivals.executor import ArrivalsReport
from mailroom.screener.arrivals.screening import Policy, Screening, judge_all
from mailroom.screener.model import refusals
from mailroom.screener.model.categories import DEFAULTS
from tests.support.domain.builders import decisions
from tests.support.proxy.proxy import Answer, Exchange, Forward
from tests.support.sandbox.arrivals import DAY, NOW, World, a_world


class Clock:
    """The time by which refusals are remembered."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(refusals, "_now", lambda: self.now)


class Refusing:
    """The server's side: refuses every update of mail, and counts."""

    def __init__(self) -> None:
        self.times = 0
        self.error: str | None = "overQuota"

    async def __call__(self, exchange: Exchange, forward: Forward) -> Answer:
        if self.error is None or "Email/set" not in exchange.calls:
            return await forward()
        self.times += 1
        responses = [
            [name, {**_REFUSED, "notUpdated": self._all(arguments)}, call_id]
            for name, arguments, call_id in json.loads(exchange.body)["methodCalls"]
        ]
        answer = {"methodResponses": responses, "sessionState": "0"}
        headers = CIMultiDict({"Content-Type": "application/json"})
        return Answer(200, headers, json.dumps(answer).encode())

    def _all(self, arguments: dict[str, dict[str, object]]) -> dict[str, object]:
        return {each: {"type": self.error} for each in arguments["update"]}


_REFUSED = {"accountId": "a", "oldState": "1", "newState": "1"}


async def a_pass(world: World, screening: Screening) -> ArrivalsReport:
    new_mail = await world.new_mail(screening.finder)
    facts = await screening.facts(new_mail, world.places, decisions())
    return await screening.apply(judge_all(new_mail, facts, facts.decisions), new_mail.state)


@pytest.mark.parametrize("error", ["overQuota", "forbidden", "tooManyMailboxes"])
async def test_it_is_tried_again_after_an_hour_and_reported_until_then(
    monkeypatch: pytest.MonkeyPatch, error: str
) -> None:
    async with a_world() as world:
        clock, world.proxy.intercept = Clock(monkeypatch), (refusing := Refusing())
        refusing.error = error
        screening = Screening(world.account, DEFAULTS, Policy(lookback=DAY, authserv_id=""))
        screening.finder._now = lambda: NOW
        mail = world.deliver()

        arrived = await a_pass(world, screening)
        assert (arrived.failures, arrived.stuck) == ({mail: error}, {}), "maybe it was an accident"
        clock.now += 1
        arrived = await a_pass(world, screening)
        assert (arrived.failures, arrived.stuck) == ({}, {mail: error})

        tries = refusing.times
        for _ in range(3):
            clock.now += 300
            assert (await a_pass(world, screening)).stuck == {mail: error}
        assert refusing.times == tries, "asked again within the hour"

        refusing.error = None
        clock.now += 3600
        arrived = ArrivalsReport()
        for _ in range(2):
            arrived = await a_pass(world, screening)
        assert arrived.stuck == {}
        assert world.where(mail) == {"Screener"}
