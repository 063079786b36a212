"""Which announced changes are news, and which only repeat what a pass has seen or done. Pure."""

from collections.abc import Mapping
from typing import Final

from mailroom.jmap.push import PushState, PushStatus
from mailroom.screener.passes.states import StateTrail

_MOST_STATES: Final = 1000
"""So many are weighed at the end of a pass. It goes through far fewer, so of more one is news."""


class Echo:
    """Weighs the states that push announces against those that passes went through.

    A state that comes while a pass is running may be that pass's own, which is known only at its
    end: so states are collected (:meth:`hear`), and weighed when no pass is running. ``at`` is when
    something happened, in seconds of any steady clock.
    """

    def __init__(self) -> None:
        self._heard: dict[str, float] = {}
        self._known: frozenset[str] = frozenset()
        self._news: float | None = None

    def hear(self, states: Mapping[str, str] | None, *, at: float) -> None:
        """A change was announced: type -> new state in our account, or None if unreadable.

        Servers announce mail and mailboxes together, and some give a mailbox state that no
        ``Mailbox/get`` ever returns: where there is an Email state, that one decides.
        """
        match states:
            case {"Email": state} if len(self._heard) < _MOST_STATES:
                self._heard.setdefault(state, at)
            case None | {"Email": _} | {"Mailbox": _}:
                self._note(at)

    def _note(self, at: float) -> None:
        if self._news is None:
            self._news = at

    def passed(self, trail: StateTrail, *, at: float) -> None:
        """A pass went through to its end."""
        self._known = trail.known
        if trail.was_disturbed:
            self._note(at)

    def take_news(self) -> float | None:
        """When the first came of what no pass has seen, None if nothing did; asked once, known."""
        unseen = [at for state, at in self._heard.items() if state not in self._known]
        if self._news is not None:
            unseen.append(self._news)
        self._heard.clear()
        self._news = None
        return min(unseen, default=None)


class Attention:
    """Tells whether push has been listening, and has heard nothing, since all was well last."""

    def __init__(self) -> None:
        self._before: PushStatus | None = None

    def passed(self, push: PushStatus, *, complete: bool) -> None:
        """A pass went through; after one that is not ``complete`` something is known to be left."""
        self._before = push if complete else None

    def failed(self) -> None:
        """A pass failed; what the next one finds may have been announced before it."""
        self._before = None

    def is_deaf(self, push: PushStatus) -> bool:
        """Whether push should have told of what a poll has just found.

        Not if it stands only since the last pass, or is telling of it just now.
        """
        before = self._before
        return (
            before is not None
            and push.status is before.status is PushState.CONNECTED
            and (push.reconnects, push.last_event_at) == (before.reconnects, before.last_event_at)
        )
