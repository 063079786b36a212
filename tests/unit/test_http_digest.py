"""Digest access authentication, against a server that really checks it (RFC 7616)."""

import hashlib
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from structlog.testing import capture_logs
from yarl import URL

from mailroom.http import Credentials, CredentialsRefusedError, HttpClient
from tests.support.scripted.http import http_client

USER, PASSWORD = "ann", "pass, word: \u20ac"
REALM = "BaikalDAV"


@dataclass
class DigestServer:
    """Lets in who knows the password, and never sees it."""

    algorithm: str = "MD5"
    qop: str = "auth"
    with_basic: bool = False
    nonces: set[str] = field(default_factory=set)
    used: set[tuple[str, str]] = field(default_factory=set)
    seen: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    url: URL = field(default_factory=URL)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["DigestServer"]:
        app = web.Application()
        app.router.add_get("/moved", self._moved)
        app.router.add_route("*", "/{path:.*}", self._handle)
        async with TestServer(app) as server:
            self.url = server.make_url("/dav/caf%C3%A9/?x=a%2Cb")
            yield self

    async def _moved(self, _: web.Request) -> web.Response:
        raise web.HTTPMovedPermanently("/dav/there/")

    async def _handle(self, request: web.Request) -> web.Response:
        header = request.headers.get("Authorization", "")
        self.seen.append(header.partition(" ")[0])
        body = await request.read()
        if header.startswith("Digest ") and self._is_right(header, request, body):
            self.bodies.append(body)
            return web.Response(text="let in")
        nonce = secrets.token_hex(8)
        self.nonces.add(nonce)
        challenge = (
            f'Digest realm="{REALM}", nonce="{nonce}", qop="{self.qop}", opaque="o",'
            f" algorithm={self.algorithm}"
        )
        response = web.Response(status=401, text="who are you?")
        response.headers.add("WWW-Authenticate", challenge)
        if self.with_basic:
            response.headers.add("WWW-Authenticate", f'Basic realm="{REALM}"')
        return response

    def _is_right(self, header: str, request: web.Request, body: bytes) -> bool:
        pairs = re.findall(r'(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))', header)
        said = {name: quoted or bare for name, quoted, bare in pairs}

        def hashed(text: str | bytes) -> str:
            data = text if isinstance(text, bytes) else text.encode()
            name = {"MD5": "md5", "SHA-256": "sha256"}[self.algorithm]
            return hashlib.new(name, data).hexdigest()

        a2 = f"{request.method}:{request.raw_path}"
        if said["qop"] == "auth-int":
            a2 += f":{hashed(body)}"
        known = hashed(f"{USER}:{REALM}:{PASSWORD}")
        rest = f"{said['nonce']}:{said['nc']}:{said['cnonce']}:{said['qop']}:{hashed(a2)}"
        is_new = (said["nonce"], said["nc"]) not in self.used
        self.used.add((said["nonce"], said["nc"]))
        return (
            is_new
            and said["nonce"] in self.nonces
            and said["uri"] == request.raw_path
            and said["response"] == hashed(f"{known}:{rest}")
        )


@asynccontextmanager
async def client(password: str = PASSWORD) -> AsyncIterator[HttpClient]:
    async with http_client(credentials=Credentials.basic(USER, password)) as http:
        yield http


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
@pytest.mark.parametrize("qop", ["auth", "auth-int"])
async def test_a_server_that_speaks_digest_alone_lets_us_in(algorithm: str, qop: str) -> None:
    async with DigestServer(algorithm, qop).running() as server, client() as http:
        for _ in range(3):
            answer = await http.request("PROPFIND", server.url, data=b"<propfind/>")
            assert answer.body == b"let in"
    assert server.bodies == [b"<propfind/>"] * 3
    assert server.seen[-3:] == ["Digest"] * 3


async def test_a_nonce_that_is_stale_is_replaced() -> None:
    async with DigestServer().running() as server, client() as http:
        await http.request("GET", server.url)
        server.nonces.clear()
        assert (await http.request("PUT", server.url, data=b"card")).body == b"let in"
    assert server.bodies == [b"", b"card"]


async def test_redirects_are_followed_with_digest_too() -> None:
    async with DigestServer().running() as server, client() as http:
        await http.request("GET", server.url)
        answer = await http.request("GET", server.url.origin() / "moved")
    assert answer.url.path == "/dav/there/"


async def test_a_stream_is_opened_with_digest_too() -> None:
    async with DigestServer().running() as server, client() as http:
        opening = http.open("GET", server.url, headers={}, timeout=aiohttp.ClientTimeout())
        async with opening as response:
            assert response.status == 200
            assert await response.read() == b"let in"


async def test_basic_is_spoken_where_it_is_offered() -> None:
    async with DigestServer(with_basic=True).running() as server, client() as http:
        with pytest.raises(CredentialsRefusedError) as caught:
            await http.request("GET", server.url)
    assert server.seen == ["Basic"]
    assert set(caught.value.schemes) == {"Digest", "Basic"}


async def test_a_wrong_password_is_refused_and_shown_nowhere() -> None:
    async with DigestServer().running() as server, client("wr0ng-w0rd") as http:
        with capture_logs() as logs, pytest.raises(CredentialsRefusedError) as caught:
            await http.request("GET", server.url)
    assert "who are you?" in str(caught.value)
    assert "wr0ng" not in f"{caught.value!r} {logs} {http!r} {vars(http)}"


async def test_a_token_is_nothing_for_digest() -> None:
    async with DigestServer().running() as server, http_client() as http:
        with pytest.raises(CredentialsRefusedError) as caught:
            await http.request("GET", server.url)
    assert server.seen == ["Bearer"]
    assert caught.value.schemes == ("Digest",)
