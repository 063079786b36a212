"""The comparison of hrefs in different spellings. Pure.

A server may write an href as an absolute URL or as a path, and may encode its characters in several
ways (RFC 3986 section 6.2.2). Some servers change the spelling from one answer to the next.
"""

import re
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from yarl import URL

from mailroom.contacts.model import AddressBookError
from mailroom.http import AllowedHosts, BrokenAnswerError

REPLACEMENT: Final = "\ufffd"
"""Replaces characters that XML cannot carry. A text with it may differ from the server's text."""

_URL_CHARACTERS: Final = "%/:?#[]@!$&'()*+,;=~"
_SEGMENT_CHARACTERS: Final = "!$&'()*+,;=:@~"
"""Characters of a segment that need no encoding, beside letters, digits, ``-._`` (section 3.3)."""
_SLASHES: Final = re.compile("/{2,}")
_COMPARABLE: Final = re.compile("(?:/[A-Za-z0-9._~!$&'()*+,;=:@-]+)+")
"""A path that is in the spelling for comparisons already, as most are."""


class Paths:
    """Remembers a spelling in which the server wrote each path.

    Requests use the server's spelling. The rest of the code uses the spelling of :func:`path_key`.
    """

    def __init__(self) -> None:
        self._spelled: dict[str, str] = {}

    def key(self, raw_path: str) -> str:
        """Return a path in the spelling of :func:`path_key`, and remember the server's."""
        key = path_key(raw_path)
        if raw_path != key:
            self._spelled[key] = raw_path
        return key

    def spelled(self, key: str) -> str:
        """Return a path in a spelling that the server has used."""
        return self._spelled.get(key, key)


def path_key(raw_path: str) -> str:
    """Return the spelling in which encoded paths are compared.

    Each segment is encoded in one way. Repeated slashes count as one, and a slash at the end does
    not count. An encoded slash (``%2F``) is a part of its segment.
    """
    if _COMPARABLE.fullmatch(raw_path):
        return raw_path
    segments = _SLASHES.sub("/", raw_path).rstrip("/").split("/")
    return "/".join(
        quote(unquote_to_bytes(segment), safe=_SEGMENT_CHARACTERS) for segment in segments
    )


def resolve(base: URL, href: str) -> URL:
    """Return the URL of an href that a server sent.

    An href with another scheme or port of the same host means the path at the origin of ``base``,
    because a server behind a proxy may not know its public URL. Another host is followed if
    credentials may be sent there: iCloud keeps the address books of ``contacts.icloud.com`` on
    ``p42-contacts.icloud.com``.

    Raises:
        BrokenAnswerError: the href is not a URL.
        AddressBookError: the href names another host, and credentials must not be sent there.
    """
    if REPLACEMENT in href:
        raise BrokenAnswerError(base, "a resource without a usable address")
    if _COMPARABLE.fullmatch(href) and "/." not in href:
        return at_path(base, href)
    try:
        url = base.join(URL(quote(href.strip(), safe=_URL_CHARACTERS), encoded=True))
        same_host = url.scheme in {"http", "https"} and _host(url) == _host(base)
        is_sibling = not same_host and AllowedHosts(base).allows(url)
    except ValueError:
        raise BrokenAnswerError(base, "a resource without a usable address") from None
    if is_sibling:
        return url
    if not same_host:
        raise AddressBookError(
            f"{base.origin()} points to {url.with_query(None)}, which is another server."
            " Credentials are not sent there. If it is yours, set the CardDAV URL to it"
        )
    return at_path(base, url.raw_path)


def at_path(base: URL, path: str) -> URL:
    """Return the URL of an encoded path at the origin of ``base``.

    In ``//x``, too, ``x`` is a part of the path, and not a host.
    """
    return base.origin().with_path(path, encoded=True)


def _host(url: URL) -> str:
    """Return the host for comparisons: in ASCII (yarl encodes it) and without a final dot."""
    raw = URL.build(scheme="http", host=url.host or "").raw_host if url.host else ""
    return (raw or "").lower().rstrip(".")
