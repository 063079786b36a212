"""The credentials of an account, and the hosts that they may be sent to."""

import ipaddress
from base64 import b64encode
from dataclasses import dataclass, field
from typing import Final, Self

from yarl import URL

from mailroom.http.domains import registrable_domain
from mailroom.http.errors import ForeignHostError, InsecureUrlError

_SCHEMES_OF_HTTP: Final = {"ws": "http", "wss": "https"}


@dataclass(frozen=True, slots=True)
class AllowedHosts:
    """The hosts that credentials may be sent to: one that the user named, and its siblings.

    A sibling has the same registrable domain by the Public Suffix List (``api.example.com`` and
    ``dav.example.com``), and is asked over https only. No server can add hosts: neither by a
    redirect, nor by its session, nor by the address of an address book.

    Attributes:
        home: the address that the user named; None if only this machine is allowed.
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
        host = _host(http)
        is_home = self.home is not None and host == _host(self.home)
        is_allowed_in_the_clear = self.insecure and is_home and http.scheme == "http" and host != ""
        if not may_carry_credentials(http) and not is_allowed_in_the_clear:
            raise InsecureUrlError(url)
        if self.home is None:
            may_send = is_this_machine(host)
        else:
            is_sibling = http.scheme == "https" and are_siblings(host, _host(self.home))
            may_send = is_home or is_sibling
        if not may_send:
            raise ForeignHostError(url, self.home)

    def allows(self, url: URL) -> bool:
        """Return True if :meth:`check` raises nothing for the address."""
        try:
            self.check(url)
        except InsecureUrlError:
            return False
        return True


THIS_MACHINE: Final = AllowedHosts()
"""The only host for credentials for which no server was named."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """The value of an ``Authorization`` header, and the login for Digest. Neither is in the repr.

    Attributes:
        header: the value of the header; empty if none is sent.
        allowed_hosts: the hosts that the header may be sent to.
        login: user name and password; None for a token.
    """

    header: str = field(repr=False)
    allowed_hosts: AllowedHosts = THIS_MACHINE
    login: tuple[str, str] | None = field(default=None, repr=False)

    @classmethod
    def none(cls, allowed_hosts: AllowedHosts) -> Self:
        """Return no credentials: requests go to the allowed hosts without a header."""
        return cls("", allowed_hosts)

    @classmethod
    def bearer(cls, token: str, allowed_hosts: AllowedHosts = THIS_MACHINE) -> Self:
        """Return the credentials of a token (RFC 6750)."""
        return cls(f"Bearer {token}", allowed_hosts)

    @classmethod
    def basic(
        cls, username: str, password: str, allowed_hosts: AllowedHosts = THIS_MACHINE
    ) -> Self:
        """Return the credentials of a user name and a password (RFC 7617), both as UTF-8."""
        encoded = b64encode(f"{username}:{password}".encode()).decode("ascii")
        return cls(f"Basic {encoded}", allowed_hosts, (username, password))


def may_carry_credentials(url: URL) -> bool:
    """Return True if a secret may be sent to ``url``: over https, or not leaving this machine."""
    if not url.host:
        return False
    if url.scheme == "https":
        return True
    return url.scheme == "http" and is_this_machine(url.host)


def are_siblings(host: str, other: str) -> bool:
    """Return True if two hosts have the same registrable domain, or are the same.

    Hosts of one public suffix (``co.uk``, ``github.io``, ``duckdns.org``) belong to different
    people. An IP address has no sibling but itself.
    """
    if host == other:
        return True
    if _is_address(host) or _is_address(other):
        return False
    domain = registrable_domain(host, under_any_suffix=False)
    return domain is not None and domain == registrable_domain(other, under_any_suffix=False)


def _host(url: URL) -> str:
    """Return the host in ASCII (RFC 5890) and in lower case, without the dot of the root."""
    return (url.raw_host or "").lower().rstrip(".")


def is_this_machine(host: str) -> bool:
    """Return True for the name and the addresses of the loopback interface."""
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
