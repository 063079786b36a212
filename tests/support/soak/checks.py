"""Compares an account's mail and contacts with the model."""

from collections import Counter
from collections.abc import Iterable

from tests.support.owner.mail import Mail
from tests.support.owner.person import Person
from tests.support.owner.vcard_app import note, value, values
from tests.support.soak.model import Model, Sender


async def totals(owner: Person) -> Counter[str]:
    """Return the number of mails in each mailbox that has any."""
    mailboxes = (await owner.jmap("Mailbox/get", {"properties": ["name", "totalEmails"]}))["list"]
    return Counter(
        {mailbox["name"]: mailbox["totalEmails"] for mailbox in mailboxes if mailbox["totalEmails"]}
    )


def misplaced(mails: Iterable[Mail], model: Model) -> list[str]:
    """Return a line for each mail that is in the wrong mailboxes, missing, or not in the model."""
    actual = {mail.subject: mail.mailboxes for mail in mails}
    expected = {mail.subject: mail.mailboxes for mail in model.mails}
    return [
        f"{subject}: {sorted(actual.get(subject, []))}, not {sorted(expected.get(subject, []))}"
        for subject in sorted(actual.keys() | expected.keys())
        if actual.get(subject) != expected.get(subject)
    ]


async def wrong_contacts(owner: Person, model: Model) -> list[str]:
    """Return a line for each contact that is wrong, missing, or there twice."""
    cards = list((await owner.contacts.cards()).values())
    groups = await owner.groups()
    return [
        f"{sender}: {mistake}"
        for sender in model.senders
        for mistake in _mistakes(sender, cards, groups)
    ]


def _mistakes(sender: Sender, cards: list[list[str]], groups: dict[str, set[str]]) -> Iterable[str]:
    addresses = {*sender.addresses, sender.on_card}
    mine = [card for card in cards if set(values(card, "EMAIL")) & addresses]
    if len(mine) != bool(sender.card):
        yield f"{len(mine)} cards"
        return
    for card in mine:
        uid = value(card, "UID").removeprefix("urn:uuid:")
        within = {name for name, members in groups.items() if uid in members}
        if within != sender.groups:
            yield f"in {sorted(within)}"
        if ("1" in values(card, "TEL")) != sender.phone:
            yield "the phone number"
        if sender.about and values(card, "EMAIL") != [sender.on_card]:
            yield f"a card of {values(card, 'EMAIL')}"
        if sender.about and sender.about not in note(card):
            yield "nothing on the card says what it stands for"
        if sender.note and sender.note not in note(card):
            yield "what its owner noted is gone"
