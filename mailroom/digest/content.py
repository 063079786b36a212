"""The content of a digest: the new senders, those before them, and the last decisions. Pure."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from mailroom.jmap.mail import moment_of
from mailroom.screener.overview.decided import DecidedCard
from mailroom.screener.overview.waiting import WaitingSubject, WaitReason

_MOST_DECISIONS: Final = 5
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)
"""The time of mail whose date cannot be read."""


@dataclass(frozen=True, slots=True)
class Window:
    """The span of time that a digest is about.

    A subject is new in the digest if its oldest waiting mail came in this span.

    Attributes:
        after: the moment at which the last digest was due.
        until: the moment at which this digest is due.
    """

    after: datetime
    until: datetime

    def is_new(self, waiting: WaitingSubject) -> bool:
        """Return True if the oldest waiting mail of a subject came in this window."""
        return self.after < (moment_of(waiting.since) or _LONG_AGO) <= self.until

    def has_waited_longer(self, waiting: WaitingSubject) -> bool:
        """Return True if the oldest waiting mail of a subject came before this window."""
        return (moment_of(waiting.since) or _LONG_AGO) <= self.after


@dataclass(frozen=True, slots=True)
class Digest:
    """The content of a digest.

    Attributes:
        people: new subjects that are people, the one with the newest mail first.
        others: further new subjects: mailing lists, newsletters, programs.
        forged: the number of new subjects whose From is forged.
        longer: the number of subjects that already waited when the last digest was due.
        decided: the last decisions, the newest first.
    """

    people: tuple[WaitingSubject, ...]
    others: tuple[WaitingSubject, ...]
    forged: int
    longer: int
    decided: tuple[DecidedCard, ...]

    @property
    def new(self) -> int:
        """The number of new subjects whose From is believed."""
        return len(self.people) + len(self.others)

    @property
    def is_needed(self) -> bool:
        """True if anybody new waits."""
        return self.new > 0


def new_subjects(subjects: Iterable[WaitingSubject], window: Window) -> list[WaitingSubject]:
    """Return the subjects that are new, in the same order."""
    return [waiting for waiting in subjects if window.is_new(waiting)]


def digest_of(
    subjects: Sequence[WaitingSubject],
    window: Window,
    personal: Collection[str],
    decided: Sequence[DecidedCard],
) -> Digest:
    """Return the content of a digest.

    Args:
        subjects: all subjects that wait, the one with the newest mail first.
        window: the time in which new senders came.
        personal: the ids of the newest mails of those subjects that are people.
        decided: the decisions, the newest first; those made by hand are left out.
    """
    new = new_subjects(subjects, window)
    believed = [waiting for waiting in new if waiting.reason is not WaitReason.FORGED]
    return Digest(
        people=tuple(waiting for waiting in believed if waiting.newest_id in personal),
        others=tuple(waiting for waiting in believed if waiting.newest_id not in personal),
        forged=len(new) - len(believed),
        longer=sum(map(window.has_waited_longer, subjects)),
        decided=tuple(decision for decision in decided if decision.date)[:_MOST_DECISIONS],
    )
