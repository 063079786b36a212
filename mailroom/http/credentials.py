"""What proves to a server who we are, and where it may be sent."""

import ipaddress
from base64 import b64encode
from dataclasses import dataclass, field
from typing import Self

from yarl import URL


@dataclass(frozen=True, slots=True)
class Credentials:
    """The value of an ``Authorization`` header. It never shows itself."""

    header: str = field(repr=False)

    @classmethod
    def bearer(cls, token: str) -> Self:
        """A token (RFC 6750)."""
        return cls(f"Bearer {token}")

    @classmethod
    def basic(cls, username: str, password: str) -> Self:
        """A user name and a password (RFC 7617), both as UTF-8."""
        return cls("Basic " + b64encode(f"{username}:{password}".encode()).decode("ascii"))


def may_carry_credentials(url: URL) -> bool:
    """Whether a secret may be sent to ``url``: over https, or not leaving this machine."""
    if not url.host:
        return False
    if url.scheme == "https":
        return True
    return url.scheme == "http" and _is_this_machine(url.host)


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
