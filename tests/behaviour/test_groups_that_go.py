"""A contact group that is gone while the service runs is missed, and found when it is back."""

from tests.behaviour.conftest import Start, on
from tests.support.owner.new_mail import BOB, ON, add_bob, comes_to, mail
from tests.support.owner.person import Owner, until
from tests.support.service.process import Service
from tests.support.variants.worlds import Variant

on_each_backend = on(
    Variant("sandbox", "carddav", "eventsource"), Variant("sandbox", "jmap", "websocket")
)


async def fails(service: Service, reason: str) -> None:
    async def failed() -> bool:
        return any(reason in each["error"] for each in service.events("pass failed"))

    await until(failed, f"a pass failed because of {reason!r}")


@on_each_backend
async def test_mail_of_its_members_waits_until_it_is_back(alice: Owner, start: Start) -> None:
    await add_bob(alice, "Feed")
    async with start(alice, **ON) as service:
        await alice.contacts.rename_group("Feed", "Elsewhere")
        await alice.server.deliver(alice.name, mail(BOB))
        await fails(service, "contact groups missing: Feed (`mailroom setup --apply`")
        assert await alice.where("new") == {"Inbox"}
        await alice.contacts.rename_group("Elsewhere", "Feed")
        await comes_to(alice, "new", "Feed")


@on(Variant("sandbox", "carddav", "eventsource"))
async def test_if_it_stays_away_the_service_ends(alice: Owner, start: Start) -> None:
    await add_bob(alice, "Feed")
    async with start(alice, MAILROOM_FAILURE_LIMIT="2", **ON) as service:
        await alice.contacts.rename_group("Feed", "Elsewhere")
        await alice.server.deliver(alice.name, mail(BOB))
        assert await service.ended() == 4
        assert service.events("giving up")
    assert await alice.where("new") == {"Inbox"}
