"""Decisions on mailing lists: many posters and one tap, and two kinds of mail of one address."""

import pytest

from tests.behaviour.conftest import Start, on
from tests.support.owner.new_mail import ON, a_pass_later, comes_to, deliver_by_rules
from tests.support.owner.person import Owner, message
from tests.support.variants.worlds import ROWS

pytestmark = on(*ROWS)

POST = "dev@lists.loom.example"
LIST = {"List-Id": "Loom developers <dev.lists.loom.example>", "List-Post": f"<mailto:{POST}>"}
SHOP = "The Shop <shop@shop.example>"
NEWS = {"List-Id": "Shop news <news.shop.example>"}
POSTERS = [f"Poster {number} <poster{number}@home{number}.example>" for number in range(40)]


def post(sender: str, subject: str) -> bytes:
    return message(sender, subject, headers=LIST)


async def decide(person: Owner, subject: str, *labels: str) -> None:
    for label in reversed(labels):
        await person.tap((await person.mail(subject)).id, label)
    await person.until_triaged()


async def test_one_tap_decides_on_everybodys_posts(alice: Owner, start: Start) -> None:
    await alice.receive(*(post(poster, f"post {at}") for at, poster in enumerate(POSTERS)))
    await alice.receive(message(POSTERS[3], "a letter"))
    async with start(alice, **ON):
        await decide(alice, "post 7", "@ToFeed")
        posts = [mail for mail in await alice.mails() if mail.subject != "a letter"]
        assert {mail.mailboxes for mail in posts} == {frozenset({"Feed"})}
        assert await alice.where("a letter") == {"Screener"}
        (contact,) = await alice.contacts.contacts()
        assert (contact.full, contact.organization) == ("Loom developers", "Loom developers")
        assert contact.addresses == (POST,)
        assert contact.note[0] == "Mailing list: dev.lists.loom.example"
        assert await alice.groups_of(POST) == {"Feed", "Mailroom"}
        # A new poster's post is filed; the poster's own letter, and the list's owner's, wait.
        await alice.server.deliver(alice.name, post("New <new@x.example>", "a new post"))
        await comes_to(alice, "a new post", "Feed")
        await alice.server.deliver(alice.name, message("New <new@x.example>", "hello"))
        await comes_to(alice, "hello", "Screener")
        await alice.server.deliver(alice.name, message(POST, "your membership"))
        await comes_to(alice, "your membership", "Screener")


async def test_another_tap_changes_the_list_and_undo_gives_everybody_back(
    alice: Owner, start: Start
) -> None:
    await alice.receive(*(post(poster, f"post {at}") for at, poster in enumerate(POSTERS[:3])))
    async with start(alice):
        await decide(alice, "post 0", "@ToFeed")
        await decide(alice, "post 1", "@ToPaperTrail")
        assert {mail.mailboxes for mail in await alice.mails()} == {frozenset({"Paper Trail"})}
        assert await alice.groups_of(POST) == {"Paper Trail", "Mailroom"}
        await decide(alice, "post 2", "@ToScreener")
    assert {mail.mailboxes for mail in await alice.mails()} == {frozenset({"Screener"})}
    assert await alice.contacts.contacts() == []
    assert not any((await alice.groups()).values())


async def test_receipts_and_newsletter_of_one_address_go_to_two_places(
    alice: Owner, start: Start
) -> None:
    await alice.receive(message(SHOP, "receipt"), message(SHOP, "another receipt"))
    await alice.receive(*(message(SHOP, f"news {at}", headers=NEWS) for at in range(3)))
    async with start(alice, **ON):
        await decide(alice, "news 1", "@ToFeed", "@ThisList")
        await decide(alice, "receipt", "@ToPaperTrail")
        expected = {frozenset({"Feed"}): 3, frozenset({"Paper Trail"}): 2}
        places = [mail.mailboxes for mail in await alice.mails()]
        assert {place: places.count(place) for place in places} == expected
        await alice.server.deliver(alice.name, message(SHOP, "new news", headers=NEWS))
        await comes_to(alice, "new news", "Feed")
        await alice.server.deliver(alice.name, message(SHOP, "new receipt"))
        await comes_to(alice, "new receipt", "Paper Trail")


async def test_notifications_go_by_sender_or_by_repository(alice: Owner, start: Start) -> None:
    """A forge writes from one address, with a List-Id for each repository at its own domain."""

    def notification(repository: str, subject: str) -> bytes:
        headers = {
            "List-Id": f"loom/{repository} <{repository}.loom.forge.dev>",
            "List-Post": "<mailto:reply@reply.forge.dev>",
        }
        return message("Ann <notifications@forge.dev>", subject, headers=headers)

    await alice.receive(notification("cli", "cli 1"), notification("web", "web 1"))
    await alice.receive(notification("web", "web 2"))
    async with start(alice):
        await decide(alice, "cli 1", "@ToFeed")
        assert {mail.mailboxes for mail in await alice.mails()} == {frozenset({"Feed"})}
        await decide(alice, "web 1", "@ToPaperTrail", "@ThisList")
        assert await alice.where("web 2") == {"Paper Trail"}
        assert await alice.where("cli 1") == {"Feed"}
        # Back to the sender's decision is not asked for: the list's mail waits again.
        await decide(alice, "web 2", "@ToScreener")
    assert await alice.where("web 1") == await alice.where("web 2") == {"Screener"}
    assert await alice.where("cli 1") == {"Feed"}
    assert await alice.groups_of("notifications@forge.dev") == {"Feed", "Mailroom"}


async def test_a_denied_sender_stays_denied_on_an_accepted_list(alice: Owner, start: Start) -> None:
    troll = "Troll <troll@x.example>"
    await alice.receive(message(troll, "letter"), post(troll, "first"), post(POSTERS[0], "post"))
    async with start(alice, **ON):
        await decide(alice, "letter", "@ToJail")
        await decide(alice, "post", "@ToFeed")
        assert await alice.where("post") == {"Feed"}
        assert await alice.where("first") == {"Jail"}
        assert "$seen" in (await alice.mail("first")).keywords
        await alice.server.deliver(alice.name, post(troll, "second"))
        await comes_to(alice, "second", "Jail")


async def test_a_conversation_that_a_denied_sender_posted_to_decides_on_the_list(
    alice: Owner, start: Start
) -> None:
    """An app that labels a conversation labels the denied sender's post too."""
    troll = "Troll <troll@x.example>"
    await alice.receive(message(troll, "letter"), post(troll, "first"), post(POSTERS[0], "post"))
    async with start(alice, **ON):
        await decide(alice, "letter", "@ToJail")
        conversation = [(await alice.mail(subject)).id for subject in ("first", "post")]
        await alice.tap(conversation, "@ToFeed")
        await alice.until_triaged()
        assert await alice.where("first") == await alice.where("post") == {"Feed"}
        assert await alice.groups_of("troll@x.example") == {"Jail", "Mailroom"}
        await alice.server.deliver(alice.name, post(troll, "second"))
        await comes_to(alice, "second", "Jail")
        # The label that takes a decision back means the one that holds: on the sender.
        await decide(alice, "second", "@ToScreener")
        assert await alice.where("letter") == {"Screener"}
        assert await alice.groups_of(POST) == {"Feed", "Mailroom"}
        await alice.server.deliver(alice.name, post(troll, "third"))
        await comes_to(alice, "third", "Feed")


async def test_a_list_that_rewrites_from_is_the_list(alice: Owner, start: Start) -> None:
    await alice.receive(
        post(f"Ann via Dev <{POST}>", "rewritten"),
        post("Bob <bob@home.example>", "as written"),
    )
    async with start(alice):
        await decide(alice, "rewritten", "@ToFeed")
    assert await alice.where("as written") == await alice.where("rewritten") == {"Feed"}
    (contact,) = await alice.contacts.contacts()
    assert contact.full == "Loom developers"


@pytest.mark.parametrize("headers", [{}, {"List-Id": " <> "}], ids=["none", "empty"])
async def test_mail_without_a_list_gets_the_error_label(
    alice: Owner, start: Start, headers: dict[str, str]
) -> None:
    (mail,) = await alice.receive(message(SHOP, "receipt", headers=headers))
    await alice.tap(mail, "@ToFeed")
    await alice.tap(mail, "@ThisList")
    async with start(alice) as service:
        await comes_to(alice, "receipt", "Screener", "@ToFeed", "@ThisList", "@MailroomError")
        await service.until_logged("label cannot be acted on")
        # Without the label that cannot be acted on, the other one is.
        await alice.untap(mail, "@ThisList")
        await comes_to(alice, "receipt", "Feed")


async def test_posts_that_the_providers_rules_put_into_the_screener_are_filed(
    alice: Owner, start: Start
) -> None:
    """Such rules know the groups of senders, but no lists and no whole domains."""
    await alice.receive(post(POSTERS[0], "post"), message("Ann <ann@corp.example>", "of ann"))
    async with start(alice, **ON):
        await decide(alice, "post", "@ToFeed")
        await decide(alice, "of ann", "@ToPaperTrail", "@WholeDomain")
        await deliver_by_rules(alice, post(POSTERS[1], "a new post"))
        await comes_to(alice, "a new post", "Feed")
        await deliver_by_rules(alice, message("Bob <bob@corp.example>", "of bob"))
        await comes_to(alice, "of bob", "Paper Trail")
        await deliver_by_rules(alice, message(POSTERS[1], "a letter"))
        await a_pass_later(alice)
        assert await alice.where("a letter") == {"Screener"}


async def test_a_post_that_its_owner_moves_into_the_screener_stays_there(
    alice: Owner, start: Start
) -> None:
    """Some servers report a mail as created whenever it enters a mailbox."""
    async with start(alice, **ON):
        await deliver_by_rules(alice, post(POSTERS[0], "post"))
        await deliver_by_rules(alice, post(POSTERS[1], "another post"))
        await a_pass_later(alice)
        await decide(alice, "post", "@ToFeed")
        await comes_to(alice, "another post", "Feed")
        await alice.move([(await alice.mail("another post")).id], ["Screener"])
        await a_pass_later(alice)
        assert await alice.where("another post") == {"Screener"}
