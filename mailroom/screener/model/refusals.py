"""Lasting refusals of a server, remembered so that the same change is not tried every minute.

The key of a refusal is the id of a new mail, the id of a decision, or the key of a change of a
mail's labels. The last two follow from the labels on mail. So if the user changes a label, the key
changes, and the new change is tried at once. A refusal counts only if the server repeats it a
moment later, because a single refusal may be a passing fault. Refusals are forgotten when the
process ends.
"""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

_LASTING_PAUSE: Final = 3600.0
"""Seconds until a change is tried again: somebody may have made room, or granted a right."""
_CONFIRMED_AFTER: Final = 1.0
"""Seconds from the first refusal of a change after which another refusal confirms it."""


@dataclass(frozen=True, slots=True)
class _Refusal:
    reason: str
    first_at: float
    last_at: float

    @property
    def is_confirmed(self) -> bool:
        return self.last_at - self.first_at >= _CONFIRMED_AFTER

    @property
    def is_expired(self) -> bool:
        return self.last_at + _LASTING_PAUSE <= _now()


class Refusals:
    """The lasting refusals of one account's servers."""

    def __init__(self) -> None:
        self._refusals: dict[str, _Refusal] = {}

    def note(self, key: str, reason: str) -> None:
        """Remember a refusal, in the server's words."""
        known = self._refusals.get(key)
        first_at = _now() if known is None else known.first_at
        self._refusals[key] = _Refusal(reason, first_at, last_at=_now())

    def reason(self, key: str) -> str | None:
        """Return why a change is not to be tried now; None if it is to be tried."""
        refusal = self._refusals.get(key)
        if refusal is None or refusal.is_expired or not refusal.is_confirmed:
            return None
        return refusal.reason

    @property
    def lasting(self) -> dict[str, str]:
        """The keys of the changes that are not to be tried now, with the server's words."""
        reasons = {key: self.reason(key) for key in self._refusals}
        return {key: reason for key, reason in reasons.items() if reason is not None}

    def forget_expired(self) -> bool:
        """Forget the refusals whose pause is over; return False if no pause is over."""
        expired = [key for key, refusal in self._refusals.items() if refusal.is_expired]
        for key in expired:
            del self._refusals[key]
        return bool(expired)

    def keep_only(self, keys: Collection[str]) -> None:
        """Forget all refusals but those of ``keys``, which are the changes still wanted."""
        self._refusals = {key: refusal for key, refusal in self._refusals.items() if key in keys}


def _now() -> float:
    return asyncio.get_running_loop().time()
