"""Digest access authentication (RFC 7616), for servers that do not accept Basic.

Basic is sent first, because most servers accept it, and it costs no round trip. If the server's
first challenge is for Digest, and none is for Basic, Digest is sent from then on.
"""

from http import HTTPStatus

from aiohttp import ClientHandlerType, ClientRequest, ClientResponse, DigestAuthMiddleware
from yarl import URL

from mailroom.http.challenges import schemes


class Digest:
    """A middleware of aiohttp that uses aiohttp's Digest once a server has asked for it.

    Args:
        login: user name and password; None if there are none, as with a token.
    """

    def __init__(self, login: tuple[str, str] | None) -> None:
        self._login = login
        self._used_at = dict[URL, DigestAuthMiddleware]()

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """Send a request, with Digest if the server is known to want it."""
        origin = request.url.origin()
        if origin in self._used_at:
            return await self._used_at[origin](request, handler)
        response = await handler(request)
        if self._login is None or response.status != HTTPStatus.UNAUTHORIZED:
            return response
        wanted = [scheme.lower() for scheme in schemes(response.headers)]
        # aiohttp reads the first challenge only.
        if wanted[:1] != ["digest"] or "basic" in wanted:
            return response
        response.release()
        digest = DigestAuthMiddleware(*self._login)
        self._used_at[origin] = digest
        return await digest(request, handler)
