"""The pool of connections of a client."""

import ssl

import aiohttp

from mailroom.http.tls import tls_context


def tls_for(ca_file: str) -> ssl.SSLContext | None:
    """Return the TLS context for :func:`open_session`; ``ca_file`` is as for :func:`tls_context`.

    The result is None without a file: aiohttp has a context with the system's CAs in any case, and
    another context takes nearly a megabyte.
    """
    return tls_context(ca_file) if ca_file else None


def open_session(tls: ssl.SSLContext | None) -> aiohttp.ClientSession:
    """Return a session with its own connections, and without cookies.

    With cookies, a server could take one client's request for that of another client.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=tls or True), cookie_jar=aiohttp.DummyCookieJar()
    )
