"""A domain is the same whether it stands as it is read or as it is sent."""

from tests.behaviour.conftest import Start, on
from tests.support.owner.new_mail import ON, comes_to, mail
from tests.support.owner.person import Owner
from tests.support.variants.worlds import Variant

READ = "bob@bücher.example"
SENT = "Bob <bob@xn--bcher-kva.example>"

on_each_backend = on(
    Variant("cyrus", "carddav", "eventsource"),
    Variant("sandbox", "carddav", "eventsource"),
    Variant("sandbox", "jmap", "websocket"),
)


@on_each_backend
async def test_new_mail_of_a_contact_goes_where_the_contact_belongs(
    alice: Owner, start: Start
) -> None:
    await alice.contacts.add("bob", "Bob", READ)
    await alice.contacts.join("Feed", "bob")
    async with start(alice, **ON):
        await alice.server.deliver(alice.name, mail(SENT))
        await comes_to(alice, "new", "Feed")


@on_each_backend
async def test_a_label_finds_the_contact(alice: Owner, start: Start) -> None:
    await alice.contacts.add("bob", "Bob", READ)
    await alice.server.append(alice.name, "Screener", mail(SENT))
    async with start(alice):
        await alice.tap([(await alice.mail("new")).id], "@ToFeed")
        await comes_to(alice, "new", "Feed")
    assert await alice.groups_of(READ) == {"Feed"}
