"""``mailroom clear``: waiting mail goes to the archive, and nothing is decided."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from mailroom.account import Account
from mailroom.report import printable
from mailroom.report.bars import ShowProgress
from mailroom.report.common import account_option, counted, local_time
from mailroom.screener.passes.clearing import Clearing
from mailroom.screener.passes.mail_run import RunResult


@dataclass(frozen=True, slots=True)
class Clearance:
    """The waiting mail that was cleared, or would be.

    Attributes:
        cleared: the counts of this mail, and the mail that could not be moved.
        older: the age that was asked for, as written; empty: any age.
        is_applied: True if the mail was cleared.
        undo_label: the label that brings mail back to the Screener.
        account: the name of one of several accounts; else empty.
    """

    cleared: RunResult
    older: str
    is_applied: bool
    undo_label: str
    account: str

    def text(self) -> Iterator[str]:
        """Return lines for a terminal: the mail, and why some of it could not be moved."""
        cleared = self.cleared
        mails, senders = counted(cleared.mails, "mail"), counted(len(cleared.senders), "sender")
        age = f" longer than {self.older}" if self.older else ""
        archive, day = printable(cleared.archive), local_time(cleared.oldest, "%Y-%m-%d")
        if cleared.mails:
            done = f"left the Screener for {archive}" if self.is_applied else f"can go to {archive}"
            yield f"{mails} of {senders}, the oldest of {day}: {done}"
        elif not cleared.failures:
            yield f"No mail has waited{age}." if age else "No mail waits."
        for email_id, reason in cleared.failures.items():
            yield f"FAILED mail {printable(email_id)}: {printable(reason)}"

    def advice(self) -> str:
        """Return the next step for the user; empty if there is none."""
        option = account_option(self.account)
        if not self.cleared.mails:
            return ""
        if not self.is_applied:
            older = f" --older {self.older}" if self.older else ""
            return f"Nothing was changed. To clear it: mailroom clear{older}{option} --apply"
        return (
            "Nothing was decided: the next mail of these senders waits again."
            f"\nTo get a sender's mail back, put {self.undo_label} on one of the mails, or run:"
            f" mailroom undo{option} WHO"
            "\nA decision files the sender's cleared mail too: a label on any mail of the sender,"
            f" or: mailroom decide{option} WHO CATEGORY"
        )

    def data(self) -> dict[str, Any]:
        """Return the same as JSON data."""
        cleared = self.cleared
        return {
            "older": self.older or None,
            "applied": self.is_applied,
            "archive": cleared.archive,
            "mails": cleared.mails,
            "senders": len(cleared.senders),
            "oldest": cleared.oldest or None,
            "failures": cleared.failures,
        }


async def clear(
    account: Account,
    older: str,
    age: timedelta | None,
    show_progress: ShowProgress,
    *,
    apply: bool,
) -> Clearance:
    """Clear the waiting mail that is older than ``age``, or only count it.

    Args:
        account: the account.
        older: the age as the user wrote it; empty: any age.
        age: the same age; None: any age.
        show_progress: called with a label, the number of mails done, and their total.
        apply: True to clear the mail.

    Raises:
        HttpError, JmapError: the server cannot be asked; the rest of the mail still waits.
        MissingError: mailboxes or the archive are missing.
    """
    settings = account.settings
    layout = settings.screener.layout
    clearing = Clearing(await account.mail(), settings.categories, layout)
    work = clearing.run if apply else clearing.survey
    progress_label = "Clearing" if apply else "Reading"
    cleared = await work(age, lambda done, total: show_progress(progress_label, done, total))
    return Clearance(cleared, older, apply, layout.screener_label, settings.name)
