"""Read the subjects that wait for a decision from the mail in the Screener."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from mailroom.contacts.address import key_of
from mailroom.jmap.listing import list_ids
from mailroom.jmap.mail import OVERVIEW, Email
from mailroom.jmap.mail_account import MailAccount
from mailroom.screener.model.categories import Categories, Layout
from mailroom.screener.model.domain_guard import objection_to_domain, own_domains
from mailroom.screener.model.keywords import DIGEST, FORGED
from mailroom.screener.model.lists import is_discussion, list_id, list_name, posting_address
from mailroom.screener.model.places import Places
from mailroom.screener.model.sender import (
    UnusableFromError,
    is_address,
    is_own,
    may_be_own,
    sender_of,
)
from mailroom.screener.model.subject import Subject
from mailroom.screener.search.own_addresses import OwnAddresses
from mailroom.screener.search.places import read_places
from mailroom.waiting.batches import batches

_AT_ONCE: Final = 1000
"""Mails that are read at a time, so that only few mails are in memory."""
_LONGEST: Final = 200
"""Characters of a subject line or of a From that names no sender; the rest is cut off."""


class WaitReason(StrEnum):
    """The reason why a subject waits."""

    STRANGER = "unknown sender"
    FORGED = "forged From"
    LIST = "mailing list"
    NAMELESS = "names no sender, or several"


_OF_SENDERS: Final = frozenset({WaitReason.STRANGER, WaitReason.FORGED})
"""The reasons of subjects that are addresses."""


@dataclass(frozen=True, slots=True)
class WaitingSubject:
    """A subject with mail in the Screener.

    Attributes:
        subject: the subject; None if From names no sender or several.
        reason: the reason why it waits.
        name: the display name, or the name of the list, in the newest mail; may be empty. If From
            names no sender or several, the addresses or names that it has.
        address: the address as written in the newest mail; the posting address of a list; empty if
            From names no sender or several.
        since: the time (UTCDate) at which the oldest waiting mail came.
        newest_at: the time (UTCDate) at which the newest waiting mail came.
        ids: the ids of its mails in the Screener, the newest first.
        subject_line: the subject line of the newest mail, white space folded.
        alias: the user's address that the newest mail was sent to; empty if it is not known.
        list_id: the identifier of the mailing list that the newest mail names; may be empty.
        domain: the domain of the address, if a decision on the domain is allowed; else empty.
        message_id: the Message-ID of the newest mail; empty unless it was read.
        thread_id: the id of the newest mail's thread; empty unless it was read.
        preview: the beginning of the newest mail's text; empty unless it was read.
    """

    subject: Subject | None
    reason: WaitReason
    name: str
    address: str
    since: str
    newest_at: str
    ids: tuple[str, ...]
    subject_line: str
    alias: str
    list_id: str = ""
    domain: str = ""
    message_id: str = ""
    thread_id: str = ""
    preview: str = ""

    @property
    def count(self) -> int:
        """The number of its mails in the Screener."""
        return len(self.ids)

    @property
    def newest_id(self) -> str:
        """The id of the newest mail."""
        return self.ids[0]


@dataclass(frozen=True, slots=True)
class WaitingList:
    """The waiting subjects of an account.

    Attributes:
        subjects: the subjects, the one with the newest mail first.
        places: the ids of the account's mailboxes when the list was read.
    """

    subjects: tuple[WaitingSubject, ...]
    places: Places


class WaitingCollector:
    """Collects waiting mail by its subject. Pure.

    Forged mail is listed apart from other mail of the sender that From names, because a decision on
    that sender does not concern the forged mail.

    Args:
        own: the user's own addresses; ``*@domain`` is every address at the domain.
        server: the host of the user's mail server.
    """

    def __init__(self, own: Collection[str], server: str) -> None:
        self._own = tuple(own)
        self._own_domains = own_domains(own, server)
        # Each key is a pair: the key of the subject (or the text of a From without a usable
        # sender), and the reason.
        self._subjects: dict[tuple[str, WaitReason], WaitingSubject] = {}
        self._mails = defaultdict[tuple[str, WaitReason], list[tuple[str, str]]](list)

    def add(self, emails: Iterable[Email]) -> None:
        """Add mails, in any order."""
        for email in emails:
            if DIGEST in email.keywords:
                continue  # the user has put a digest of Mailroom into the Screener
            waiting = _waiting_subject(email)
            key = waiting.subject.key if waiting.subject else waiting.name, waiting.reason
            self._mails[key].append((email.received_at, email.id))
            before = self._subjects.get(key)
            if before is None or _newest_mail(before) <= _newest_mail(waiting):
                self._subjects[key] = replace(
                    waiting,
                    subject_line=_line(email.subject),
                    alias=_alias(email, self._own),
                    list_id=list_id(email.list_id),
                    message_id=email.message_id,
                    thread_id=email.thread_id,
                    preview=_line(email.preview),
                )

    def newest_first(self) -> tuple[WaitingSubject, ...]:
        """Return the subjects, the one with the newest mail first."""
        subjects = []
        for key, waiting in self._subjects.items():
            mails = sorted(self._mails[key], reverse=True)
            domain = waiting.address.rpartition("@")[2] if waiting.reason in _OF_SENDERS else ""
            if domain and objection_to_domain(domain, self._own_domains):
                domain = ""
            ids = tuple(email_id for _, email_id in mails)
            subjects.append(replace(waiting, ids=ids, since=mails[-1][0], domain=domain))
        return tuple(sorted(subjects, key=_newest_mail, reverse=True))


async def read_waiting(
    account: MailAccount, categories: Categories, layout: Layout, *, also: Sequence[str] = ()
) -> WaitingList:
    """Read the subjects that wait for a decision.

    Mail is read a part at a time, and only the subjects are kept.

    Args:
        account: the account.
        categories: the categories.
        layout: the other mailboxes and names.
        also: further properties of mail to read.

    Raises:
        HttpError, JmapError: the server cannot be asked.
        MissingError: mailboxes are missing.
    """
    _, places = await read_places(account, categories, layout)
    reading_own = OwnAddresses(account).addresses(places)
    (own,), ids = await list_ids(account, [places.screener], preceded_by=[reading_own])
    subjects = WaitingCollector(own, account.client.host)
    for part in batches(ids, _AT_ONCE):
        readings = account.readings(part, also=(*OVERVIEW, *also))
        for _, emails in await account.client.perform_all(readings):
            # A mail that was filed after the ids were listed does not wait any more.
            subjects.add(email for email in emails if places.screener in email.mailbox_ids)
    return WaitingList(subjects.newest_first(), places)


def _waiting_subject(email: Email) -> WaitingSubject:
    """Return the subject of one mail, without further facts about the mail."""
    try:
        sender = sender_of(email)
    except UnusableFromError:
        authors = ", ".join(author.email or author.name for author in email.from_)
        subject, reason, name, address = None, WaitReason.NAMELESS, _line(authors), ""
    else:
        subject, reason = Subject(sender.key), WaitReason.STRANGER
        name, address = sender.name, sender.address
        if FORGED in email.keywords:
            reason = WaitReason.FORGED
        elif is_discussion(email, sender):
            subject, reason = Subject.of_list(list_id(email.list_id)), WaitReason.LIST
            name, address = list_name(email.list_id), posting_address(email.list_post)
    came = email.received_at
    return WaitingSubject(subject, reason, name, address, came, came, (email.id,), "", "")


def _newest_mail(waiting: WaitingSubject) -> tuple[str, str]:
    """Return the time and the id of the newest mail; later mail has a greater value."""
    return waiting.newest_at, waiting.newest_id


def _line(text: str) -> str:
    return " ".join(text.split())[:_LONGEST]


def _alias(email: Email, own: Collection[str]) -> str:
    """Return the user's address that a mail was sent to; empty if it is not known.

    The first choice is a recipient that is the user's own address, the second a recipient at a
    domain of the user. Mail to a list or to hidden recipients names no such recipient. Then the
    result is the address to which the mail server delivered the mail.
    """
    recipients = [key_of(recipient.email) for recipient in email.recipients]
    candidates = (
        *(address for address in recipients if is_own(address, own)),
        *(address for address in recipients if may_be_own(address, own)),
        *map(key_of, email.delivered_to),
    )
    return next(filter(is_address, candidates), "")
