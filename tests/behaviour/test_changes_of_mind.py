"""Re-triage and undo: any decision can be changed by another label."""

from tests.behaviour.conftest import Start, on
from tests.support.owner.person import Owner, message
from tests.support.variants.worlds import ANNOTATING, ROWS

pytestmark = on(*ROWS)


SENDER = "The Loom <news@loom.example>"
ADDRESS = "news@loom.example"


async def decide(person: Owner, subject: str, label: str) -> None:
    await person.tap((await person.mail(subject)).id, label)
    await person.until_triaged()


async def test_retriage_moves_sender_and_mail_each_time(alice: Owner, start: Start) -> None:
    await alice.receive(message(SENDER, "one"), message(SENDER, "two"))
    async with start(alice):
        await decide(alice, "one", "@ToFeed")
        assert await alice.groups_of(ADDRESS) == {"Feed", "Mailroom"}
        await decide(alice, "two", "@ToImbox")
        assert await alice.groups_of(ADDRESS) == {"Imbox", "Mailroom"}
        assert await alice.where("one") == {"Imbox"}
        await decide(alice, "one", "@ToPaperTrail")
    assert await alice.groups_of(ADDRESS) == {"Paper Trail", "Mailroom"}
    assert await alice.where("one") == {"Paper Trail"}
    assert await alice.where("two") == {"Paper Trail"}
    lines = (await alice.contact(ADDRESS)).note
    assert [line.rpartition(" on ")[0] for line in lines] == [
        "Triaged to Feed",
        "Re-triaged to Imbox",
        "Re-triaged to Paper Trail",
    ]


async def test_a_decision_that_comes_back_is_noted_again(alice: Owner, start: Start) -> None:
    await alice.receive(message(SENDER, "one"))
    async with start(alice):
        for label in ("@ToFeed", "@ToImbox", "@ToFeed"):
            await decide(alice, "one", label)
    lines = (await alice.contact(ADDRESS)).note
    assert [line.rpartition(" on ")[0] for line in lines] == [
        "Triaged to Feed",
        "Re-triaged to Imbox",
        "Re-triaged to Feed",
    ]


async def test_the_same_label_again_writes_no_second_line(alice: Owner, start: Start) -> None:
    await alice.receive(message(SENDER, "one"), message(SENDER, "two"))
    async with start(alice):
        await decide(alice, "one", "@ToFeed")
        uid = (await alice.contact(ADDRESS)).uid
        before = await alice.contacts.everything_on(uid)
        await decide(alice, "two", "@ToFeed")
    assert await alice.contacts.everything_on(uid) == before


async def test_undo_leaves_nothing_of_a_decision(alice: Owner, start: Start) -> None:
    await alice.receive(message(SENDER, "one"), message(SENDER, "two"))
    before = await alice.groups()
    async with start(alice):
        await decide(alice, "one", "@ToImbox")
        assert await alice.where("two") == {"Imbox", "Inbox"}
        await decide(alice, "two", "@ToScreener")
    assert await alice.where("one") == {"Screener"}
    assert await alice.where("two") == {"Screener"}
    assert await alice.contacts_of(ADDRESS) == []
    assert await alice.groups() == before


async def test_undo_of_a_sender_who_was_never_decided(alice: Owner, start: Start) -> None:
    (mail,) = await alice.receive(message(SENDER, "one"), into={"Inbox"})
    async with start(alice):
        await alice.tap(mail, "@ToScreener")
        await alice.until_triaged()
    assert await alice.where("one") == {"Screener"}
    assert await alice.contacts_of(ADDRESS) == []


async def test_undo_of_an_adopted_card_leaves_what_its_owner_wrote(
    alice: Owner, start: Start
) -> None:
    await alice.contacts.add("my-own-card", "The Loom", ADDRESS, "Met at the fair.")
    before = await alice.contacts.everything_on("my-own-card")
    await alice.receive(message(SENDER, "one"))
    async with start(alice, **ANNOTATING):
        await decide(alice, "one", "@ToFeed")
        adopted = await alice.contact(ADDRESS)
        assert adopted.organization == "The Loom"
        assert adopted.note[0] == "Met at the fair."
        assert adopted.note[1].startswith("Triaged to Feed on ")
        assert await alice.groups_of(ADDRESS) == {"Feed"}
        await decide(alice, "one", "@ToScreener")
    assert await alice.contacts.everything_on("my-own-card") == before
    assert await alice.groups_of(ADDRESS) == set()


async def test_undo_keeps_a_made_card_that_its_owner_has_touched(
    alice: Owner, start: Start
) -> None:
    await alice.receive(message(SENDER, "one"))
    async with start(alice):
        await decide(alice, "one", "@ToFeed")
        uid = (await alice.contact(ADDRESS)).uid
        await alice.contacts.add_phone(uid)
        touched = await alice.contacts.rest_of(uid)
        await decide(alice, "one", "@ToScreener")
    assert await alice.contacts.rest_of(uid) == touched
    assert (await alice.contact(ADDRESS)).note == ()
    assert await alice.groups_of(ADDRESS) == set()


async def test_nothing_that_somebody_wrote_is_lost_through_triage_retriage_and_undo(
    alice: Owner, start: Start
) -> None:
    noted = "Met at the fair.\nLikes tea, not coffee"
    await alice.contacts.add("loom", "The Loom", ADDRESS, noted, more=["old@loom.example"])
    before = await alice.contacts.everything_on("loom")
    rest = await alice.contacts.rest_of("loom")
    await alice.receive(message(SENDER, "one"))
    async with start(alice, **ANNOTATING):
        for label in ("@ToFeed", "@ToPerson"):
            await decide(alice, "one", label)
            assert await alice.contacts.rest_of("loom") == rest
            contact = await alice.contact(ADDRESS)
            assert contact.note[:2] == tuple(noted.split("\n"))
            assert contact.organization == "The Loom"
        await decide(alice, "one", "@ToScreener")
    assert await alice.contacts.everything_on("loom") == before


async def test_an_empty_name_is_filled_and_empty_again_after_undo(
    alice: Owner, start: Start
) -> None:
    await alice.contacts.add("loom", "", ADDRESS, "Met at the fair.")
    before = await alice.contacts.everything_on("loom")
    rest = await alice.contacts.rest_of("loom")
    await alice.receive(message(SENDER, "one"))
    async with start(alice, **ANNOTATING):
        await decide(alice, "one", "@ToFeed")
        assert (await alice.contact(ADDRESS)).full == "The Loom"
        assert await alice.contacts.rest_of("loom") == rest
        await decide(alice, "one", "@ToScreener")
    assert await alice.contacts.everything_on("loom") == before


async def test_names_that_are_there_stay_and_empty_ones_are_filled(
    alice: Owner, start: Start
) -> None:
    await alice.contacts.add("full", "Loom & Sons", ADDRESS, parts=("Ann", "Loom"))
    await alice.contacts.add("empty", "", "jane@corp.example")
    await alice.receive(message(SENDER, "one"), message("Jane <jane@corp.example>", "two"))
    async with start(alice, **ANNOTATING):
        await decide(alice, "one", "@ToPerson")
        await decide(alice, "two", "@ToFeed")
    full, empty = await alice.contact(ADDRESS), await alice.contact("jane@corp.example")
    assert (full.full, full.given, full.surname) == ("Loom & Sons", "Ann", "Loom")
    assert (empty.full, empty.organization) == ("Jane", "Jane")


async def test_odd_cards_stop_nothing_and_stay(alice: Owner, start: Start) -> None:
    odd = await alice.contacts.add_odd_cards()
    assert len(odd) >= 4
    before = [await alice.contacts.everything_on(uid) for uid in odd]
    await alice.receive(message(SENDER, "one"))
    async with start(alice):
        await decide(alice, "one", "@ToFeed")
    assert await alice.groups_of(ADDRESS) == {"Feed", "Mailroom"}
    assert [await alice.contacts.everything_on(uid) for uid in odd] == before
