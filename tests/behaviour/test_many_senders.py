"""Many senders at once, with mail wherever Mailroom may look."""

from tests.behaviour.conftest import Start, on
from tests.support.owner.person import Owner, message
from tests.support.variants.worlds import Variant

MANAGED = ("Screener", "Imbox", "Feed", "Paper Trail", "Jail", "Person", "Billboard", "Truck")
SENDERS = 60


@on(
    Variant("cyrus", "carddav", "eventsource"),
    Variant("sandbox", "jmap", "websocket"),
    Variant("sandbox", "jmap", "websocket", "stalwart limits"),
)
async def test_mail_in_every_mailbox_is_found(alice: Owner, start: Start) -> None:
    """Cyrus leaves mail out, without a word, where a filter is too long."""
    senders = [f"{number:x}@{number * 7919:x}.example" for number in range(1, SENDERS + 1)]
    for place in MANAGED:
        mine = senders[MANAGED.index(place) :: len(MANAGED)]
        await alice.receive(*(message(each, f"of {each}") for each in mine), into=(place,))
    tapped = await alice.receive(*(message(each, f"tapped {each}") for each in senders))
    async with start(alice):
        await alice.tap(tapped, "@ToTruck")
        await alice.until_triaged(patience=60)
    left = {
        each.subject: each.mailboxes
        for each in await alice.mails()
        if each.mailboxes != {"Truck", "Paper Trail"}
    }
    assert left == {}
