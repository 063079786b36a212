"""New mail is filed, and what somebody else has filed in the meantime is left to them."""

from collections.abc import Awaitable, Callable

import pytest

from mailroom.jmap.errors import MethodError
from mailroom.sandbox import Limits, Quirks
from mailroom.screener.arrivals.executor import ArrivalsReport, VerdictExecutor
from mailroom.screener.arrivals.verdict import Facts, judge
from mailroom.screener.model.categories import DEFAULTS
from mailroom.screener.model.keywords import SCREENED
from tests.support.domain.builders import decisions
from tests.support.proxy.proxy import Answer, Exchange, Forward
from tests.support.sandbox.arrivals import World, a_world


def facts(world: World) -> Facts:
    return Facts(
        decisions=decisions(),
        correspondents=frozenset(),
        places=world.places,
        categories=DEFAULTS,
        authserv_id="",
    )


async def planned(world: World) -> Callable[[], Awaitable[ArrivalsReport]]:
    """Have new mail read and judged; what is given files it."""
    new_mail = await world.new_mail(world.finder())
    ours = facts(world)
    verdicts = [judge(each, ours) for each in new_mail.emails]
    return lambda: VerdictExecutor(world.account, ours).run(verdicts, new_mail.state)


def writes(world: World) -> list[str]:
    """The calls of every request that wrote mail."""
    return [call for each in world.proxy.exchanges for call in each.calls if call == "Email/set"]


async def test_all_is_filed_by_one_request() -> None:
    async with a_world() as world:
        ids = [world.deliver(f"{number}@x.example") for number in range(500)]
        arrived = await (await planned(world))()

        assert len(arrived.filed) == 500
        assert arrived.failures == {}
        assert {each.id for each in world.console.mails("Screener")} == set(ids)
        assert world.console.mails("Inbox") == []
        assert all(SCREENED in each.keywords for each in world.console.mails("Screener"))
        # The second one changes nothing: it finds out if the server minds the state.
        assert writes(world) == ["Email/set", "Email/set"]


async def test_nothing_new_writes_nothing() -> None:
    async with a_world() as world:
        arrived = await (await planned(world))()

        assert arrived == ArrivalsReport()
        assert writes(world) == []


async def test_what_the_provider_filed_first_is_left_where_it_is() -> None:
    async with a_world() as world:
        theirs, ours = world.deliver(), world.deliver()
        file = await planned(world)
        world.console.label(theirs, add=["Archive"], remove=["Inbox"])
        arrived = await file()

        assert [each.email.id for each in arrived.filed] == [ours]
        assert arrived.failures == {}
        assert (world.where(theirs), world.where(ours)) == ({"Archive"}, {"Screener"})


async def test_what_is_deleted_meanwhile_is_no_failure() -> None:
    async with a_world() as world:
        gone, ours = world.deliver(), world.deliver()
        file = await planned(world)
        world.console.label(gone, add=["Feed"], remove=["Inbox"])
        world.console.destroy_mailbox("Feed")
        arrived = await file()

        assert [each.email.id for each in arrived.filed] == [ours]
        assert arrived.failures == {}


async def test_a_change_between_two_requests_of_one_filing_is_noticed() -> None:
    async with a_world(Quirks(limits=Limits(max_objects_in_set=40))) as world:
        ids = [world.deliver(f"{number}@x.example") for number in range(100)]
        file = await planned(world)
        touched = ids[99]

        async def file_one_meanwhile(exchange: Exchange, forward: Forward) -> Answer:
            if len(writes(world)) == 2 and "Archive" not in world.where(touched):
                world.console.label(touched, add=["Archive"], remove=["Inbox"])
            return await forward()

        world.proxy.intercept = file_one_meanwhile
        arrived = await file()

        assert len(arrived.filed) == 99
        assert world.where(touched) == {"Archive"}
        assert world.console.mails("Inbox") == []


async def test_an_account_that_never_stands_still_is_filed_after_two_readings() -> None:
    """The patch only adds the destination and takes the Inbox away, whatever else changes."""
    async with a_world() as world:
        mail_id, archived, other = world.deliver(), world.deliver(), world.deliver(into="Archive")
        file = await planned(world)
        asked, archiving = len(world.proxy.exchanges), [archived]

        async def touch(exchange: Exchange, forward: Forward) -> Answer:
            has = "Feed" in world.where(other)
            world.console.label(other, **({"remove": ["Feed"]} if has else {"add": ["Feed"]}))
            if len(world.proxy.exchanges) == asked + 5 and archiving:
                world.console.label(archiving.pop(), add=["Archive"], remove=["Inbox"])
            return await forward()

        world.proxy.intercept = touch
        arrived = await file()

        assert {each.email.id for each in arrived.filed} == {mail_id, archived}
        assert arrived.failures == {}
        assert world.where(mail_id) == {"Screener"}
        assert world.where(archived) == {"Screener", "Archive"}
        assert len(world.proxy.exchanges) == asked + 5


async def test_what_the_server_throttles_is_filed_a_moment_later() -> None:
    async with a_world(Quirks(throttle_every=3)) as world:
        ids = [world.deliver(f"{number}@x.example") for number in range(4)]
        arrived = await (await planned(world))()

        assert arrived.failures == {}
        assert {each.email.id for each in arrived.filed} == set(ids)


@pytest.mark.parametrize("kind", ["serverFail", "forbidden"])
async def test_a_refused_call_is_reported_as_well(kind: str) -> None:
    async with a_world() as world:
        mail_id = world.deliver()
        file = await planned(world)

        async def refuse(exchange: Exchange, forward: Forward) -> Answer:
            answer = await forward()
            return Answer(
                answer.status,
                answer.headers,
                b'{"sessionState":"0","methodResponses":[["error",{"type":"%s"},"0"]]}'
                % kind.encode(),
            )

        world.proxy.intercept = refuse
        arrived = await file()

    assert arrived.failures == {mail_id: f"Email/set refused: {kind}"}


async def test_an_account_that_may_only_be_read_is_no_matter_of_one_mail() -> None:
    async with a_world() as world:
        world.deliver()
        file = await planned(world)

        async def refuse(exchange: Exchange, forward: Forward) -> Answer:
            answer = await forward()
            body = (
                b'{"sessionState":"0","methodResponses":[["error",{"type":"accountReadOnly"},"0"]]}'
            )
            return Answer(answer.status, answer.headers, body)

        world.proxy.intercept = refuse
        with pytest.raises(MethodError, match="make a token that may write"):
            await file()
