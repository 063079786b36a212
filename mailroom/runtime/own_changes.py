"""Tells Mailroom's own changes from other people's, by the states that push announces. No I/O."""

from collections.abc import Mapping
from typing import Final

from mailroom.screener.passes.states import StateTrail

_MOST_STATES: Final = 1000
"""The most states kept while a pass runs. A pass goes through far fewer, so beyond this number some
are of somebody else's changes."""


class OwnChanges:
    """Compares the states that push announces with those that passes went through.

    A state that is announced while a pass runs may be the pass's own, and the states of a pass are
    known only at its end. So announced states are collected (:meth:`announced`), and compared when
    no pass is running (:meth:`take_news`). Times are seconds of any steady clock.
    """

    def __init__(self) -> None:
        self._announced: dict[str, float] = {}
        self._known: frozenset[str] = frozenset()
        self._news_at: float | None = None

    def announced(self, states: Mapping[str, str] | None, *, at: float) -> None:
        """Note an announced change.

        Servers announce mail and mailboxes together, and some send a mailbox state that no
        ``Mailbox/get`` ever returns. So if there is an Email state, that one decides.

        Args:
            states: type -> new state in our account; None if the announcement is unreadable.
            at: the time of the announcement.
        """
        match states:
            # A state beyond the limit is not kept for comparison, and counts as news at once.
            case {"Email": state} if len(self._announced) < _MOST_STATES:
                self._announced.setdefault(state, at)
            case None | {"Email": _} | {"Mailbox": _}:
                self._note_news(at)

    def pass_succeeded(self, trail: StateTrail, *, at: float) -> None:
        """Note the states of a pass that succeeded at a time."""
        self._known = trail.known
        # Somebody else changed mail during the pass, maybe after the pass had read it.
        if trail.was_disturbed:
            self._note_news(at)

    def _note_news(self, at: float) -> None:
        if self._news_at is None:
            self._news_at = at

    def has_news_after(self, state: str) -> bool:
        """Return True if the server announced a change after a state in which mail was read.

        Call this while a pass runs that has written nothing yet. If it returns True, the pass reads
        again. Either way the pass knows all changes announced so far, and they are no news later.
        """
        announced = [*self._announced]
        # Servers announce states in their order, so the mail shows the changes up to its state.
        later = announced[announced.index(state) + 1 :] if state in self._announced else announced
        has_news = self._news_at is not None or any(state not in self._known for state in later)
        self._announced.clear()
        self._news_at = None
        return has_news

    def take_news(self) -> float | None:
        """Return the time of the first change that no pass has seen; None if there is none.

        A change is returned once: the caller requests a pass for it.
        """
        unseen = [at for state, at in self._announced.items() if state not in self._known]
        if self._news_at is not None:
            unseen.append(self._news_at)
        self._announced.clear()
        self._news_at = None
        return min(unseen, default=None)
