"""``mailroom explain``: a subject's contact and mail, and where new mail would go. Reads only.

A subject is a sender, everybody at a domain, or a mailing list.

The command judges new mail with the code of a pass.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Self

from mailroom.account import Account
from mailroom.contacts.address import key_of, list_id_of, list_key, whole_domain
from mailroom.contacts.model import Card, Group
from mailroom.contacts.note import triage_lines
from mailroom.jmap.mail import Email, EmailAddress
from mailroom.report import printable
from mailroom.report.common import counted, mailbox_changes
from mailroom.screener.arrivals.correspondents import Correspondents
from mailroom.screener.arrivals.verdict import Facts, Rule, Verdict, judge
from mailroom.screener.model.keywords import CODE
from mailroom.screener.model.lists import list_id
from mailroom.screener.model.places import Directory
from mailroom.screener.model.sender import sender_key
from mailroom.screener.model.subject import Kind, Subject
from mailroom.screener.passes.gather import GatheredMail, Gatherer
from mailroom.screener.passes.plan import MailsByKey
from mailroom.screener.passes.reading import AccountReader
from mailroom.screener.search.mail_search import Search
from mailroom.screener.triage.standing import Decisions
from mailroom.waiting.concurrency import both

_NEXT_MAIL: Final = Email(
    id="", mailbox_ids=frozenset(), keywords=frozenset(), received_at="", from_=()
)
"""A mail that has not come yet. :func:`_next_mail` fills in its sender and its list."""
_SOMEBODY: Final = "somebody-without-a-card"
"""The local part of the mail's sender, if the subject is a domain or a list."""


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

    @classmethod
    def of(cls, card: Card, groups: Iterable[Group]) -> Self:
        """Return the contact of a card, given all groups of the address book."""
        names = sorted(group.name for group in groups if card.uid in group.members)
        decisions = tuple(line.text for line in triage_lines(card.note))
        return cls(card, tuple(names), decisions)

    def terms(self) -> Iterator[tuple[str, str]]:
        """Yield pairs for a person, like ``("groups", "Feed, Mailroom")``."""
        made = ", made by Mailroom" if self.card.made_by_us else ""
        yield "contact", f"{self.card.names.full or self.card.uid}{made}"
        yield "addresses", ", ".join(self.card.addresses)
        yield "groups", ", ".join(self.groups) or "none"
        yield from (("decided", line) for line in self.decisions)

    def data(self) -> dict[str, Any]:
        """Return the contact as JSON data."""
        return {
            "uid": self.card.uid,
            "name": self.card.names.full,
            "addresses": list(self.card.addresses),
            "made_by_mailroom": self.card.made_by_us,
            "groups": list(self.groups),
            "decisions": list(self.decisions),
        }


@dataclass(frozen=True, slots=True)
class Explanation:
    """The contacts and mail of a subject, and the mailboxes that its next mail would be in.

    Attributes:
        subject: the subject.
        contacts: one for each card that stands for the subject.
        mails: path of a managed mailbox -> how many of the subject's mails are in it.
        rule: the rule that would decide on new mail.
        categories: the names of the categories that would file new mail.
        mailboxes: the paths of the mailboxes that new mail would be in.
        is_screened: True if Mailroom files new mail at all.
        is_decided: True if there is a decision on the subject itself.
        mail_ids: the ids of the subject's mails in the managed mailboxes, the newest first.
        codes: the number of these mails that are in the Inbox because of a one-time code.
        has_codes: True if new mail with a one-time code goes to the Inbox as well.
        directory: the account's mailboxes.
    """

    subject: Subject
    contacts: tuple[Contact, ...]
    mails: Mapping[str, int]
    rule: Rule
    categories: tuple[str, ...]
    mailboxes: tuple[str, ...]
    is_screened: bool
    is_decided: bool
    mail_ids: tuple[str, ...]
    codes: int
    has_codes: bool
    directory: Directory

    def text(self) -> Iterator[str]:
        """Return the explanation in lines for a terminal."""
        yield printable(str(self.subject))
        yield from (f"  {term:9} {printable(text)}" for term, text in self.terms())

    def terms(self) -> Iterator[tuple[str, str]]:
        """Yield pairs for a person, like ``("mail", "3 in Feed")``; the first part may repeat."""
        if not self.contacts:
            yield "contact", "none"
        for contact in self.contacts:
            yield from contact.terms()
        counts = ", ".join(f"{count} in {path}" for path, count in self.mails.items())
        yield "mail", counts or "none in the mailboxes that Mailroom manages"
        if self.codes:
            codes = counted(self.codes, "mail")
            yield "", f"{codes} with a one-time code, in the Inbox too until the day is over"
        categories = f" ({', '.join(self.categories)})" if self.categories else ""
        mailboxes = ", ".join(self.mailboxes)
        yield "new mail", f"would go to {mailboxes}: {self.rule.value}{categories}"
        if self.is_screened and self.has_codes and self.rule is Rule.UNKNOWN:
            yield "", "with a one-time code in its subject to the Inbox too, for a day"
        if not self.is_screened:
            yield "", "by your provider's rules, because arrivals are switched off"

    def data(self) -> dict[str, Any]:
        """Return the explanation as JSON data."""
        return {
            "subject": str(self.subject),
            "kind": str(self.subject.kind),
            "contacts": [contact.data() for contact in self.contacts],
            "mails": dict(self.mails),
            "codes": self.codes,
            "new_mail": {
                "rule": self.rule.name.lower(),
                "categories": list(self.categories),
                "mailboxes": list(self.mailboxes),
                "screened_by_mailroom": self.is_screened,
            },
        }


async def explain(account: Account, subject: Subject) -> Explanation:
    """Look up a subject's contacts and mail, and judge a new mail of it.

    Raises:
        HttpError, JmapError, AddressBookError: a server cannot be used as it should.
        MissingError: the account lacks mailboxes or contact groups.
    """
    settings, key = account.settings, subject.key
    mail, book = await account.mail(), await account.book()
    categories, layout = settings.categories, settings.screener.layout
    gatherer = Gatherer(mail, categories, layout, new_mail_finder=None)
    reader = AccountReader(gatherer, book, categories, layout, server=mail.client.host)
    gathered, snapshot = await reader.gather()
    cards, correspondents = await both(
        snapshot.read([key, whole_domain(key)] if subject.kind is Kind.ADDRESS else [key]),
        Correspondents(mail).among(frozenset({key}), gathered.places.sent),
    )
    cards_of_subject = [card for card in cards if card.stands_for(key)]
    addresses = {key}
    if subject.kind is Kind.ADDRESS:
        addresses.update(key_of(address) for card in cards_of_subject for address in card.addresses)
    own_addresses = (*gathered.own_addresses, *await gatherer.own_among([key], gathered))
    decisions = reader.reading(replace(gathered, own_addresses=own_addresses), snapshot).decisions
    facts = Facts(decisions, correspondents, gathered.places, categories, authserv_id="")
    verdict = judge(_next_mail(subject, gathered.places.inbox), facts)
    _, emails = await gatherer.mail_of([Search(frozenset(addresses), gathered.places.managed)])
    mails = _mails_of(subject, addresses, emails, decisions)
    return Explanation(
        subject=subject,
        # If no card has the address, the cards for the whole domain decide.
        contacts=tuple(Contact.of(card, snapshot.groups) for card in cards_of_subject or cards),
        mails=_count_by_mailbox(mails, gathered),
        rule=verdict.rule,
        categories=tuple(category.name for category in verdict.categories),
        mailboxes=_mailboxes(verdict, gathered),
        is_screened=settings.arrivals.enabled,
        is_decided=bool(decisions.standing.categories_without_stand_in(key)),
        mail_ids=tuple(email.id for email in mails),
        codes=sum(CODE in email.keywords for email in mails),
        has_codes=settings.has_codes,
        directory=gathered.directory,
    )


def _mails_of(
    subject: Subject, addresses: Iterable[str], mails: Iterable[Email], decisions: Decisions
) -> list[Email]:
    """Return the mails of a subject, and of the further addresses on its cards, newest first."""
    mails_of_subject: Iterable[Email]
    if subject.kind is Kind.LIST:
        mails_of_subject = (
            mail for mail in mails if list_key(list_id(mail.list_id)) == subject.key
        )
    else:
        # Mail of a sender with a card is mail of the sender, and not of the domain.
        key_for = sender_key if subject.kind is Kind.ADDRESS else decisions.subject_key_for
        mails_of_subject = MailsByKey(mails, key_for).of(addresses)
    return sorted(mails_of_subject, key=lambda mail: mail.received_at, reverse=True)


def _next_mail(subject: Subject, inbox: str) -> Email:
    """Return a new mail of a subject in the Inbox."""
    identifier = list_id_of(subject.key)
    domain = (identifier or subject.key).rpartition("@")[2]
    address = subject.key if subject.kind is Kind.ADDRESS else f"{_SOMEBODY}@{domain}"
    return replace(
        _NEXT_MAIL,
        mailbox_ids=frozenset({inbox}),
        from_=(EmailAddress("", address),),
        list_id=f"<{identifier}>" if identifier else "",
    )


def _count_by_mailbox(mails: Iterable[Email], gathered: GatheredMail) -> dict[str, int]:
    """Return the number of mails in each managed mailbox, by the mailbox's path."""
    managed = gathered.places.managed
    counts = Counter(mailbox for mail in mails for mailbox in mail.mailbox_ids & managed)
    by_path = {gathered.directory.path(mailbox): count for mailbox, count in counts.items()}
    return dict(sorted(by_path.items()))


def _mailboxes(verdict: Verdict, gathered: GatheredMail) -> tuple[str, ...]:
    """Return the paths of the mailboxes that mail in the Inbox ends in by a verdict."""
    inbox = gathered.directory.path(gathered.places.inbox)
    changes = mailbox_changes(verdict.patch or {}, gathered.directory)
    return tuple(sorted({inbox, *changes["add"]} - set(changes["remove"])))
