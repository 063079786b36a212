"""Verdicts on new mail: its destination, and the rule that applies. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from mailroom.contacts.index import ContactIndex
from mailroom.contacts.model import Group
from mailroom.jmap.mail import Email, Patch
from mailroom.screener.arrivals.authentication import Opinion, opinion_on_from
from mailroom.screener.arrivals.delivery import is_report, was_put_there
from mailroom.screener.model.categories import Categories, Category
from mailroom.screener.model.keywords import FORGED, SCREENED
from mailroom.screener.model.patches import Target, patch, target_of
from mailroom.screener.model.places import Places
from mailroom.screener.model.sender import UnusableFromError, is_own, sender_of
from mailroom.screener.triage.decide import DecidedAddresses


class Rule(StrEnum):
    """The reasons of a verdict; the first rule that applies counts."""

    PLACED = "it was read or put into the Inbox before Mailroom saw it"
    SPOOFED = "its From is forged"
    NAMELESS = "it names no sender, or several"
    DECIDED = "the sender is being decided on"
    OWN = "it is your own"
    CATEGORY = "the sender is in a category's group"
    CONTACT = "the sender is a contact"
    CORRESPONDENT = "you have written to the sender"
    ANSWER = "it answers mail that you have sent"
    REPORT = "it reports on the delivery of mail that you have sent"
    UNKNOWN = "the sender is unknown"


SCREENING: Final = frozenset({Rule.SPOOFED, Rule.NAMELESS, Rule.UNKNOWN})
"""The rules that file a mail to the Screener."""


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
class Standing:
    """The relation of a sender to the user.

    Attributes:
        rule: one of OWN, CATEGORY, CONTACT, UNKNOWN, NAMELESS.
        categories: the sender's categories.
    """

    rule: Rule
    categories: tuple[Category, ...] = ()


class Acquaintance:
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
        self._members = _members_by_name(index.groups)

    def standing(self, address: str) -> Standing:
        """Return the relation of the owner of an address to the user."""
        if is_own(address, self._identities):
            return Standing(Rule.OWN)
        own, every = self._index.own_uids_of(address), self._index.uids_of(address)
        # If several people share an address, a card of its own takes precedence over theirs.
        if categories := self.categories_of(own) or self.categories_of(every):
            return Standing(Rule.CATEGORY, categories)
        return Standing(Rule.CONTACT if self._index.knows(address) else Rule.UNKNOWN)

    def categories_of(self, uids: frozenset[str]) -> tuple[Category, ...]:
        """Return the categories of a contact by its groups, without parents of other categories.

        Mail of a contact in several categories is filed to all of them, as a provider's rules would
        do.
        """
        joined = [each for each in self._categories if uids & self._members.get(each.group, set())]
        inherited = {above for each in joined for above in self._categories.chain(each)[1:]}
        return tuple(each for each in joined if each not in inherited)


def _members_by_name(groups: Iterable[Group]) -> Mapping[str, set[str]]:
    members: dict[str, set[str]] = {}
    for group in groups:
        members.setdefault(group.name, set()).update(group.members)
    return members


@dataclass(frozen=True, slots=True)
class Rules:
    """The facts that a verdict depends on, besides the mail.

    Attributes:
        acquaintance: the people that the user knows.
        correspondents: keys of addresses that the user has written to.
        answers: ids of mails that answer mail of the user's.
        places: the ids of the mailboxes.
        categories: the categories.
        authserv_id: see :func:`mailroom.screener.arrivals.authentication.opinion_on_from`.
        decided: the addresses that the same pass decides on. After an earlier pass that was cut
            short, the address book may hold a part of such a decision: a card without a group, or
            a child's group without the parent's.
    """

    acquaintance: Acquaintance
    correspondents: frozenset[str]
    places: Places
    categories: Categories
    authserv_id: str
    answers: frozenset[str] = frozenset()
    decided: DecidedAddresses = field(default_factory=DecidedAddresses)


def is_new(email: Email, places: Places) -> bool:
    """Return True if a mail is in the Inbox alone, and has not been filed before."""
    return email.mailbox_ids == {places.inbox} and SCREENED not in email.keywords


def unexplained(emails: Iterable[Email], acquaintance: Acquaintance) -> list[Email]:
    """Return the mails for which neither the mail nor the address book gives a reason to stay."""
    return [
        email
        for email in emails
        if not (was_put_there(email) or is_report(email)) and _is_strange(email, acquaintance)
    ]


def _is_strange(email: Email, acquaintance: Acquaintance) -> bool:
    sender = _sender(email)
    return not sender or acquaintance.standing(sender).rule is Rule.UNKNOWN


def strangers(emails: Iterable[Email]) -> frozenset[str]:
    """Return the keys of the senders of mails."""
    return frozenset(map(_sender, emails)) - {""}


def judge(email: Email, rules: Rules) -> Verdict:
    """Decide on a mail that :func:`is_new`.

    A mail that its owner or a program put into the Inbox stays there. A mail with a forged From
    goes to the Screener, whatever is known of the sender that its From names or of its thread.
    """
    sender = _sender(email)
    if was_put_there(email):
        return Verdict(email, sender, Rule.PLACED)
    opinion = opinion_on_from(email.authentication_results, rules.authserv_id)
    if opinion is Opinion.FORGED:
        return _screen_forged(email, sender, rules.places)
    verdict = _judge_genuine(email, sender, rules)
    return _warned(verdict, rules.places) if opinion is Opinion.DOUBTFUL else verdict


def _judge_genuine(email: Email, sender: str, rules: Rules) -> Verdict:
    stand_in, categories = rules.decided.stand_in(sender), rules.decided.categories
    if sender and stand_in in categories:
        return _as_decided(email, sender, rules, categories[stand_in])
    standing = rules.acquaintance.standing(sender) if sender else Standing(Rule.NAMELESS)
    match standing.rule:
        case Rule.CATEGORY:
            change = file_as(email, standing.categories, rules.categories, rules.places)
            return Verdict(email, sender, Rule.CATEGORY, standing.categories, change)
        case Rule.UNKNOWN | Rule.NAMELESS:
            return _as_stranger(email, sender, standing.rule, rules)
        case known:
            return Verdict(email, sender, known)


def _as_stranger(email: Email, sender: str, rule: Rule, rules: Rules) -> Verdict:
    if sender in rules.correspondents:
        return Verdict(email, sender, Rule.CORRESPONDENT)
    if email.id in rules.answers:
        return Verdict(email, sender, Rule.ANSWER)
    if is_report(email):
        return Verdict(email, sender, Rule.REPORT)
    return _screen(email, sender, rule, rules.places)


def _warned(verdict: Verdict, places: Places) -> Verdict:
    """Add the warning label, wherever the mail goes."""
    if places.warning is None:
        return verdict
    label = {f"mailboxIds/{places.warning}": True, f"keywords/{SCREENED}": True}
    return replace(verdict, patch={**(verdict.patch or {}), **label})


def _as_decided(email: Email, sender: str, rules: Rules, category: Category | None) -> Verdict:
    target = target_of(category, rules.categories, rules.places)
    given = () if category is None else (category,)
    return Verdict(email, sender, Rule.DECIDED, given, _filed(email, target, rules.places))


def file_as(
    email: Email, given: Iterable[Category], categories: Categories, places: Places
) -> Patch | None:
    """Return the patch that files a new mail to its sender's categories; None: no change."""
    targets = [target_of(each, categories, places) for each in given]
    destinations = frozenset[str]().union(*(target.destinations for target in targets))
    stays = any(target.add_to_inbox for target in targets)
    return _filed(email, Target(destinations, add_to_inbox=stays), places)


def _screen(email: Email, sender: str, rule: Rule, places: Places) -> Verdict:
    target = Target(frozenset({places.screener}), add_to_inbox=False)
    return Verdict(email, sender, rule, patch=_filed(email, target, places))


def _screen_forged(email: Email, sender: str, places: Places) -> Verdict:
    warnings = {places.warning} if places.warning is not None else set()
    target = Target(frozenset({places.screener, *warnings}), add_to_inbox=False)
    filed = _filed(email, target, places) or {}
    return Verdict(email, sender, Rule.SPOOFED, patch={**filed, f"keywords/{FORGED}": True})


def _filed(email: Email, target: Target, places: Places) -> Patch | None:
    after = target.destinations | ({places.inbox} if target.add_to_inbox else set())
    change = patch(email.mailbox_ids, after, fallback=places.inbox)
    return None if change is None else {**change, f"keywords/{SCREENED}": True}


def _sender(email: Email) -> str:
    try:
        return sender_of(email).key
    except UnusableFromError:
        return ""
