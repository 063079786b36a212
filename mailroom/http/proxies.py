"""The way to a server: direct, or through a proxy.

A proxy never changes which hosts the credentials may be sent to. aiohttp's ``trust_env`` is not
used, because it reads ``.netrc`` as well.
"""

import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from yarl import URL

from mailroom.http.credentials import is_this_machine

_SCHEMES: Final = {"ws": "http", "wss": "https"}
_SUPPORTED: Final = frozenset({"http", "https"})


@dataclass(frozen=True, slots=True)
class Proxies:
    """The proxies, by the scheme of the URL that is asked.

    Attributes:
        by_scheme: the proxies under ``https`` and ``http``, and under ``no`` the hosts that are
            asked directly; the values are written as in the environment variables.
    """

    by_scheme: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def configured(cls, proxy: str) -> Self:
        """Return the configured proxy for all URLs; if it is empty, the environment's proxies.

        The variables are ``HTTPS_PROXY``, ``HTTP_PROXY`` and ``NO_PROXY``, in capitals or not.
        """
        environment = urllib.request.getproxies_environment()
        if not proxy:
            return cls(environment)
        return cls({"https": proxy, "http": proxy, "no": environment.get("no", "")})

    def for_url(self, url: URL) -> URL | None:
        """Return the proxy for a URL of HTTP or of a WebSocket; None to connect directly.

        Servers on this machine are always asked directly.
        """
        proxy = self.by_scheme.get(_SCHEMES.get(url.scheme, url.scheme), "")
        host = url.raw_host or ""
        if not proxy or is_this_machine(host) or host.endswith(".localhost"):
            return None
        authority = f"{host}:{url.port}" if url.port else host
        direct = {"no": self.by_scheme.get("no", "")}
        if urllib.request.proxy_bypass_environment(authority, direct):  # type: ignore[attr-defined]
            return None
        proxy_url = URL(proxy if "://" in proxy else f"http://{proxy}")
        return proxy_url if proxy_url.scheme in _SUPPORTED else None

    def secrets(self) -> frozenset[str]:
        """Return the passwords in the addresses of the proxies, both decoded and as written."""
        urls = [URL(text) for text in self.by_scheme.values() if "@" in text and "://" in text]
        passwords = [password for url in urls for password in (url.password, url.raw_password)]
        return frozenset(password for password in passwords if password)


NO_PROXIES: Final = Proxies()
"""A direct connection to every server."""
