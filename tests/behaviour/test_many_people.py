"""Addresses that several people share, and addresses under which several people write."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from tests.behaviour.conftest import on
from tests.support.owner.person import Owner, message
from tests.support.service.process import Service
from tests.support.variants.worlds import Variant

Start = Callable[..., AbstractAsyncContextManager[Service]]

INFO = "info@corp.example"
PEOPLE = ("ann", "ben", "cy", "dee", "eve")
FORGE = "notifications@forge.example"

pytestmark = on(*(Variant("sandbox", each, "websocket") for each in ("carddav", "jmap")))


async def decide(owner: Owner, subject: str, label: str) -> None:
    await owner.tap((await owner.mail(subject)).id, label)
    await owner.until_triaged(subject)


async def test_a_tap_on_a_shared_address_concerns_that_address_alone(
    alice: Owner, start: Start
) -> None:
    for name in PEOPLE:
        person = f"{name}@corp.example"
        await alice.contacts.add(name, f"{name.title()} Lee", person, more=[INFO])
    await alice.contacts.join("Imbox", "ann")
    before = {name: await alice.contacts.everything_on(name) for name in PEOPLE}
    groups = await alice.groups()
    await alice.receive(
        message(f"Corp <{INFO}>", "info 1"),
        message(f"Ann Lee <{INFO}>", "info 2"),
        message("ann@corp.example", "ann"),
        message("ben@corp.example", "ben"),
    )
    async with start(alice, MAILROOM_ARRIVALS_ENABLED="true"):
        await decide(alice, "info 2", "@ToJail")
        (own,) = [card for card in await alice.contacts_of(INFO) if card.uid not in PEOPLE]
        assert own.addresses == (INFO,)
        assert {name for name, uids in (await alice.groups()).items() if own.uid in uids} == {
            "Jail",
            "Mailroom",
        }
        assert await alice.where("info 1") == {"Jail"}
        assert await alice.where("ann") == {"Screener"}
        assert await alice.where("ben") == {"Screener"}

        await alice.receive(message(INFO, "arrival"), into={"Inbox"})

        async def filed() -> bool:
            return await alice.where("arrival") == {"Jail"}

        await alice.until(filed, "new mail goes where the address's own card says")
        await decide(alice, "info 1", "@ToFeed")
        assert await alice.where("info 2") == {"Feed"}
        assert own.uid in (await alice.groups())["Feed"]
        await decide(alice, "ann", "@ToPaperTrail")
        assert await alice.where("info 1") == {"Feed"}
        await decide(alice, "ann", "@ToScreener")
        assert await alice.where("info 1") == {"Feed"}
        await decide(alice, "info 1", "@ToScreener")
        assert await alice.where("info 2") == {"Screener"}
    assert {card.uid for card in await alice.contacts_of(INFO)} == {*PEOPLE}
    after = {name: await alice.contacts.everything_on(name) for name in PEOPLE}
    assert after == before
    assert await alice.groups() == {**groups, "Imbox": set()}, "it was ann whom we undid"


async def test_an_address_with_many_names_is_called_after_its_domain(
    alice: Owner, start: Start
) -> None:
    await alice.receive(
        message(f"Alice Doe <{FORGE}>", "one"),
        message(f"Bob <{FORGE}>", "two"),
        message(f"Cy via dev <{FORGE}>", "three"),
    )
    async with start(alice):
        await decide(alice, "three", "@ToFeed")
        contact = await alice.contact(FORGE)
        assert (contact.full, contact.organization) == ("forge.example", "forge.example")
        await alice.receive(message(f"Dan <{FORGE}>", "later"), into={"Feed"})
        await decide(alice, "later", "@ToPerson")
    assert await alice.where("later") == {"Person", "Imbox"}
    assert (await alice.contact(FORGE)).full == "forge.example"
