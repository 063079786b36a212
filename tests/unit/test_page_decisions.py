"""Decisions on the page while a pass acts on another label of the same mail."""

import asyncio
from pathlib import Path

import pytest

from mailroom.web.model import Choice
from tests.support.owner.person import Owner, message, until
from tests.support.proxy.holding import Holding
from tests.support.proxy.passes import FIND_MAIL
from tests.support.proxy.proxy import Proxy
from tests.support.service.in_process import InProcess
from tests.support.variants.worlds import OnSandbox, Variant


@pytest.fixture
def world(tmp_path: Path) -> OnSandbox:
    return OnSandbox(Variant("sandbox", "jmap", "eventsource"), tmp_path)


async def test_a_pass_that_acts_on_another_label_is_not_the_outcome_of_a_tap(
    world: OnSandbox, alice: Owner, proxy: Proxy
) -> None:
    """The pass has read the label of a phone, and leaves the mail, which now has two labels."""
    (mail,) = await alice.receive(message("news@loom.example", "one"))
    async with world.start(alice, http=proxy.url, MAILROOM_WEB_API_TOKEN="t" * 20) as service:
        assert isinstance(service, InProcess)
        (row,) = (await service.page.waiting()).rows
        holding = Holding(proxy, FIND_MAIL, answer=True)
        await alice.tap(mail, "@ToJail")
        await holding.until_held()
        choice = Choice(row.who, "Feed", mail_id=row.newest_id)
        deciding = asyncio.create_task(service.page.decide([choice]))

        async def has_both() -> bool:
            return {"@ToJail", "@ToFeed"} <= await alice.where("one")

        await until(has_both, "both labels are on the mail")
        holding.release()
        (outcome,) = await deciding
    assert "other labels" in outcome.failure
