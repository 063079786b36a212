"""Which announced changes are news, and which only repeat what a pass has seen or done. Pure."""

from collections.abc import Mapping

from mailroom.screener.states import StateTrail


class Echo:
    """Weighs the states that push announces against those that passes went through.

    A state that comes while a pass is running may be that pass's own, which is known only at its
    end: so states are collected (:meth:`hear`), and weighed when no pass is running. ``at`` is when
    something happened, in seconds of any steady clock.
    """

    def __init__(self) -> None:
        self._heard: dict[str, float] = {}
        self._known: frozenset[str] = frozenset()
        self._news: list[float] = []

    def hear(self, states: Mapping[str, str] | None, *, at: float) -> None:
        """A change was announced: type -> new state in our account, or None if unreadable.

        Servers announce mail and mailboxes together, and some give a mailbox state that no
        ``Mailbox/get`` ever returns: where there is an Email state, that one decides.
        """
        match states:
            case {"Email": state}:
                self._heard.setdefault(state, at)
            case None | {"Mailbox": _}:
                self._news.append(at)

    def passed(self, trail: StateTrail, *, at: float) -> None:
        """A pass went through to its end."""
        self._known = trail.known
        if trail.was_joined:
            self._news.append(at)

    def take_news(self) -> float | None:
        """When the first came of what no pass has seen, None if nothing did; asked once, known."""
        unseen = [at for state, at in self._heard.items() if state not in self._known]
        first = min([*unseen, *self._news], default=None)
        self._heard.clear()
        self._news.clear()
        return first
