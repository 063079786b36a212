"""A list of all mailboxes that the server cut off is completed."""

import pytest

from mailroom.jmap.habits import Limitation
from mailroom.sandbox import Limits, Querying, Quirks
from tests.support.sandbox.arrivals import a_world


@pytest.mark.parametrize("query", [None, 7])
async def test_mailboxes_behind_the_cut_are_read_by_their_ids(query: int | None) -> None:
    limits = Limits(max_objects_in_get=30, max_query=query)
    async with a_world(Quirks(limits=limits, querying=Querying(cuts_all=True))) as world:
        for number in range(70):
            world.console.create_mailbox(f"of its owner {number}")
        mailboxes = await world.account.mailboxes()
        names = {each.name for each in mailboxes}
        assert len(mailboxes) == len(names)
        assert {f"of its owner {number}" for number in range(70)} < names
        assert list(world.account.habits) == [Limitation.WHOLE_LISTS]
        assert world.account.mailbox_sizes.keys() == {each.id for each in mailboxes}


async def test_a_whole_list_of_just_that_many_is_no_limitation() -> None:
    async with a_world(Quirks(querying=Querying(cuts_all=True))) as world:
        assert len(await world.account.mailboxes()) > 6
        assert list(world.account.habits) == []
