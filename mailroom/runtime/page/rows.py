"""Turn values of the screener and of the commands into values of the page. Pure."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

from mailroom.admin import decide as admin
from mailroom.admin.decided import decided_data
from mailroom.admin.suggest import Suggestions as Proposed
from mailroom.admin.waiting import waiting_data
from mailroom.jmap.mail import Email, moment_of
from mailroom.screener.model.places import Directory
from mailroom.screener.model.subject import Kind, Subject
from mailroom.screener.overview import waiting as overview
from mailroom.screener.overview.decided import DecidedCard
from mailroom.web.model import (
    DecidedRow,
    MailLine,
    Outcome,
    Reason,
    Scope,
    SuggestedRow,
    WaitingRow,
)

_NO_TIME: Final = datetime.fromtimestamp(0, UTC)


def waiting_row(waiting: overview.WaitingSubject, mail_url: str) -> WaitingRow:
    """Return the row of a waiting subject; ``mail_url``: see :func:`link_of`."""
    return WaitingRow(
        who="" if waiting.subject is None else str(waiting.subject),
        reason=Reason[waiting.reason.name],
        name=waiting.name,
        address=waiting.address,
        count=waiting.count,
        since=time_of(waiting.since),
        newest=time_of(waiting.newest_at),
        newest_id=waiting.newest_id,
        subject_line=waiting.subject_line,
        alias=waiting.alias,
        scopes={scope: str(subject) for scope, subject in scopes_of(waiting).items()},
        preview=waiting.preview,
        mail_url=link_of(
            mail_url, waiting.newest_id, thread_id=waiting.thread_id, message_id=waiting.message_id
        ),
        data=waiting_data(waiting),
    )


def scopes_of(waiting: overview.WaitingSubject) -> Mapping[Scope, Subject]:
    """Return the subjects that an answer may be about instead of the waiting subject itself."""
    scopes = dict[Scope, Subject]()
    if waiting.subject is not None and waiting.subject.kind is Kind.ADDRESS:
        if waiting.list_id:
            scopes[Scope.LIST] = Subject.of_list(waiting.list_id)
        if waiting.domain:
            scopes[Scope.DOMAIN] = Subject.parse(f"*@{waiting.domain}")
    return scopes


def decided_row(decided: DecidedCard) -> DecidedRow:
    """Return the row of a decision."""
    return DecidedRow(
        who=tuple(map(str, decided.subjects)),
        name=decided.name,
        categories=decided.categories,
        date=decided.date.isoformat() if decided.date else "",
        time=f"{decided.time:%H:%M}" if decided.time else "",
        data=decided_data(decided),
    )


def mail_lines(
    emails: Iterable[Email], directory: Directory, screener: str | None, mail_url: str
) -> tuple[MailLine, ...]:
    """Return the lines of mails, the newest first; ``mail_url``: see :func:`link_of`."""
    newest_first = sorted(emails, key=lambda email: email.received_at, reverse=True)
    return tuple(
        MailLine(
            id=email.id,
            subject_line=email.subject,
            received=time_of(email.received_at),
            mailboxes=tuple(sorted(map(directory.path, email.mailbox_ids))),
            waits=screener in email.mailbox_ids,
            mail_url=link_of(
                mail_url, email.id, thread_id=email.thread_id, message_id=email.message_id
            ),
        )
        for email in newest_first
    )


def suggested_rows(proposed: Proposed) -> tuple[SuggestedRow, ...]:
    """Return the rows of proposals; the senders without a proposal come last."""
    made = [
        (
            proposal.signals,
            proposal.category.name,
            f"{proposal.guess.kind}: {proposal.guess.reason}",
        )
        for proposal in proposed.made
    ]
    unclear = [(signals, "", "no suggestion") for signals in proposed.proposals.unclear]
    return tuple(
        SuggestedRow(
            who=str(signals.subject),
            name=signals.name,
            category=category,
            reason=reason,
            count=signals.mails,
            subject_lines=tuple(signals.subject_lines),
        )
        for signals, category, reason in (*made, *unclear)
    )


def outcome_of(outcome: admin.Outcome, *, is_pending: bool = False) -> Outcome:
    """Return the outcome of a decision for the page."""
    return Outcome(
        who=str(outcome.subject),
        category="" if outcome.answer is None else admin.name_of(outcome.answer),
        mails=outcome.mails,
        before=outcome.before,
        failure=outcome.failure,
        is_pending=is_pending,
        data={**outcome.data(), "pending": is_pending},
    )


def time_of(utc_date: str) -> datetime:
    """Return a UTCDate as a time with a time zone; the year 1970 if it cannot be read."""
    return moment_of(utc_date) or _NO_TIME


def link_of(template: str, email_id: str, *, thread_id: str, message_id: str) -> str:
    """Return the address of a mail in the user's mail app; empty if there is no template.

    Args:
        template: the setting ``mail_url`` with ``{id}``, ``{thread_id}`` or ``{message_id}`` in it.
        email_id: the id of the mail.
        thread_id: the id of its thread.
        message_id: its Message-ID, which a stranger wrote.
    """
    values = {"{id}": email_id, "{thread_id}": thread_id, "{message_id}": message_id}
    if not all(value for name, value in values.items() if name in template):
        return ""
    for name, value in values.items():
        template = template.replace(name, quote(value, safe=""))
    return template
