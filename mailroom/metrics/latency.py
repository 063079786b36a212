"""How long what an event told of has waited, pass after pass until it is done. Pure.

A pass that fails does not begin the wait anew, and what one pass left over goes on waiting from its
own event, while later events count for themselves.
"""

from collections.abc import Collection


class Latency:
    """Follows things (decisions, mails) by their ids. Times are seconds of any steady clock."""

    def __init__(self) -> None:
        self._waiting: float | None = None
        self._left: dict[str, float] = {}

    def failed(self, told_at: float | None) -> None:
        """A pass did nothing; ``told_at`` is when its event came, None if there was none."""
        if self._waiting is None:
            self._waiting = told_at

    def passed(
        self, told_at: float | None, *, done: Collection[str], left: Collection[str]
    ) -> list[float]:
        """A pass did what is ``done`` and left what is ``left`` to the next.

        Returns:
            When the event of each thing that is done came; without those that no event told of.
        """
        since = told_at if self._waiting is None else self._waiting
        known = {each: self._left.get(each, since) for each in (*done, *left)}
        times = {each: at for each, at in known.items() if at is not None}
        self._waiting = None
        self._left = {each: at for each, at in times.items() if each in left}
        return [at for each, at in times.items() if each in done]
