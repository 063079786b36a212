"""Verdicts on new mail: its destination, and the rule that applies. Pure."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from mailroom.contacts.index import ContactIndex
from mailroom.jmap.mail import Email, Patch
from mailroom.screener.arrivals.authentication import Opinion, opinion_on_from
from mailroom.screener.arrivals.delivery import is_report, was_placed
from mailroom.screener.model.categories import Categories, Category
from mailroom.screener.model.keywords import FORGED, SCREENED
from mailroom.screener.model.patches import Target, patch_mailboxes, target_of
from mailroom.screener.model.places import Places
from mailroom.screener.model.sender import UnusableFromError, is_own, sender_of
from mailroom.screener.triage.decide import DecidedAddresses


class Rule(StrEnum):
    """The reason of a verdict, in the order of :func:`judge`: the first that applies counts."""

    PLACED = "it was read or put into the Inbox before Mailroom saw it"
    SPOOFED = "its From is forged"
    DECIDED = "the sender is being decided on"
    OWN = "it is your own"
    CATEGORY = "the sender is in a category's group"
    CONTACT = "the sender is a contact"
    CORRESPONDENT = "you have written to the sender"
    ANSWER = "it answers mail that you have sent"
    REPORT = "it reports on the delivery of mail that you have sent"
    NAMELESS = "it names no sender, or several"
    UNKNOWN = "the sender is unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict on a new mail.

    Attributes:
        email: the mail.
        sender: the key of the address in its From; empty if From names no sender or several.
        rule: the rule that applies.
        categories: the sender's categories, if they are the reason.
        patch: the patch of the mail; None if the mail is not changed.
    """

    email: Email
    sender: str
    rule: Rule
    categories: tuple[Category, ...] = ()
    patch: Patch | None = None


@dataclass(frozen=True, slots=True)
class Relation:
    """The relation of a sender to the user.

    Attributes:
        rule: one of OWN, CATEGORY, CONTACT, UNKNOWN, NAMELESS.
        categories: the sender's categories.
    """

    rule: Rule
    categories: tuple[Category, ...] = ()


class KnownPeople:
    """The people that the user knows, by the address book and the identities.

    Args:
        index: the address book.
        categories: the categories.
        identities: the user's own addresses.
    """

    def __init__(
        self, index: ContactIndex, categories: Categories, identities: Collection[str]
    ) -> None:
        self._index = index
        self._categories = categories
        self._identities = identities
        self._members: dict[str, set[str]] = {}
        for group in index.groups:  # several groups may have one name
            self._members.setdefault(group.name, set()).update(group.members)

    def relation_to(self, address: str) -> Relation:
        """Return the relation of the owner of an address to the user."""
        if is_own(address, self._identities):
            return Relation(Rule.OWN)
        own, every = self._index.own_uids_of(address), self._index.uids_of(address)
        # If several people share an address, a card of its own takes precedence over theirs.
        if categories := self.categories_of(own) or self.categories_of(every):
            return Relation(Rule.CATEGORY, categories)
        return Relation(Rule.CONTACT if self._index.knows(address) else Rule.UNKNOWN)

    def categories_of(self, uids: frozenset[str]) -> tuple[Category, ...]:
        """Return the categories of a contact by its groups, without parents of other categories.

        Mail of a contact in several categories is filed to all of them, as a provider's rules would
        do.
        """
        joined = [
            category
            for category in self._categories
            if uids & self._members.get(category.group, set())
        ]
        inherited = {
            parent for category in joined for parent in self._categories.chain(category)[1:]
        }
        return tuple(category for category in joined if category not in inherited)


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts that a verdict depends on, besides the mail.

    Attributes:
        known_people: the people that the user knows.
        correspondents: keys of addresses that the user has written to.
        places: the ids of the mailboxes.
        categories: the categories.
        authserv_id: see :func:`mailroom.screener.arrivals.authentication.opinion_on_from`.
        answers: ids of mails that answer mail of the user's.
        decided: the addresses that the same pass decides on. After an earlier pass that was cut
            short, the address book may hold a part of such a decision: a card without a group, or
            a child's group without the parent's.
    """

    known_people: KnownPeople
    correspondents: frozenset[str]
    places: Places
    categories: Categories
    authserv_id: str
    answers: frozenset[str] = frozenset()
    decided: DecidedAddresses = field(default_factory=DecidedAddresses)


def is_new(email: Email, places: Places) -> bool:
    """Return True if a mail is in the Inbox alone, and has not been filed before."""
    return email.mailbox_ids == {places.inbox} and SCREENED not in email.keywords


def unexplained(emails: Iterable[Email], known_people: KnownPeople) -> list[Email]:
    """Return the mails for which neither the mail nor the address book gives a reason to stay."""
    result = []
    for email in emails:
        if was_placed(email) or is_report(email):
            continue
        sender = _sender_key(email)
        if not sender or known_people.relation_to(sender).rule is Rule.UNKNOWN:
            result.append(email)
    return result


def sender_keys(emails: Iterable[Email]) -> frozenset[str]:
    """Return the keys of the senders of mails, without mails that name none or several."""
    return frozenset(map(_sender_key, emails)) - {""}


def judge(email: Email, facts: Facts) -> Verdict:
    """Decide on a mail that :func:`is_new`.

    A mail that its owner or a program put into the Inbox stays there. A mail with a forged From
    goes to the Screener, whatever is known of the sender that its From names or of its thread.
    """
    sender, places = _sender_key(email), facts.places
    if was_placed(email):
        return Verdict(email, sender, Rule.PLACED)
    warning = frozenset() if places.warning is None else frozenset({places.warning})
    opinion = opinion_on_from(email.authentication_results, facts.authserv_id)
    if opinion is Opinion.FORGED:
        filed = _file(email, Target(warning | {places.screener}, add_to_inbox=False), places) or {}
        patch = {**filed, f"keywords/{FORGED}": True}
        return Verdict(email, sender, Rule.SPOOFED, patch=patch)
    verdict = _judge_genuine(email, sender, facts)
    if opinion is Opinion.DOUBTFUL and warning:
        # The mail gets the warning label wherever it goes, even if it stays in the Inbox.
        label = {f"mailboxIds/{places.warning}": True, f"keywords/{SCREENED}": True}
        return replace(verdict, patch={**(verdict.patch or {}), **label})
    return verdict


def _judge_genuine(email: Email, sender: str, facts: Facts) -> Verdict:
    """Decide on a mail whose From is believed; ``sender`` is empty if From names none or several.

    A decision of the same pass counts more than the address book, which is not up to date yet.
    """
    places, decided = facts.places, facts.decided
    if sender and (address := decided.stand_in(sender)) in decided.categories:
        category = decided.categories[address]
        patch = _file(email, target_of(category, facts.categories, places), places)
        categories = () if category is None else (category,)
        return Verdict(email, sender, Rule.DECIDED, categories, patch)
    relation = facts.known_people.relation_to(sender) if sender else Relation(Rule.NAMELESS)
    if relation.rule is Rule.CATEGORY:
        targets = [
            target_of(category, facts.categories, places) for category in relation.categories
        ]
        target = Target(
            frozenset[str]().union(*(target.destinations for target in targets)),
            add_to_inbox=any(target.add_to_inbox for target in targets),
        )
        patch = _file(email, target, places)
        return Verdict(email, sender, Rule.CATEGORY, relation.categories, patch)
    if relation.rule in {Rule.OWN, Rule.CONTACT}:
        rule: Rule = relation.rule
    elif sender in facts.correspondents:
        rule = Rule.CORRESPONDENT
    elif email.id in facts.answers:
        rule = Rule.ANSWER
    elif is_report(email):
        rule = Rule.REPORT
    else:
        target = Target(frozenset({places.screener}), add_to_inbox=False)
        return Verdict(email, sender, relation.rule, patch=_file(email, target, places))
    return Verdict(email, sender, rule)


def _file(email: Email, target: Target, places: Places) -> Patch | None:
    """Return the patch that files a new mail; None if the mail stays where it is."""
    after = target.destinations | ({places.inbox} if target.add_to_inbox else set())
    moved = patch_mailboxes(email.mailbox_ids, after, fallback=places.inbox)
    return None if moved is None else {**moved, f"keywords/{SCREENED}": True}


def _sender_key(email: Email) -> str:
    try:
        return sender_of(email).key
    except UnusableFromError:
        return ""
