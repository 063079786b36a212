"""Whom the user has written to is let through."""

import pytest

from mailroom.sandbox import STALWART_LIMITS, Quirks
from mailroom.screener.arrivals.correspondents import Correspondents
from tests.support.sandbox.arrivals import World, a_world

ME = "alice@example.com"


async def among(world: World, *addresses: str) -> set[str]:
    asked = frozenset(addresses)
    return set(await Correspondents(world.account).among(asked, world.places.sent))


def queries(world: World) -> int:
    """How many requests asked for mail."""
    return sum("Email/query" in each.calls for each in world.proxy.exchanges)


async def test_to_cc_and_bcc_count_and_only_whole_addresses() -> None:
    async with a_world() as world:
        world.deliver(ME, "Cc: Zed <ZED@late.example>", "Bcc: bcc@x.example", into="Sent")
        world.deliver(ME, "Cc: a@x.example, =?utf-8?q?J=C3=B6rg?= <joerg@x.example>", into="Sent")

        asked = ("zed@late.example", "bcc@x.example", "a@x.example", "joerg@x.example")
        assert await among(world, *asked) == set(asked)
        assert await among(world, "ed@late.example", "late.example", "x@a.example") == set()


async def test_only_sent_mail_counts() -> None:
    async with a_world() as world:
        for place in ("Inbox", "Drafts", "Archive"):
            world.deliver(ME, "Cc: ann@x.example", into=place)

        assert await among(world, "ann@x.example") == set()


@pytest.mark.parametrize(
    "quirks", [Quirks(index_lag=None), Quirks(header_filter=False)], ids=["no index", "no header"]
)
async def test_what_was_just_sent_is_found_one_way_or_the_other(quirks: Quirks) -> None:
    async with a_world(quirks) as world:
        world.deliver(ME, "Cc: ann@x.example", into="Sent")

        assert await among(world, "ann@x.example", "bob@x.example") == {"ann@x.example"}


async def test_all_are_asked_for_in_one_request() -> None:
    async with a_world() as world:
        for number in (7, 8):
            world.deliver(ME, f"Cc: {number}@x.example", into="Sent")
        everybody = [f"{number}@x.example" for number in range(300)]

        assert await among(world, *everybody) == {"7@x.example", "8@x.example"}
        assert queries(world) == 1


async def test_many_fit_into_small_limits() -> None:
    async with a_world(Quirks(limits=STALWART_LIMITS)) as world:
        for number in range(600):
            world.deliver(ME, f"Cc: {number}@x.example", into="Sent")
        everybody = {f"{number}@x.example" for number in range(600)}

        assert await among(world, *everybody, "ann@x.example") == everybody


async def test_who_is_found_is_remembered_and_who_is_not_is_asked_for_again() -> None:
    async with a_world() as world:
        correspondents = Correspondents(world.account)
        for _ in range(2):
            world.deliver(ME, "Cc: ann@x.example", into="Sent")
        both = frozenset({"ann@x.example", "bob@x.example"})
        sent = world.places.sent

        assert await correspondents.among(both, sent) == {"ann@x.example"}
        assert await correspondents.among(frozenset({"ann@x.example"}), sent) == {"ann@x.example"}
        assert queries(world) == 1
        world.deliver(ME, "Cc: bob@x.example", into="Sent")
        assert await correspondents.among(both, sent) == both


async def test_nobody_is_asked_for_where_there_is_nothing_to_ask() -> None:
    async with a_world() as world:
        correspondents = Correspondents(world.account)

        assert await correspondents.among(frozenset(), world.places.sent) == frozenset()
        assert await correspondents.among(frozenset({"a@x.example"}), frozenset()) == frozenset()
        assert queries(world) == 0
