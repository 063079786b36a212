"""Delays that grow with each failed attempt to sign in to an account from a network. No I/O."""

from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

_FREE: Final = 3
"""The number of failed attempts without a delay, because people mistype."""
_LONGEST: Final = 300.0
"""The longest delay in seconds. Longer delays would lock out a person who forgot the password."""
_MOST: Final = 4096
"""The largest number of remembered pairs of network and account. The pair without a failure for the
longest time is forgotten first."""
_IPV6_PREFIX: Final = 64
"""A provider's customer may use any address behind a prefix of this length."""


class Throttle:
    """Counts failed attempts.

    Args:
        now: returns the seconds of a monotonic clock.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._failures = OrderedDict[tuple[str, str], tuple[int, float]]()

    def remaining_delay(self, address: str, account: str) -> float:
        """Return the seconds until an address may try again for an account; 0 if it may try now."""
        count, last = self._failures.get((_network(address), account), (0, 0.0))
        if count < _FREE:
            return 0.0
        delay = min(_LONGEST, 2.0 ** min(count - _FREE, 16))
        return max(0.0, last + delay - self._now())

    def failed(self, address: str, account: str) -> int:
        """Count a failed attempt; return the number of failures of the address for the account."""
        key = _network(address), account
        count = self._failures.pop(key, (0, 0.0))[0] + 1
        self._failures[key] = count, self._now()
        while len(self._failures) > _MOST:
            self._failures.popitem(last=False)
        return count

    def succeeded(self, address: str, account: str) -> None:
        """Forget the failures of an address for an account."""
        self._failures.pop((_network(address), account), None)


def _network(address: str) -> str:
    """Return the network from which one person can choose addresses."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ip_network((parsed, _IPV6_PREFIX), strict=False))
