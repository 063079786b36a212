"""Detects changes that push should have announced. No I/O."""

from mailroom.jmap.push import PushState, PushStatus


class MissedPushDetector:
    """Compares the state of push at a poll with its state at the end of the last pass."""

    def __init__(self) -> None:
        self._before: PushStatus | None = None

    def pass_succeeded(self, push: PushStatus, *, complete: bool) -> None:
        """Note the state of push after a pass.

        If the pass was not ``complete``, the next pass finds work that needs no announcement.
        """
        self._before = push if complete else None

    def pass_failed(self) -> None:
        """Note that a pass failed; the changes that the next one finds may be announced already."""
        self._before = None

    def has_missed(self, push: PushStatus) -> bool:
        """Return True if push should have announced the change that a poll has just found.

        That is so if push has been connected since the last pass, and nothing was announced.
        """
        before = self._before
        return (
            before is not None
            and push.status is before.status is PushState.CONNECTED
            and (push.reconnects, push.last_event_at) == (before.reconnects, before.last_event_at)
        )
