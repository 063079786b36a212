"""Translates answers and errors of aiohttp into Mailroom's own."""

import aiohttp
from yarl import URL

from mailroom.http.errors import (
    TIMED_OUT,
    AnswerTooLargeError,
    BrokenAnswerError,
    HttpError,
    UnreachableError,
)
from mailroom.http.messages import AnswerReader
from mailroom.os_errors import os_error_text


async def read_whole(response: aiohttp.ClientResponse, max_octets: int) -> bytes:
    """Return the whole body.

    Raises:
        AnswerTooLargeError: the body has more than ``max_octets`` octets, unpacked.
    """
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > max_octets:
            raise AnswerTooLargeError(response.url, max_octets)
        chunks.append(chunk)
    return b"".join(chunks)


async def read_in_pieces(response: aiohttp.ClientResponse, reader: AnswerReader[object]) -> int:
    """Feed the body to a reader until the reader has enough; return the number of octets fed."""
    size = 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if not reader.feed(chunk):
            break
    return size


def translate(error: BaseException, url: URL) -> HttpError:
    """Return the HttpError for an error of aiohttp.

    The text is Mailroom's own, because aiohttp's text may hold a secret.
    """
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return UnreachableError(url, f"the proxy cannot be reached: {_plain(error)}", sent=False)
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return UnreachableError(url, f"the proxy answered {error.status}", sent=False)
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        return UnreachableError(url, _plain(error), sent=False)
    if isinstance(error, aiohttp.ClientPayloadError):
        return UnreachableError(url, "cut off in the middle of the answer", sent=True)
    if isinstance(error, aiohttp.ClientResponseError):
        return BrokenAnswerError(url, "not HTTP")
    return UnreachableError(url, _plain(error), sent=True)


def _plain(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return TIMED_OUT
    if isinstance(error, aiohttp.ClientConnectorError):
        return os_error_text(error.os_error)
    return type(error).__name__
