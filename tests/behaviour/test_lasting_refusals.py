"""What a server refuses for good, of a group or a mail: it is told, and not asked for often.

nextcloud/server#46193, cyrusimap/cyrus-imapd#4424: limits that come later, and disks that are full.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest
from multidict import CIMultiDict

from tests.behaviour.conftest import Start, on
from tests.support.owner.jscontact_app import JsContactApp
from tests.support.owner.person import Owner, message
from tests.support.proxy.proxy import Answer, Exchange, Forward, Proxy
from tests.support.variants.worlds import Variant

ON = {"MAILROOM_ARRIVALS_ENABLED": "true"}
ANN = "Ann <ann@corp.example>"
JMAP = Variant("sandbox", "jmap", "websocket")
CARDDAV = Variant("sandbox", "carddav", "eventsource")

Wanted = Callable[[str, str], bool]
"""Whether an update, by id and as text, is refused."""


class Refusing:
    """A server that refuses certain updates, and counts how often it is asked."""

    def __init__(self, method: str, error: str, is_refused: Wanted) -> None:
        self.method, self.error, self.is_refused = method, error, is_refused
        self.is_on = True
        self.times = 0

    async def __call__(self, exchange: Exchange, forward: Forward) -> Answer:
        if not self.is_on or self.method not in exchange.calls:
            return await forward()
        body = json.loads(exchange.body)
        refused = {
            call_id: self._taken_out(arguments)
            for name, arguments, call_id in body["methodCalls"]
            if name == self.method
        }
        self.times += sum(map(len, refused.values()))
        exchange.body = json.dumps(body).encode()
        answer = await forward()
        told = json.loads(answer.body)
        for _, result, call_id in told["methodResponses"]:
            if refused.get(call_id):
                result["notUpdated"] = {**(result.get("notUpdated") or {}), **refused[call_id]}
        headers = CIMultiDict({"Content-Type": "application/json"})
        return Answer(answer.status, headers, json.dumps(told).encode())

    def _taken_out(self, arguments: dict[str, Any]) -> dict[str, Any]:
        update = arguments.get("update") or {}
        keys = [key for key, patch in update.items() if self.is_refused(key, json.dumps(patch))]
        for key in keys:
            del update[key]
        return {key: {"type": self.error, "description": "no"} for key in keys}


async def comes_to(owner: Owner, subject: str, *mailboxes: str) -> None:
    """Wait until a mail is in exactly these mailboxes."""

    async def there() -> bool:
        return await owner.where(subject) == set(mailboxes)

    await owner.until(there, f"{subject} in {mailboxes}")


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
