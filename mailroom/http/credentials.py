"""The credentials of an account, and the hosts that they may be sent to."""

import ipaddress
from base64 import b64encode
from dataclasses import dataclass, field
from functools import cache
from typing import Final, Self

from publicsuffixlist import PublicSuffixList
from yarl import URL

from mailroom.http.errors import ForeignHostError, InsecureUrlError

_SCHEMES_OF_HTTP: Final = {"ws": "http", "wss": "https"}


@dataclass(frozen=True, slots=True)
class Reach:
    """The hosts that credentials may be sent to: one that the user named, and its siblings.

    A sibling has the same registrable domain by the Public Suffix List (``api.example.com`` and
    ``dav.example.com``), and is asked over https only. No server can add hosts: neither by a
    redirect, nor by its session, nor by the address of an address book.

    Attributes:
        home: the address that the user named; None for this machine alone.
        insecure: True if the user allows plain http to the host of ``home``.
    """

    home: URL | None = None
    insecure: bool = False

    def check(self, url: URL) -> None:
        """Raise an error unless the credentials may be sent to an HTTP or WebSocket address.

        Raises:
            InsecureUrlError: the address is plain http to another machine, or not HTTP at all.
            ForeignHostError: the address is on a host that the user has not named.
        """
        http = url.with_scheme(_SCHEMES_OF_HTTP[url.scheme]) if url.scheme in {"ws", "wss"} else url
        if not may_carry_credentials(http) and not (self.insecure and self._is_insecure_home(http)):
            raise InsecureUrlError(url)
        if not self._is_home(http):
            raise ForeignHostError(url, self.home)

    def allows(self, url: URL) -> bool:
        """Return True if :meth:`check` raises nothing for the address."""
        try:
            self.check(url)
        except InsecureUrlError:
            return False
        return True

    def _is_insecure_home(self, url: URL) -> bool:
        return url.scheme == "http" and bool(url.host) and self._is_same_host(url)

    def _is_same_host(self, url: URL) -> bool:
        return self.home is not None and _host(url) == _host(self.home)

    def _is_home(self, url: URL) -> bool:
        if self.home is None:
            return _is_this_machine(_host(url))
        return self._is_same_host(url) or (
            url.scheme == "https" and are_siblings(_host(url), _host(self.home))
        )


THIS_MACHINE: Final = Reach()
"""The reach of credentials for which no server was named: this machine only."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """The value of an ``Authorization`` header, and the login for Digest. Neither is in the repr.

    Attributes:
        header: the value of the header.
        reach: the hosts that the header may be sent to.
        login: user name and password; None for a token.
    """

    header: str = field(repr=False)
    reach: Reach = THIS_MACHINE
    login: tuple[str, str] | None = field(default=None, repr=False)

    @classmethod
    def bearer(cls, token: str, reach: Reach = THIS_MACHINE) -> Self:
        """Return the credentials of a token (RFC 6750)."""
        return cls(f"Bearer {token}", reach)

    @classmethod
    def basic(cls, username: str, password: str, reach: Reach = THIS_MACHINE) -> Self:
        """Return the credentials of a user name and a password (RFC 7617), both as UTF-8."""
        encoded = b64encode(f"{username}:{password}".encode()).decode("ascii")
        return cls(f"Basic {encoded}", reach, (username, password))


def may_carry_credentials(url: URL) -> bool:
    """Return True if a secret may be sent to ``url``: over https, or not leaving this machine."""
    if not url.host:
        return False
    if url.scheme == "https":
        return True
    return url.scheme == "http" and _is_this_machine(url.host)


def are_siblings(host: str, other: str) -> bool:
    """Return True if two hosts have the same registrable domain, or are the same.

    Hosts of one public suffix (``co.uk``, ``github.io``, ``duckdns.org``) belong to different
    people. An IP address has no sibling but itself.
    """
    if host == other:
        return True
    if _is_address(host) or _is_address(other):
        return False
    domain = _suffixes().privatesuffix(host)
    return domain is not None and domain == _suffixes().privatesuffix(other)


@cache
def _suffixes() -> PublicSuffixList:
    """Return the Public Suffix List. Reading takes a tenth of a second, so the list is read late.

    ``accept_unknown=False``: under a suffix that nobody registers (``.local``, ``.internal``) the
    list does not say which hosts have the same owner, so each host there has no sibling.
    """
    return PublicSuffixList(accept_unknown=False)


def _host(url: URL) -> str:
    """Return the host in ASCII (RFC 5890) and in lower case, without the dot of the root."""
    return (url.raw_host or "").lower().rstrip(".")


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
