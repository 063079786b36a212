"""``mailroom explain``: what is known of a sender, and where new mail would go."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from mailroom.account import open_account
from mailroom.admin.explain import Explanation, explain
from mailroom.screener.arrivals.verdict import Rule
from mailroom.screener.model.subject import Subject
from mailroom.settings.load import load_settings
from tests.behaviour.conftest import Start, on
from tests.support.owner.person import Owner, message
from tests.support.service.process import environment
from tests.support.variants.worlds import VARIANTS

ADDRESS = "jane@corp.example"
SENDER = f"Jane Doe <{ADDRESS}>"

pytestmark = on(
    *(each for each in VARIANTS if each.push != "poll" and each.server != "james")  # it says INBOX
)


@asynccontextmanager
async def told(owner: Owner, cwd: Path, address: str, **more: str) -> AsyncIterator[Explanation]:
    """What is told of an address."""
    settings = load_settings(environment(owner, **more), cwd=cwd)
    async with open_account(settings) as account:
        yield await explain(account, Subject.parse(address))


async def test_a_stranger(alice: Owner, tmp_path: Path) -> None:
    await alice.receive(message(SENDER, "one"), message("other@corp.example", "two"))
    async with told(alice, tmp_path, ADDRESS.upper()) as found:
        assert list(found.text()) == [
            ADDRESS,
            "  contact   none",
            "  mail      1 in Screener",
            "  new mail  would go to Screener: the sender is unknown",
            "            by your provider's rules, because arrivals are switched off",
        ]


async def test_a_decided_sender(alice: Owner, start: Start, tmp_path: Path) -> None:
    one, _ = await alice.receive(message(SENDER, "one"), message(SENDER, "two"))
    async with start(alice):
        await alice.tap(one, "@ToPerson")
        await alice.until_triaged()
    async with told(alice, tmp_path, ADDRESS, MAILROOM_ARRIVALS_ENABLED="true") as found:
        (contact,) = found.contacts
        (decision,) = contact.decisions
        assert list(found.text()) == [
            ADDRESS,
            "  contact   Jane Doe, made by Mailroom",
            f"  addresses {ADDRESS}",
            "  groups    Imbox, Mailroom, Person",
            f"  decided   {decision}",
            "  mail      2 in Imbox, 2 in Person",
            f"  new mail  would go to Imbox, Inbox, Person: {Rule.CATEGORY.value} (Person)",
        ]
        assert decision.startswith("Triaged to Person on ")
        data = found.data()
    assert data == {
        "subject": ADDRESS,
        "kind": "address",
        "contacts": [
            {
                "uid": data["contacts"][0]["uid"],
                "name": "Jane Doe",
                "addresses": [ADDRESS],
                "made_by_mailroom": True,
                "groups": ["Imbox", "Mailroom", "Person"],
                "decisions": [decision],
            }
        ],
        "mails": {"Imbox": 2, "Person": 2},
        "codes": 0,
        "new_mail": {
            "rule": "category",
            "categories": ["Person"],
            "mailboxes": ["Imbox", "Inbox", "Person"],
            "screened_by_mailroom": True,
        },
    }


async def test_a_contact_and_a_correspondent(alice: Owner, tmp_path: Path) -> None:
    await alice.contacts.add("jane", "Jane Doe", ADDRESS, more=("jane@home.example",))
    await alice.receive(message("jane@home.example", "from home"))
    await alice.server.append(
        alice.name, "Sent", message("alice@example.com", "sent", to="ann@x.example")
    )
    async with told(alice, tmp_path, ADDRESS) as found:
        assert found.mails == {"Screener": 1}
        assert (found.rule, found.mailboxes) == (Rule.CONTACT, ("Inbox",))
    async with told(alice, tmp_path, "ann@x.example") as found:
        assert (found.rule, found.mailboxes) == (Rule.CORRESPONDENT, ("Inbox",))


async def test_a_contact_that_stands_for_a_whole_domain_is_named(
    alice: Owner, tmp_path: Path
) -> None:
    await alice.contacts.add("corp", "All of Corp", "*@corp.example")
    await alice.receive(message(SENDER, "one"), message("other@corp.example", "two"))
    async with told(alice, tmp_path, ADDRESS) as found:
        (contact,) = found.contacts
        assert contact.card.names.full == "All of Corp"
        assert (found.rule, found.mails) == (Rule.CONTACT, {"Screener": 1})
    await alice.contacts.add("jane", "Jane Doe", ADDRESS)
    async with told(alice, tmp_path, ADDRESS) as found:
        (contact,) = found.contacts
        assert contact.card.names.full == "Jane Doe"
