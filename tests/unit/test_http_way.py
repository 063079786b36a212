"""The way to a server: through a proxy, and with a CA of one's own."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
import trustme
from aiohttp import web
from aiohttp.test_utils import TestServer
from websockets.asyncio.server import ServerConnection, serve
from yarl import URL

from mailroom.http import (
    USER_AGENT,
    AllowedHosts,
    Credentials,
    HttpClient,
    Proxies,
    UnreachableError,
    tls_context,
)
from mailroom.jmap.errors import JmapError
from mailroom.jmap.websocket import WebSocketTransport
from tests.support.scripted.http import TOKEN, Pauses

HOST = "mail.example.com"
HOME = URL(f"https://{HOST}/")


@dataclass
class ConnectProxy:
    """A proxy that knows CONNECT, and takes every host for one port of this machine."""

    to: int
    refuses: bytes = b""
    asked: list[str] = field(default_factory=list)
    heads: list[bytes] = field(default_factory=list)
    url: str = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator["ConnectProxy"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server:
            yield self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head)
        self.asked.append(head.split(b"\r\n")[0].decode())
        if self.refuses:
            writer.write(self.refuses)
            writer.close()
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.to)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(ca: trustme.CA, tmp_path: Path) -> Iterator[str]:
    path = tmp_path / "ca.pem"
    ca.cert_pem.write_to_path(path)
    yield str(path)
    tls_context.cache_clear()


def server_context(ca: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(HOST).configure_cert(context)
    return context


@asynccontextmanager
async def tls_server(ca: trustme.CA) -> AsyncIterator[tuple[int, list[web.Request]]]:
    """A server for mail.example.com; it answers as one."""
    seen: list[web.Request] = []

    async def respond(request: web.Request) -> web.Response:
        seen.append(request)
        return web.Response(text="here")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", respond)
    server = TestServer(app, scheme="https")
    await server.start_server(ssl=server_context(ca))
    assert server.port is not None
    try:
        yield server.port, seen
    finally:
        await server.close()


@asynccontextmanager
async def client(ca_file: str, proxies: Proxies) -> AsyncIterator[HttpClient]:
    connector = aiohttp.TCPConnector(ssl=tls_context(ca_file))
    async with aiohttp.ClientSession(connector=connector) as session:
        credentials = Credentials.bearer(TOKEN, AllowedHosts(HOME))
        yield HttpClient(session, credentials, proxies=proxies, sleep=Pauses())


async def test_a_server_behind_a_proxy_with_a_certificate_of_a_private_ca(
    ca: trustme.CA, ca_file: str
) -> None:
    async with tls_server(ca) as (port, seen), ConnectProxy(port).running() as proxy:
        by_proxy = Proxies.configured(proxy.url.replace("//", "//ann:pr0xy@"))
        async with client(ca_file, by_proxy) as http:
            for _ in range(2):  # over one connection
                assert (await http.request("GET", HOME / "jmap")).body == b"here"
    assert proxy.asked == [f"CONNECT {HOST}:443 HTTP/1.1"]
    assert b"proxy-authorization: basic " in proxy.heads[0].lower()
    assert USER_AGENT.encode() in proxy.heads[0], "filters refuse Python's names in proxies as well"
    assert TOKEN.encode() not in proxy.heads[0], "the proxy sees no credentials of ours"
    assert seen[0].headers["Authorization"] == f"Bearer {TOKEN}"
    assert "Proxy-Authorization" not in seen[0].headers


async def test_without_that_ca_the_certificate_is_not_trusted(ca: trustme.CA) -> None:
    async with (
        tls_server(ca) as (port, seen),
        ConnectProxy(port).running() as proxy,
        client("", Proxies.configured(proxy.url)) as http,
    ):
        with pytest.raises(UnreachableError) as caught:
            await http.request("GET", HOME)
    assert "certificate" in str(caught.value).lower()
    assert seen == []


async def test_the_systems_cas_are_trusted_as_well(ca_file: str) -> None:
    ours = {cert["serialNumber"] for cert in tls_context(ca_file).get_ca_certs()}
    systems = {cert["serialNumber"] for cert in ssl.create_default_context().get_ca_certs()}
    assert ours > systems or not systems


@pytest.mark.parametrize(
    ("refusal", "told"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "the proxy answered 407"),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "the proxy answered 502"),
    ],
)
async def test_a_proxy_that_refuses_is_reported_as_such(
    ca_file: str, refusal: bytes, told: str
) -> None:
    async with ConnectProxy(0, refusal).running() as proxy:
        way = Proxies.configured(proxy.url.replace("//", "//ann:pr0xy@"))
        async with client(ca_file, way) as http:
            with pytest.raises(UnreachableError) as caught:
                await http.request("POST", HOME, repeatable=False)
    assert told in str(caught.value)
    assert "pr0xy" not in f"{caught.value!r}"
    assert not caught.value.sent


async def test_a_proxy_that_is_not_there_is_reported_as_such(
    ca_file: str, unused_tcp_port: int
) -> None:
    way = Proxies.configured(f"http://127.0.0.1:{unused_tcp_port}")
    async with client(ca_file, way) as http:
        with pytest.raises(UnreachableError) as caught:
            await http.request("GET", HOME)
    assert "the proxy cannot be reached" in str(caught.value)


async def test_a_websocket_goes_through_the_proxy_too(ca: trustme.CA, ca_file: str) -> None:
    heard: list[dict[str, str]] = []

    async def listen(peer: ServerConnection) -> None:
        assert peer.request is not None
        heard.append(dict(peer.request.headers))
        await peer.close(1001)

    context = server_context(ca)
    async with serve(listen, "127.0.0.1", 0, ssl=context, subprotocols=["jmap"]) as server:  # type: ignore[list-item]
        port = next(iter(server.sockets)).getsockname()[1]
        async with ConnectProxy(port).running() as proxy:
            await open_websocket(proxy.url, ca_file)
    assert proxy.asked == [f"CONNECT {HOST}:443 HTTP/1.1"]
    assert heard[0]["authorization"] == f"Bearer {TOKEN}"
    assert heard[0]["accept"] == "application/json; jmapVersion=rfc-8621"


def websocket_through(proxy: str, ca_file: str) -> WebSocketTransport:
    """Return a transport to a WebSocket behind a proxy."""

    async def url() -> URL:
        return URL(f"wss://{HOST}/ws")

    return WebSocketTransport(
        Credentials.bearer(TOKEN, AllowedHosts(HOME)),
        url,
        types=("Email",),
        ping=30,
        proxies=Proxies.configured(proxy),
        ca_file=ca_file,
    )


async def open_websocket(proxy: str, ca_file: str) -> None:
    """Open a WebSocket to a server that ends it at once, or to which the proxy does not lead."""
    with pytest.raises((UnreachableError, JmapError)):
        async with websocket_through(proxy, ca_file).connect("") as connection:
            await connection.await_sign_of_life()


async def test_a_proxy_that_refuses_a_websocket_does_not_switch_push_off(ca_file: str) -> None:
    refusal = b"HTTP/1.1 503 Service Unavailable\r\n\r\n"
    async with ConnectProxy(0, refusal).running() as proxy:
        with pytest.raises(UnreachableError, match="proxy rejected connection: HTTP 503"):
            async with websocket_through(proxy.url, ca_file).connect(""):
                pass


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("https_proxy", "http_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy"])
@pytest.mark.parametrize("value", ["http://proxy:3128", "proxy:3128"])
def test_the_proxy_of_the_environment_is_used(
    environment: pytest.MonkeyPatch, name: str, value: str
) -> None:
    environment.setenv(name, value)
    proxies = Proxies.configured("")
    assert (
        proxies.for_url(HOME)
        == proxies.for_url(URL(f"wss://{HOST}/ws"))
        == URL("http://proxy:3128")
    )
    assert proxies.for_url(URL(f"http://{HOST}/")) is None


@pytest.mark.parametrize(
    ("no_proxy", "url", "is_straight"),
    [
        ("example.com", HOME, True),
        (".example.com,other", HOME, True),
        ("*", HOME, True),
        ("example.org", HOME, False),
        ("", HOME, False),
        ("", URL("https://127.0.0.1:9000/"), True),
        ("", URL("https://localhost/"), True),
        ("", URL("https://[::1]/"), True),
    ],
)
def test_some_hosts_are_asked_straight(
    environment: pytest.MonkeyPatch, no_proxy: str, url: URL, *, is_straight: bool
) -> None:
    environment.setenv("NO_PROXY", no_proxy)
    assert (Proxies.configured("http://proxy:1").for_url(url) is None) == is_straight


def test_what_is_configured_beats_the_environment(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("HTTPS_PROXY", "http://other:1")
    assert Proxies.configured("http://ours:2").for_url(HOME) == URL("http://ours:2")


def test_without_any_the_way_is_straight(environment: pytest.MonkeyPatch) -> None:
    assert Proxies.configured("").for_url(HOME) is None


async def test_netrc_is_never_read(
    environment: pytest.MonkeyPatch, tmp_path: Path, ca: trustme.CA, ca_file: str
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine {HOST} login eve password n3trc\n")
    netrc.chmod(0o600)
    environment.setenv("NETRC", str(netrc))
    async with tls_server(ca) as (port, seen), ConnectProxy(port).running() as proxy:
        environment.setenv("HTTPS_PROXY", proxy.url)
        async with client(ca_file, Proxies.configured("")) as http:
            await http.request("GET", HOME)
    assert seen[0].headers["Authorization"] == f"Bearer {TOKEN}"
