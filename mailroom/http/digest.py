"""Digest access authentication (RFC 7616), for servers that do not accept Basic.

Basic is sent first, because most servers accept it, and it costs no round trip. A server that
answers with a challenge for Digest and none for Basic is sent Digest from then on.
"""

from typing import Final

from aiohttp import ClientHandlerType, ClientRequest, ClientResponse, DigestAuthMiddleware
from yarl import URL

from mailroom.http.challenges import schemes

_REFUSED: Final = 401


class Digest:
    """A middleware of aiohttp that uses aiohttp's Digest once a server has asked for it.

    Args:
        login: user name and password; None if there are none, as with a token.
    """

    def __init__(self, login: tuple[str, str] | None) -> None:
        self._login = login
        self._spoken_at = dict[URL, DigestAuthMiddleware]()

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """Send a request, with Digest if the server is known to want it."""
        origin = request.url.origin()
        if origin in self._spoken_at:
            return await self._spoken_at[origin](request, handler)
        response = await handler(request)
        if self._login is None or not _wants_digest(response):
            return response
        response.release()
        speaker = DigestAuthMiddleware(*self._login)
        self._spoken_at[origin] = speaker
        return await speaker(request, handler)


def _wants_digest(response: ClientResponse) -> bool:
    if response.status != _REFUSED:
        return False
    wanted = [scheme.lower() for scheme in schemes(response.headers)]
    return wanted[:1] == ["digest"] and "basic" not in wanted
