"""Requests to the page's server over a real connection, as a browser or an attacker sends them."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from mailroom.web import context
from mailroom.web.app import make_app
from mailroom.web.authentication import COOKIE
from mailroom.web.options import Access, PageOptions
from mailroom.web.render import render as real_render

SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}
SCRIPT = {**SAME_ORIGIN, "X-Requested-With": "mailroom"}
OPEN = PageOptions(open_to_all=True)
PASSWORD = "correct horse battery"


@dataclass
class Visitor:
    """A browser that follows no redirects.

    Attributes:
        client: the client of the server.
        cookie: the value of the cookie that is sent; empty: none.
        rendered: the templates that were rendered, each with its values.
    """

    client: TestClient[Any, Any]
    rendered: list[tuple[str, dict[str, Any]]]
    cookie: str = field(default="", repr=False)

    @property
    def shown(self) -> dict[str, Any]:
        """The values of the template that was rendered last, with its name as ``template``."""
        template, values = self.rendered[-1]
        return {"template": template, **values}

    async def get(self, path: str, **headers: str) -> ClientResponse:
        """Send a GET; ``path`` is sent as it is."""
        return await self.request("GET", path, headers=named(headers))

    async def post(
        self, path: str, data: Any = None, headers: Mapping[str, str] = SAME_ORIGIN, **kwargs: Any
    ) -> ClientResponse:
        """Send a form as a page of ours does."""
        return await self.request("POST", path, data=data or {}, headers=headers, **kwargs)

    async def request(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **kwargs: Any
    ) -> ClientResponse:
        """Send a request, and read its whole answer."""
        cookie = {"Cookie": f"{COOKIE}={self.cookie}"} if self.cookie else {}
        response = await self.client.request(
            method,
            URL(path, encoded=True),
            headers={**cookie, **(headers or {})},
            allow_redirects=False,
            **kwargs,
        )
        await response.read()
        return response

    async def sign_in(self, password: str = PASSWORD, account: str = "") -> ClientResponse:
        """Send the form of the sign-in, and keep the cookie."""
        response = await self.post("/sign-in", {"password": password, "account": account})
        if morsel := response.cookies.get(COOKIE):
            self.cookie = morsel.value
        return response


def named(headers: Mapping[str, str]) -> dict[str, str]:
    """Return headers by their names, from names of variables."""
    return {name.replace("_", "-"): value for name, value in headers.items()}


@asynccontextmanager
async def visiting(*accesses: Access, options: PageOptions = OPEN) -> AsyncIterator[Visitor]:
    """Serve the page of accounts, and yield a browser for it."""
    rendered = list[tuple[str, dict[str, Any]]]()

    def render(template: str, **values: Any) -> str:
        rendered.append((template, values))
        return real_render(template, **values)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(context, "render", render)
        async with TestClient(TestServer(make_app(accesses, options))) as client:
            yield Visitor(client, rendered)


async def raw(visitor: Visitor, request: bytes) -> bytes:
    """Send octets that no proper client sends, and return the whole response."""
    reader, writer = await asyncio.open_connection("127.0.0.1", visitor.client.port)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer
