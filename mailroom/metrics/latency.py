"""Measures the time from an event to the end of its work, over as many passes as that takes. Pure.

A failed pass does not restart the measurement. Work that a pass left undone keeps the time of its
own event, while later events have times of their own.
"""

from collections.abc import Collection


class Latency:
    """Keeps the event times of decisions or mails, by their ids.

    Times are seconds of any clock that never goes back.
    """

    def __init__(self) -> None:
        self._first_event_at: float | None = None
        self._left: dict[str, float] = {}

    def pass_failed(self, event_at: float | None) -> None:
        """Note a pass that did nothing; ``event_at`` is None if no event caused the pass."""
        if self._first_event_at is None:
            self._first_event_at = event_at

    def pass_succeeded(
        self, event_at: float | None, *, done: Collection[str], left: Collection[str]
    ) -> list[float]:
        """Note a pass that finished the ids in ``done`` and left those in ``left`` to the next.

        Returns:
            The time of the event of each finished id; ids without an event are left out.
        """
        since = event_at if self._first_event_at is None else self._first_event_at
        times = {id_: self._left.get(id_, since) for id_ in (*done, *left)}
        known = {id_: time for id_, time in times.items() if time is not None}
        self._first_event_at = None
        self._left = {id_: time for id_, time in known.items() if id_ in left}
        return [time for id_, time in known.items() if id_ in done]
