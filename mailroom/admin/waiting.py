"""``mailroom waiting``: the subjects that wait for a decision. Reads only."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mailroom.account import Account
from mailroom.report import printable
from mailroom.report.common import counted, local_time
from mailroom.screener.overview.waiting import WaitingSubject, WaitReason, read_waiting


@dataclass(frozen=True, slots=True)
class Waiting:
    """The subjects that wait for a decision, newest first."""

    subjects: tuple[WaitingSubject, ...]

    def text(self) -> Iterator[str]:
        """Return the subjects in lines for a terminal."""
        if not self.subjects:
            yield "Nobody waits for a decision."
        for waiting in self.subjects:
            name = printable(waiting.name)
            # A list is shown by its List-Id, because a decision on a list names the List-Id.
            who = str(waiting.subject) if waiting.reason is WaitReason.LIST else waiting.address
            who = f"<{printable(who.strip('<>'))}>" if who else ""
            yield " ".join(part for part in (name, who) if part) or "(no name)"
            mails = counted(waiting.count, "mail")
            since = local_time(waiting.since, "%Y-%m-%d %H:%M")
            to = f", to {printable(waiting.alias)}" if waiting.alias else ""
            yield f"  {waiting.reason.value}, {mails} since {since}{to}"
            yield f"  {printable(waiting.subject_line) or '(no subject line)'}"

    def data(self) -> dict[str, Any]:
        """Return the subjects as JSON data."""
        return {"waiting": [waiting_data(waiting) for waiting in self.subjects]}


async def find_waiting(account: Account) -> Waiting:
    """Find the subjects that wait for a decision.

    Raises:
        HttpError, JmapError: the server cannot be asked.
        MissingError: the account lacks mailboxes.
    """
    settings = account.settings
    layout = settings.screener.layout
    waiting = await read_waiting(await account.mail(), settings.categories, layout)
    return Waiting(waiting.subjects)


def waiting_data(waiting: WaitingSubject) -> dict[str, Any]:
    """Return a waiting subject as JSON data."""
    subject = waiting.subject
    return {
        "who": None if subject is None else str(subject),
        "kind": None if subject is None else subject.kind.value,
        "reason": waiting.reason.name.lower(),
        "name": waiting.name,
        "address": waiting.address,
        "mails": waiting.count,
        "since": waiting.since,
        "newest": {
            "id": waiting.newest_id,
            "received": waiting.newest_at,
            "subject": waiting.subject_line,
            "to": waiting.alias,
        },
    }
