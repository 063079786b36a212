"""The kind of a sender, by the signals in its mail. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from mailroom.jmap.recent_mail import MailWithHeaders
from mailroom.screener.model.subject import Kind
from mailroom.screener.suggest.signals import MOST_NAMES, Signals, is_automatic, is_bulk
from mailroom.screener.suggest.words import (
    is_of_newsletter,
    is_of_program,
    is_of_receipts,
    is_of_several_people,
)

_MOST: Final = 0.5
"""The share of a sender's mail that has to show a signal."""
_SOME: Final = 0.2
"""The share of bulk mail that has to be answered before its sender counts as a correspondent, and
the share of receipts in the mail of an address like ``orders@``."""
_LEAST_ANSWERS: Final = 2
"""The least number of answers to bulk mail that make its sender a correspondent. A single answer
may be to a question, or to unsubscribe."""
_SEVERAL_RECEIPTS: Final = 2
"""Mails about orders and the like that show a shop. A person may send a single one."""
_SEVERAL_NAMES: Final = 3
"""Display names that show that several people, or a program, write from one address."""
_REGULAR_WEEKS: Final = 10
"""Weeks of the last year with mail from a sender that show that the sender writes regularly."""


class SenderKind(StrEnum):
    """The kind of a sender, in words for a person."""

    PERSON = "person"
    COMPANY = "company"
    NEWSLETTER = "newsletter"
    NOTIFICATIONS = "notifications"
    RECEIPTS = "receipts"
    MAILING_LIST = "mailing list"


@dataclass(frozen=True, slots=True)
class Guess:
    """The kind that a sender seems to be of.

    Attributes:
        kind: the kind.
        reason: the signal that shows the kind, in words for a person.
    """

    kind: SenderKind
    reason: str


def classify(signals: Signals, *, is_contact: bool) -> Guess | None:
    """Return the kind of a sender; None if nothing shows it.

    Args:
        signals: the signals in the sender's mail.
        is_contact: True if a card in the address book has the sender's address.
    """
    if signals.subject.kind is Kind.LIST:
        people = _counted(len(signals.names), "sender", or_more=len(signals.names) >= MOST_NAMES)
        return Guess(SenderKind.MAILING_LIST, f"{people} in this mailing list")
    return (
        _correspondent(signals)
        or _receipts(signals)
        or (_contact(signals) if is_contact else None)
        or _program(signals)
        or _regular_writer(signals)
    )


def _correspondent(signals: Signals) -> Guess | None:
    """Return the kind of a sender who has mail from the user; None of any other sender."""
    address = signals.subject.key
    # Mail that the user has written to the address counts as answers. The largest number counts,
    # because one answer may be in all three numbers.
    answers = max(signals.answered, signals.in_threads, signals.written)
    is_impersonal = _is_impersonal(signals) or signals.share(signals.receipts) >= _MOST
    is_seldom = answers < _LEAST_ANSWERS or signals.share(answers) < _SOME
    if not answers or (is_impersonal and is_seldom):
        return None
    if signals.written >= max(signals.answered, signals.in_threads):
        reason = f"you have sent {_counted(signals.written, 'mail')} to this address"
    else:
        reason = f"you have answered {_of_all(answers, signals)}"
    is_company = is_impersonal or is_of_several_people(address)
    is_company = is_company or len(signals.names) >= _SEVERAL_NAMES
    return Guess(SenderKind.COMPANY if is_company else SenderKind.PERSON, reason)


def is_personal(mail: MailWithHeaders, address: str) -> bool:
    """Return True if nothing shows that a program has sent a mail, or sent it to many people."""
    is_of_many = is_bulk(mail) or is_of_newsletter(address)
    return not (is_of_many or is_automatic(mail) or is_of_program(address))


def _is_impersonal(signals: Signals) -> bool:
    """Return True if a program sends the mail, or sends it to many people."""
    address = signals.subject.key
    return (
        is_of_program(address)
        or is_of_newsletter(address)
        or signals.share(signals.bulk) >= _MOST
        or signals.share(signals.automatic) >= _MOST
    )


def _receipts(signals: Signals) -> Guess | None:
    share, is_of_address = signals.share(signals.receipts), is_of_receipts(signals.subject.key)
    # A single mail of a person may be about an invoice, too.
    is_shown = _is_impersonal(signals) or signals.receipts >= _SEVERAL_RECEIPTS
    if (share >= _MOST and is_shown) or (share >= _SOME and is_of_address):
        lines = f"{signals.receipts} of {_counted(signals.mails, 'subject line')}"
        return Guess(SenderKind.RECEIPTS, f"{lines} about orders, invoices or deliveries")
    if is_of_address and signals.share(signals.unsubscribe) < _MOST:
        return Guess(SenderKind.RECEIPTS, "the address is one of receipts")
    return None


def _contact(signals: Signals) -> Guess | None:
    if _is_impersonal(signals):
        return None
    is_company = is_of_several_people(signals.subject.key)
    kind = SenderKind.COMPANY if is_company else SenderKind.PERSON
    return Guess(kind, "the address is in your address book")


def _program(signals: Signals) -> Guess | None:
    """Return the kind of a sender that is a program, or writes to many people at once."""
    address, names = signals.subject.key, len(signals.names)
    can_be_ended = signals.share(signals.unsubscribe) >= _MOST
    kind = SenderKind.NOTIFICATIONS
    if is_of_program(address):
        reason = "the address is one of programs"
    elif can_be_ended or is_of_newsletter(address):
        kind = SenderKind.NEWSLETTER
        offer = f"{_of_all(signals.unsubscribe, signals)} offer to unsubscribe"
        reason = offer if can_be_ended else "the address is one of newsletters"
    elif signals.share(signals.automatic) >= _MOST:
        reason = f"a program has sent {_of_all(signals.automatic, signals)}"
    elif signals.share(signals.bulk) >= _MOST:
        reason = f"{_of_all(signals.bulk, signals)} went to many people"
    elif names >= _SEVERAL_NAMES:
        named = _counted(names, "name", or_more=names >= MOST_NAMES)
        reason = f"the address has {named}, and you have answered none"
    else:
        return None
    return Guess(kind, reason)


def _regular_writer(signals: Signals) -> Guess | None:
    """Return the kind of a sender who writes regularly, if no other signal shows the kind."""
    weeks = signals.weeks.bit_count()
    if weeks < _REGULAR_WEEKS:
        return None
    reason = f"mail came in {weeks} weeks of the last year"
    if signals.share(signals.read) > _MOST:
        read = _of_all(signals.read, signals)
        return Guess(SenderKind.PERSON, f"{reason}, and you have read {read}")
    return Guess(SenderKind.NEWSLETTER, f"{reason}, and you have answered none")


def _of_all(count: int, signals: Signals) -> str:
    return f"{count} of {_counted(signals.mails, 'mail')}"


def _counted(count: int, noun: str, *, or_more: bool = False) -> str:
    number = f"{count} or more" if or_more else f"{count}"
    return f"{number} {noun}" if count == 1 else f"{number} {noun}s"
