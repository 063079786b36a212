"""The servers behind a proxy: one, or one for mail and another for contacts."""

import re
from dataclasses import dataclass
from typing import Final

from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

_FRAMING: Final = frozenset(
    {"connection", "content-length", "host", "keep-alive", "transfer-encoding"}
)
_MAIL_PATH: Final = re.compile(r"/(jmap|eventSource|\.well-known/jmap)")


@dataclass(frozen=True)
class Upstream:
    """The servers behind a proxy.

    Attributes:
        server: URL of the mail server.
        dav_server: URL of the server for contacts.
    """

    server: str
    dav_server: str

    def url(self, path: str) -> URL:
        """Return the URL of a request's resource."""
        server = self.server if _MAIL_PATH.match(path) else self.dav_server
        return URL(str(URL(server).origin()) + path, encoded=True)

    def headers(self, headers: CIMultiDict[str], proxy: str) -> CIMultiDict[str]:
        """Return the header fields to forward: without framing, with the proxy's URL for James."""
        carried = unframed(headers)
        carried["X-JMAP-PREFIX"] = proxy
        carried["X-JMAP-WEBSOCKET-PREFIX"] = proxy.replace("http", "ws", 1)
        return carried


def unframed(headers: CIMultiDictProxy[str] | CIMultiDict[str]) -> CIMultiDict[str]:
    """The header fields but those that frame a message."""
    return CIMultiDict(
        (name, value) for name, value in headers.items() if name.lower() not in _FRAMING
    )
