"""``mailroom explain``: a sender's contact and mail, and where new mail would go. Reads only.

It asks the same questions as a pass, with the same code.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mailroom.account import Account
from mailroom.contacts.address import key_of, whole_domain
from mailroom.contacts.book import Snapshot
from mailroom.contacts.model import Card, Group
from mailroom.contacts.note import triage_lines
from mailroom.jmap.mail import Email, EmailAddress
from mailroom.report import printable
from mailroom.report.common import move
from mailroom.screener.arrivals.correspondents import Correspondents
from mailroom.screener.arrivals.verdict import KnownPeople, Rule, Rules, Verdict, judge
from mailroom.screener.model.missing import MissingError
from mailroom.screener.passes.gather import GatheredMail, Gatherer
from mailroom.screener.passes.plan import BySender
from mailroom.screener.search.mail_search import Sweep
from mailroom.screener.triage.groups import missing_groups
from mailroom.waiting.concurrency import both


@dataclass(frozen=True, slots=True)
class Contact:
    """A card with its groups and decisions.

    Attributes:
        card: the card.
        groups: the names of all contact groups that the card is in.
        decisions: the lines of the card's note that record decisions, in order.
    """

    card: Card
    groups: tuple[str, ...]
    decisions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """The contacts and mail of a sender, and the way of the sender's next mail.

    Attributes:
        address: the sender's address, as it was asked for.
        contacts: one for each card that bears the address.
        mails: path of a managed mailbox -> how many of the sender's mails are in it.
        rule: the rule that would decide on new mail.
        categories: the names of the categories that would file new mail.
        mailboxes: the paths of the mailboxes that new mail would be in.
        is_screened: True if Mailroom files new mail at all.
    """

    address: str
    contacts: tuple[Contact, ...]
    mails: Mapping[str, int]
    rule: Rule
    categories: tuple[str, ...]
    mailboxes: tuple[str, ...]
    is_screened: bool

    def text(self) -> Iterator[str]:
        """Return the explanation in lines for a terminal."""
        yield printable(self.address)
        if not self.contacts:
            yield "  contact   none"
        for contact in self.contacts:
            yield from _contact_text(contact)
        counts = ", ".join(f"{count} in {path}" for path, count in self.mails.items())
        yield f"  mail      {counts or 'none in the mailboxes that Mailroom looks after'}"
        where = ", ".join(self.mailboxes)
        why = f" ({', '.join(self.categories)})" if self.categories else ""
        yield f"  new mail  would go to {where}: {self.rule.value}{why}"
        if not self.is_screened:
            yield "            by your provider's rules, as arrivals are switched off"

    def data(self) -> dict[str, Any]:
        """Return the explanation as JSON data."""
        return {
            "address": self.address,
            "contacts": [_contact_data(each) for each in self.contacts],
            "mails": dict(self.mails),
            "new_mail": {
                "rule": self.rule.name.lower(),
                "categories": list(self.categories),
                "mailboxes": list(self.mailboxes),
                "screened_by_mailroom": self.is_screened,
            },
        }


def _contact_text(contact: Contact) -> Iterator[str]:
    card = contact.card
    made = ", made by Mailroom" if card.made_by_us else ""
    yield f"  contact   {printable(card.names.full or card.uid)}{made}"
    yield f"  addresses {', '.join(map(printable, card.addresses))}"
    yield f"  groups    {', '.join(map(printable, contact.groups)) or 'none'}"
    yield from (f"  decided   {printable(line)}" for line in contact.decisions)


def _contact_data(contact: Contact) -> dict[str, Any]:
    return {
        "uid": contact.card.uid,
        "name": contact.card.names.full,
        "addresses": list(contact.card.addresses),
        "made_by_mailroom": contact.card.made_by_us,
        "groups": list(contact.groups),
        "decisions": list(contact.decisions),
    }


async def explain(account: Account, address: str) -> Explanation:
    """Look up a sender's contacts and mail, and judge a new mail of the sender.

    Raises:
        HttpError, JmapError, AddressBookError: a server cannot be used as it should.
        MissingError: the account lacks mailboxes or contact groups.
    """
    settings, key = account.settings, key_of(address)
    mail, book = await account.mail(), await account.book()
    gatherer = Gatherer(mail, settings.categories, settings.screener.layout, inbox=None)
    gathered, snapshot = await both(gatherer.gather(), book.sync())
    if groups := missing_groups(snapshot.groups, settings.categories, settings.screener.layout):
        raise MissingError(groups=groups)
    cards, correspondents = await both(
        _cards(snapshot, key),
        Correspondents(mail).among(frozenset({key}), gathered.places.sent),
    )
    own = await gatherer.own_among([key], gathered)
    rules = Rules(
        known_people=KnownPeople(snapshot.index, settings.categories, (*gathered.identities, *own)),
        correspondents=correspondents,
        places=gathered.places,
        categories=settings.categories,
        authserv_id="",
    )
    bearers = [card.addresses for card in cards if key in map(key_of, card.addresses)]
    addresses = frozenset({key}).union(*(map(key_of, each) for each in bearers))
    _, mails = await gatherer.mail_of([Sweep(addresses, gathered.places.managed)])
    verdict = judge(_new_mail(address, gathered.places.inbox), rules)
    return Explanation(
        address=address,
        contacts=tuple(_contact(each, snapshot.groups) for each in cards),
        mails=_counted(BySender(mails).of(addresses), gathered),
        rule=verdict.rule,
        categories=tuple(each.name for each in verdict.categories),
        mailboxes=_mailboxes(verdict, gathered),
        is_screened=settings.arrivals.enabled,
    )


async def _cards(snapshot: Snapshot, key: str) -> list[Card]:
    """Return the cards that bear an address, else the cards for its whole domain."""
    cards = await snapshot.read([key, whole_domain(key)])
    own = [card for card in cards if key in map(key_of, card.addresses)]
    return own or list(cards)


def _contact(card: Card, groups: Iterable[Group]) -> Contact:
    return Contact(
        card,
        groups=tuple(sorted(group.name for group in groups if card.uid in group.members)),
        decisions=tuple(line.text for line in triage_lines(card.note)),
    )


def _new_mail(address: str, inbox: str) -> Email:
    """Return a mail as the sender's next one would arrive in the Inbox."""
    return Email(
        id="",
        mailbox_ids=frozenset({inbox}),
        keywords=frozenset(),
        received_at="",
        from_=(EmailAddress("", address),),
    )


def _counted(mails: Iterable[Email], gathered: GatheredMail) -> dict[str, int]:
    managed = gathered.places.managed
    counts = Counter(place for email in mails for place in email.mailbox_ids & managed)
    by_path = {gathered.directory.path(place): count for place, count in counts.items()}
    return dict(sorted(by_path.items()))


def _mailboxes(verdict: Verdict, gathered: GatheredMail) -> tuple[str, ...]:
    inbox = gathered.directory.path(gathered.places.inbox)
    moved = move(verdict.patch or {}, gathered.directory)
    return tuple(sorted({inbox, *moved["add"]} - set(moved["remove"])))
