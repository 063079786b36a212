"""What a server refuses for good, of a group or a mail: it is told, and not asked for often.

nextcloud/server#46193, cyrusimap/cyrus-imapd#4424: limits that come later, and disks that are full.
"""

import pytest

from tests.behaviour.conftest import Start, on
from tests.support.owner.jscontact_app import JsContactApp
from tests.support.owner.new_mail import ON, comes_to
from tests.support.owner.person import Owner, message
from tests.support.proxy.proxy import Proxy
from tests.support.proxy.refusing import Refusing
from tests.support.variants.worlds import Variant

ANN = "Ann <ann@corp.example>"
JMAP = Variant("sandbox", "jmap", "websocket")
CARDDAV = Variant("sandbox", "carddav", "eventsource")


async def is_stuck_then_heals(owner: Owner, start: Start, proxy: Proxy, refusing: Refusing) -> None:
    """Tap, and see what becomes of it while the server refuses, and when it does not any more."""
    first, second = await owner.receive(message(ANN, "first"), message(ANN, "second"))
    (other,) = await owner.receive(message("bob@x.example", "other"))
    proxy.intercept = refusing
    async with start(owner, http=proxy.url, **ON) as service:
        await owner.tap(first, "@ToFeed")
        await owner.tap(other, "@ToPaperTrail")
        await comes_to(owner, "first", "Screener", "@ToFeed", "@MailroomError")
        await comes_to(owner, "other", "Paper Trail")

        async def told() -> bool:
            stuck = (await service.health()).get("stuck", {})
            return refusing.error in " ".join(stuck.values())

        await owner.until(told, "the health report has the server's words")
        times = refusing.times
        for number in range(3):
            await owner.server.deliver(owner.name, message("x@x.example", f"new {number}"))
            await comes_to(owner, f"new {number}", "Screener")
        assert refusing.times == times, "asked again within the hour"

        refusing.is_on = False
        await owner.untap(first, "@ToFeed")
        await owner.tap(second, "@ToFeed")
        await owner.until_triaged()
        for subject in ("first", "second"):
            await comes_to(owner, subject, "Feed")
        assert not (await service.health()).get("stuck")


@on(JMAP, CARDDAV)
@pytest.mark.parametrize("error", ["overQuota", "invalidProperties"])
async def test_mail_that_may_not_come_into_a_mailbox(
    alice: Owner, start: Start, proxy: Proxy, error: str
) -> None:
    feed = (await alice.mailboxes())["Feed"]
    refusing = Refusing("Email/set", error, lambda _, patch: feed in patch)
    await is_stuck_then_heals(alice, start, proxy, refusing)


@on(JMAP)
@pytest.mark.parametrize("error", ["tooLarge", "invalidProperties"])
async def test_a_group_that_may_not_grow(
    alice: Owner, start: Start, proxy: Proxy, error: str
) -> None:
    refusing = Refusing("ContactCard/set", error, lambda key, _: key in feeds)
    contacts = alice.contacts
    assert isinstance(contacts, JsContactApp)
    cards = await contacts.cards()
    feeds = {card["id"] for card in cards if card.get("name", {}).get("full") == "Feed"}
    assert len(feeds) == 1
    await is_stuck_then_heals(alice, start, proxy, refusing)
