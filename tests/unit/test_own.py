"""The user's own addresses: identities, and who is in From of mail in Sent and Drafts."""

from mailroom.sandbox import Quirks
from mailroom.screener.model.categories import DEFAULTS, Layout
from mailroom.screener.passes.gather import Gatherer
from mailroom.screener.search.own_addresses import OwnAddresses, in_doubt
from tests.support.sandbox.arrivals import World, a_world

ME = "alice@example.com"


async def own(world: World, addresses: OwnAddresses) -> set[str]:
    (found,) = await world.account.client.perform(addresses.addresses(world.places))
    return set(found)


async def test_identities_and_the_senders_of_sent_mail_and_drafts() -> None:
    async with a_world() as world:
        world.deliver("alias@own.example", into="Sent")
        world.deliver("draft@elsewhere.example", into="Drafts")
        world.deliver("printer@own.example", into="Inbox")
        world.deliver("ann@x.example", into="Archive")

        expected = {ME, "*@own.example", "alias@own.example", "draft@elsewhere.example"}
        assert await own(world, OwnAddresses(world.account)) == expected


async def test_what_was_learned_is_remembered_and_read_once() -> None:
    async with a_world() as world:
        world.deliver("alias@own.example", into="Sent")
        addresses = OwnAddresses(world.account)
        first = await own(world, addresses)

        assert await own(world, addresses) == first
        assert sum("Email/query" in each.calls for each in world.proxy.exchanges) == 1


async def test_without_identities_sent_mail_tells() -> None:
    async with a_world(Quirks(submission=False)) as world:
        world.deliver(ME, into="Sent")

        assert await own(world, OwnAddresses(world.account)) == {ME}


def test_only_addresses_that_the_user_may_use_are_in_doubt() -> None:
    addresses = ["printer@own.example", "me@own.example", "eve@x.example"]

    assert in_doubt(addresses, ("me@own.example", "*@own.example")) == {"printer@own.example"}


async def test_sent_and_drafts_are_asked_exactly_about_those_in_doubt() -> None:
    async with a_world() as world:
        gatherer = Gatherer(world.account, DEFAULTS, Layout(), new_mail_finder=None)
        marked = await gatherer.gather()
        world.deliver("alias@own.example", into="Sent")
        world.deliver("xalias@own.example", into="Sent")
        world.deliver("printer@own.example", into="Archive")
        asked = len(world.proxy.exchanges)

        doubted = ["alias@own.example", "printer@own.example", "eve@x.example"]
        assert await gatherer.own_among(doubted, marked) == {"alias@own.example"}
        assert len(world.proxy.exchanges) == asked + 1
        assert await gatherer.own_among([ME, "eve@x.example"], marked) == frozenset()
        assert len(world.proxy.exchanges) == asked + 1
