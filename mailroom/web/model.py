"""The values that the page shows; :mod:`mailroom.web.protocol` has the account that they come from.

Texts are as strangers wrote them: :mod:`mailroom.web.text` cleans them when they are shown. A
subject of decisions is named as in the commands: ``ann@loom.example``, ``*@loom.example``, or
``<dev.lists.example>``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

SPAM = "spam"
"""The name of the answer that is no category: the mail goes to the Junk folder."""


class AccountUnavailableError(Exception):
    """The mail server or the address book cannot be used now; the text says why, for a person."""


class RefusedError(Exception):
    """A request is not allowed or not possible; the text is the reason, for a person."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to a waiting subject: a category, or spam.

    Attributes:
        name: the name of the category, or :data:`SPAM`.
        denies: True if the answer means "no".
        adds_to_inbox: True if the mail goes to the Inbox as well.
    """

    name: str
    denies: bool = False
    adds_to_inbox: bool = False


class Reason(StrEnum):
    """The reason why a subject waits."""

    STRANGER = "stranger"
    FORGED = "forged"
    LIST = "list"
    NAMELESS = "nameless"


class Scope(StrEnum):
    """The senders that an answer to a waiting subject is about."""

    SUBJECT = "subject"
    """The subject of the row: an address, or a mailing list."""
    LIST = "list"
    """The mailing list that the newest mail names."""
    DOMAIN = "domain"
    """Everybody at the domain of the address."""


@dataclass(frozen=True, slots=True)
class WaitingRow:
    """A subject with mail in the Screener.

    Attributes:
        who: the subject; empty if no decision is possible: From names no sender or several.
        reason: the reason why the subject waits.
        name: the display name, or the name of the list; may be empty.
        address: the sender's address, or the posting address of the list; may be empty.
        count: the number of mails that wait.
        since: the time at which the oldest of these mails came.
        newest: the time at which the newest of them came.
        newest_id: the id of the newest mail, which identifies the row.
        subject_line: the subject line of the newest mail; may be empty.
        alias: the user's address that the newest mail was sent to; empty if it is not known.
        scopes: the scopes of an answer besides :attr:`Scope.SUBJECT`, each with the subject that it
            decides on: ``*@loom.example``, ``<dev.lists.example>``.
        preview: the beginning of the newest mail's text; empty unless previews are turned on.
        mail_url: the address of the newest mail in the user's mail app; empty if it is not known.
        data: the subject as ``mailroom waiting --json`` prints it.
    """

    who: str
    reason: Reason
    name: str
    address: str
    count: int
    since: datetime
    newest: datetime
    newest_id: str
    subject_line: str
    alias: str
    scopes: Mapping[Scope, str] = field(default_factory=dict)
    preview: str = ""
    mail_url: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Waiting:
    """The subjects that wait for a decision.

    Attributes:
        rows: the subjects, the one with the newest mail first.
        read_at: the time at which the account was read.
        problem: the reason why the list is old, for a person; empty if it is up to date.
        is_first_use: True if nothing was ever decided in this account.
    """

    rows: tuple[WaitingRow, ...]
    read_at: datetime
    problem: str = ""
    is_first_use: bool = False


@dataclass(frozen=True, slots=True)
class DecidedRow:
    """A decision that holds.

    Attributes:
        who: the subjects that the decision is about; forms send the first subject.
        name: the name on the card; may be empty.
        categories: the names of the categories.
        date: the day of the decision (``2026-02-25``); empty for a decision made by hand.
        time: the time of the decision (``14:03``); may be empty.
        data: the decision as ``mailroom decided --json`` prints it.
    """

    who: tuple[str, ...]
    name: str
    categories: tuple[str, ...]
    date: str
    time: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MailLine:
    """A mail of a subject.

    Attributes:
        id: the id of the mail.
        subject_line: its subject line; may be empty.
        received: the time at which it came.
        mailboxes: the paths of its mailboxes.
        waits: True if it is in the Screener.
        mail_url: its address in the user's mail app; empty if it is not known.
    """

    id: str
    subject_line: str
    received: datetime
    mailboxes: tuple[str, ...]
    waits: bool
    mail_url: str = ""


@dataclass(frozen=True, slots=True)
class SubjectPage:
    """A subject with its contacts, decisions, and mail.

    Attributes:
        who: the subject.
        name: the name on its card, or in its newest mail; may be empty.
        categories: the names of the categories that its new mail would go to.
        explanation: (term, text) pairs, as ``mailroom explain`` prints them: contact, addresses,
            groups, decided, mail, new mail. A term may occur several times.
        mails: its newest mails in the mailboxes that Mailroom manages, the newest first.
        is_decided: True if there is a decision on the subject itself.
    """

    who: str
    name: str
    categories: tuple[str, ...]
    explanation: tuple[tuple[str, str], ...]
    mails: tuple[MailLine, ...]
    is_decided: bool


@dataclass(frozen=True, slots=True)
class SuggestedRow:
    """A category that is proposed for a sender.

    Attributes:
        who: the subject.
        name: the display name of the sender; may be empty.
        category: the name of the proposed category; empty if none is proposed.
        reason: the reason for the proposal, for a person.
        count: the number of the sender's mails in the last year.
        subject_lines: the subject lines of up to two of these mails.
    """

    who: str
    name: str
    category: str
    reason: str
    count: int
    subject_lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Suggestions:
    """The proposals for an account, or the progress of reading the mail for them.

    Attributes:
        rows: the proposals, those for the senders with the most mail first.
        done: the number of mails that were read so far.
        total: the number of mails to read; 0 while it is not known.
        is_complete: True if all mails were read.
    """

    rows: tuple[SuggestedRow, ...]
    done: int
    total: int
    is_complete: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """An answer about one subject.

    Attributes:
        who: the subject, as its row names it.
        answer: the name of a category, or :data:`SPAM`.
        scope: the senders that the answer is about.
        mark_read: True if the waiting mail is to be marked as read.
        mail_id: a mail of the row that the answer is for, because a sender may have two rows, one
            with forged and one with genuine mail; empty: the row with genuine mail.
        is_by_notice: True if the answer comes from a button of a notice. The mail then gets a
            keyword, and no button of the notice decides any more.
    """

    who: str
    answer: str
    scope: Scope = Scope.SUBJECT
    mark_read: bool = False
    mail_id: str = ""
    is_by_notice: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of an answer about one subject, or of an undo.

    Attributes:
        who: the subject that was decided on, after the scope was applied.
        category: the name of the category, or :data:`SPAM`; empty if the mail waits again.
        mails: the number of mails that were filed.
        before: the names of the categories that the subject was in before.
        failure: the reason why nothing was decided, for a person; empty for a success.
        is_pending: True if the label is on the mail, but its pass has not ended yet.
        let_in: the id of a mail that was let into the Inbox without a decision; else empty.
        data: the outcome as ``mailroom decide --json`` prints it, with :attr:`is_pending` added.
    """

    who: str
    category: str
    mails: int = 0
    before: tuple[str, ...] = ()
    failure: str = ""
    is_pending: bool = False
    let_in: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cleared:
    """The waiting mail that a clearing has moved, or would move.

    Attributes:
        mails: the number of mails.
        senders: the number of their senders.
        archive: the path of the mailbox that the mail goes to.
    """

    mails: int
    senders: int
    archive: str
