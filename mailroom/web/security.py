"""Rules for every request and response: the host, the origin of changes, and headers.

The rules keep other sites from using the browser of somebody who is signed in, and keep the page
from loading or sending anything elsewhere.
"""

from ipaddress import ip_address
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler
from yarl import URL

MOST_OCTETS: Final = 64 * 1024
"""The largest number of octets in the body of a request."""
SCRIPT_HEADER: Final = "X-Requested-With"
"""The page's script sends this header with each request. The response is a part of a page."""
_API: Final = "/api/"
_LINK: Final = "/notice/"
_SAFE: Final = frozenset({"GET", "HEAD"})
_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        *(f"{kind}-src 'self'" for kind in ("script", "style", "img", "connect", "manifest")),
        "worker-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types mailroom",
    )
)
_HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # With no-referrer, browsers hide the Origin of forms, too (Fetch, "append a request Origin").
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Server": "Mailroom",  # aiohttp's default lists versions of its software
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


async def add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """Add the headers of every response; the default of ``Cache-Control`` is ``no-store``."""
    for name, value in _HEADERS.items():
        response.headers[name] = value
    response.headers.setdefault("Cache-Control", "no-store")


@web.middleware
class Guard:
    """Refuses requests for other hosts (421), and changes that other sites cause (403).

    A site that lets its name point to this machine (DNS rebinding) has the browser send that name,
    so only the configured name, IP addresses and ``localhost`` are accepted.

    Args:
        url: the address of the page; empty if it is not known.
    """

    def __init__(self, url: str) -> None:
        self._url = URL(url) if url else None

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer a request that may pass.

        Raises:
            HTTPException: the request is refused.
        """
        # Not request.host: without the header, aiohttp looks up the name of this machine.
        host = request.headers.get("Host", "").lower()
        if not self._is_our_host(host):
            raise web.HTTPMisdirectedRequest(
                text="Mailroom does not know its page under this host name; set MAILROOM_WEB_URL to"
                " the address that the browser shows."
            )
        changes = request.method not in _SAFE
        # Programs send a token with each request, and no other site can make a browser send the
        # token. The path of a notice's link is signed, and no other site knows the path.
        has_secret = is_by_program(request) or request.path.startswith(_LINK)
        if changes and not has_secret and not self._is_from_our_page(request, host):
            raise web.HTTPForbidden(text="The request came from another site.")
        return await handler(request)

    def _is_our_host(self, host: str) -> bool:
        if self._url is not None and host == self._url.raw_authority:
            return True
        try:
            url = URL(f"http://{host}")
            if "@" in host or url.raw_authority != host:  # more than a host and a port
                return False
            if url.raw_host == "localhost":
                return True
            ip_address(url.raw_host or "")
        except ValueError:
            return False
        return True

    def _is_from_our_page(self, request: web.Request, host: str) -> bool:
        """Return True if a browser says that our page, or a person, caused the request."""
        site = request.headers.get("Sec-Fetch-Site")
        if site is not None:
            # "none": a person opened the address, and no site caused the request.
            return site in {"same-origin", "none"}
        origin = request.headers.get("Origin", "")
        if self._url is not None and (host == self._url.raw_authority or origin == str(self._url)):
            return origin == str(self._url)
        return origin in {f"{scheme}://{host}" for scheme in ("http", "https")}


def is_by_program(request: web.Request) -> bool:
    """Return True if a request is for the JSON of programs."""
    return request.path.startswith(_API)


def is_by_script(request: web.Request) -> bool:
    """Return True if the page's script has sent a request."""
    return request.headers.get(SCRIPT_HEADER) == "mailroom"
