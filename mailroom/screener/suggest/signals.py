"""Signals in a sender's mail that show the sender's kind, such as offers to unsubscribe. Pure.

Mails themselves are not kept: for each sender, only numbers, names and two subject lines are.
"""

import heapq
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from mailroom.contacts.address import key_of, list_key
from mailroom.contacts.index import ContactIndex
from mailroom.jmap.recent_mail import MailWithHeaders
from mailroom.screener.model.keywords import DIGEST, FORGED, JUNK
from mailroom.screener.model.lists import is_discussion, list_id, list_name
from mailroom.screener.model.sender import Sender, UnusableFromError, sender_of
from mailroom.screener.model.subject import Kind, Subject
from mailroom.screener.suggest.words import is_about_receipts

_SUBJECT_LINES: Final = 2
"""Subject lines of one sender that are kept."""
_LONGEST_SUBJECT_LINE: Final = 200
"""Characters. The rest of a longer subject line is cut off."""
MOST_NAMES: Final = 20
"""Names of one sender that are kept."""
_MOST_SENDERS: Final = 20_000
"""Senders whose signals are kept at a time."""
_WEEK: Final = timedelta(weeks=1)
_BULK_PRECEDENCE: Final = frozenset({"bulk", "list", "junk"})
_NOT_COUNTED: Final = frozenset({"$draft", DIGEST, FORGED, JUNK})
"""Keywords of mail that is not counted, because it shows nothing of the sender in its From."""


@dataclass(slots=True)
class Correspondence:
    """The mail that the user has sent.

    Attributes:
        written: the key of each recipient -> the number of mails to the recipient.
        threads: the ids of the threads with sent mail.
        senders: the keys of the addresses from which the user has sent.
    """

    written: Counter[str] = field(default_factory=Counter)
    threads: set[str] = field(default_factory=set)
    senders: set[str] = field(default_factory=set)

    def add(self, mails: Iterable[MailWithHeaders]) -> None:
        """Add mails in Sent, read with their recipients."""
        for mail in mails:
            email = mail.email
            self.written.update({key_of(person.email.strip()) for person in email.recipients})
            self.threads.add(email.thread_id)
            self.senders |= {key_of(person.email.strip()) for person in email.from_}
        del self.written[""]
        self.threads.discard("")


@dataclass(slots=True)
class Signals:
    """The signals in the mail of one sender: an address, or a mailing list.

    Attributes:
        subject: the sender, as the subject of a decision.
        name: the newest display name, or the name of the list.
        mails: the number of mails.
        read: the number of mails that the user has read.
        answered: the number of mails that the user has answered, by the keyword ``$answered``.
        in_threads: the number of mails in threads in which the user has written.
        written: the number of mails that the user has sent to the address.
        unsubscribe: the number of mails that offer to unsubscribe.
        bulk: the number of mails that went to many people, by :func:`is_bulk`.
        automatic: the number of mails that a program has sent, by Auto-Submitted.
        receipts: the number of mails whose subject line is that of a receipt.
        weeks: a bit for each week of the last year in which mail came. Bit 0 is the last week, bit
            1 the week before.
        names: the display names, or for a list the keys of its senders; :data:`MOST_NAMES` at most.
        subject_lines: the newest subject lines.
    """

    subject: Subject
    name: str = ""
    mails: int = 0
    read: int = 0
    answered: int = 0
    in_threads: int = 0
    written: int = 0
    unsubscribe: int = 0
    bulk: int = 0
    automatic: int = 0
    receipts: int = 0
    weeks: int = 0
    names: set[str] = field(default_factory=set)
    subject_lines: list[str] = field(default_factory=list)

    def add(self, mail: MailWithHeaders, sender: Sender, *, week: int, is_in_thread: bool) -> None:
        """Add a mail; newer mail is added first.

        Args:
            mail: the mail.
            sender: its sender.
            week: the age of the mail in weeks.
            is_in_thread: True if the user has written in the mail's thread.
        """
        is_list = self.subject.kind is Kind.LIST
        self.name = self.name or (list_name(mail.email.list_id) if is_list else sender.name)
        if len(self.names) < MOST_NAMES and (name := sender.key if is_list else sender.name):
            self.names.add(name)
        self.mails += 1
        self.read += "$seen" in mail.email.keywords
        self.answered += "$answered" in mail.email.keywords
        self.in_threads += is_in_thread
        self.unsubscribe += bool(mail.unsubscribe)
        self.bulk += is_bulk(mail)
        self.automatic += is_automatic(mail)
        self.receipts += is_about_receipts(mail.email.subject)
        self.weeks |= 1 << week
        line = " ".join(mail.email.subject.split())[:_LONGEST_SUBJECT_LINE]
        if line and line not in self.subject_lines and len(self.subject_lines) < _SUBJECT_LINES:
            self.subject_lines.append(line)

    def share(self, count: int) -> float:
        """Return a number of the sender's mails as a share of all: 0.5 is half of the mails."""
        return count / self.mails


class Tally:
    """The signals of all senders.

    If there are more than 20,000 senders, the half with the fewest mails is forgotten, so that the
    signals fit into memory.

    Args:
        correspondence: the mail that the user has sent.
        own: the keys of the user's own addresses; their mail is not counted.
        index: the address book, which shows the mailing lists that the user has decided on.
        now: the present time.
    """

    def __init__(
        self,
        correspondence: Correspondence,
        own: Collection[str],
        index: ContactIndex,
        now: datetime,
    ) -> None:
        self.mails = 0
        self._correspondence = correspondence
        self._own = frozenset(own) | correspondence.senders
        self._index = index
        self._now = now
        self._senders: dict[Subject, Signals] = {}

    def add(self, mails: Iterable[MailWithHeaders]) -> None:
        """Add mails, newer mail first. The caller leaves out sent mail, drafts, junk and trash."""
        for mail in mails:
            self.mails += 1
            try:
                sender = sender_of(mail.email)
            except UnusableFromError:
                continue
            if sender.key in self._own or not _NOT_COUNTED.isdisjoint(mail.email.keywords):
                continue
            identifier = list_id(mail.email.list_id)
            is_list = identifier and (
                is_discussion(mail.email, sender) or self._index.ids_of([list_key(identifier)])
            )
            subject = Subject.of_list(identifier) if is_list else Subject(sender.key)
            if subject not in self._senders and len(self._senders) >= _MOST_SENDERS:
                kept = heapq.nlargest(
                    _MOST_SENDERS // 2, self._senders.values(), key=lambda signals: signals.mails
                )
                self._senders = {signals.subject: signals for signals in kept}
            if subject not in self._senders:
                written = self._correspondence.written[subject.key]
                self._senders[subject] = Signals(subject, written=written)
            self._senders[subject].add(
                mail,
                sender,
                week=mail.age(self._now) // _WEEK,
                is_in_thread=mail.email.thread_id in self._correspondence.threads,
            )

    def largest_first(self) -> Iterator[Signals]:
        """Yield the signals of each sender, the sender with the most mails first."""
        yield from sorted(
            self._senders.values(), key=lambda signals: (-signals.mails, signals.subject)
        )


def is_bulk(mail: MailWithHeaders) -> bool:
    """Return True if a header field shows that a mail went to many people."""
    precedence = mail.precedence.strip().lower()
    fields = (mail.unsubscribe, mail.feedback_id, mail.email.list_id)
    return any(fields) or precedence in _BULK_PRECEDENCE


def is_automatic(mail: MailWithHeaders) -> bool:
    """Return True if a program has sent a mail (RFC 3834)."""
    value = mail.auto_submitted.partition(";")[0].strip().lower()
    return value not in {"", "no"}
