"""Remembers what a server refuses for good, so that it is not asked again every minute.

What is refused is identified by what it depends on (:attr:`Decision.id`: the label and the labelled
mails), so it is another question, and asked at once, when the user changes a label. One refusal
may be a mistake of the moment, so what counts is one that is repeated a moment later. The memory
ends with the process.
"""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

_PAUSE: Final = 3600.0
"""Seconds until the same is tried again: somebody may have made room, or given a right."""
_MOMENT: Final = 1.0
"""Seconds after which a refusal that is repeated counts."""


@dataclass(frozen=True, slots=True)
class _Refusal:
    reason: str
    since: float
    until: float

    @property
    def is_confirmed(self) -> bool:
        return self.until - _PAUSE - self.since >= _MOMENT


class Refusals:
    """What one account's servers have refused for good."""

    def __init__(self) -> None:
        self._refusals: dict[str, _Refusal] = {}

    def note(self, key: str, reason: str) -> None:
        """Remember a refusal, in the server's words."""
        known = self._refusals.get(key)
        since = _now() if known is None else known.since
        self._refusals[key] = _Refusal(reason, since, _now() + _PAUSE)

    def reason(self, key: str) -> str | None:
        """Return why something is not to be tried now; None: it is to be tried."""
        refusal = self._refusals.get(key)
        if refusal is None or not refusal.is_confirmed or refusal.until <= _now():
            return None
        return refusal.reason

    @property
    def lasting(self) -> dict[str, str]:
        """What is not to be tried now, with the server's words."""
        reasons = {key: self.reason(key) for key in self._refusals}
        return {key: reason for key, reason in reasons.items() if reason is not None}

    def forget_expired(self) -> bool:
        """Forget what may be tried again by now; False if there is nothing of the kind."""
        expired = [key for key, refusal in self._refusals.items() if refusal.until <= _now()]
        for key in expired:
            del self._refusals[key]
        return bool(expired)

    def keep_only(self, keys: Collection[str]) -> None:
        """Forget what is not asked for any more; asked for again, it is tried at once."""
        self._refusals = {each: how for each, how in self._refusals.items() if each in keys}


def _now() -> float:
    return asyncio.get_running_loop().time()
