"""At DEBUG, over every transport and both ways to contacts, and whatever fails: no secret shows.

Neither in what is logged, nor in an exception, nor in what is told over HTTP; even where the server
says the secret itself.
"""

import asyncio
import io
import json
import logging
import os
import random
import traceback
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import aiohttp
import pytest
import structlog
from multidict import CIMultiDict
from websockets.frames import CloseCode
from yarl import URL

from mailroom.account import Account, open_account
from mailroom.admin.setup import create, find_lacking
from mailroom.exits import Exit
from mailroom.http import Credentials, HttpClient
from mailroom.jmap.eventsource import EventSourceTransport
from mailroom.jmap.push import Disconnected, Push
from mailroom.jmap.transports import Transport
from mailroom.jmap.websocket import WebSocketTransport
from mailroom.logs import Format, configure_logging, hider
from mailroom.metrics import Metrics
from mailroom.runtime.service import Service
from mailroom.runtime.telemetry import Telemetry
from mailroom.sandbox import Quirks, Sandbox, User
from mailroom.screener.passes.progress import Report
from mailroom.screener.passes.workflow import ScreenerWorkflow
from mailroom.settings.load import load_settings
from mailroom.settings.model import Settings
from mailroom.waiting.trigger import Due
from tests.support.owner.person import message, until
from tests.support.proxy.proxy import Answer, Exchange, Forward, proxying
from tests.support.scripted.push import TEMPLATE, collect, count
from tests.support.scripted.stream import Script, StreamServer, Wire
from tests.support.scripted.websocket import Peer, WebSocketServer
from tests.support.service.forked import command

TOKEN: Final = "fmu1-7QZJXVKW-tOken/+=x"
PASSWORD: Final = 'pa ss:9QZJXVKW"\\ü%&'
DAV_PASSWORD: Final = "dav-5QZJXVKW-'app'"
ALICE: Final = User("alice", password=PASSWORD, token=TOKEN)
CORE: Final = "QZJXVKW"
"""Stands in each of them, and is the same in every writing but base64."""


def in_base64(secret: str) -> Iterator[str]:
    """What any base64 of something that holds the secret has in it."""
    for before in range(3):
        encoded = b64encode(b"x" * before + secret.encode()).decode()
        yield encoded[(4 if before else 0) : len(encoded) // 4 * 4 - 4]


FORBIDDEN: Final = (
    CORE,
    *(part for each in (TOKEN, PASSWORD, DAV_PASSWORD) for part in in_base64(each)),
    *(part for user in ("alice",) for part in in_base64(f"{user}:{PASSWORD}")),
)


def assert_no_secret(what: str, text: str) -> None:
    found = [each for each in FORBIDDEN if each in text]
    places = [text[max(0, text.index(each) - 150) : text.index(each) + 60] for each in found]
    assert not found, f"{what}: {places}"


def test_a_secret_would_be_found() -> None:
    for secret in (TOKEN, PASSWORD, DAV_PASSWORD):
        for told in (secret, repr(secret), json.dumps(secret), quote(secret)):
            with pytest.raises(AssertionError):
                assert_no_secret("told", f"<{told}>")
    for header in (f"alice:{PASSWORD}", f"alice:{DAV_PASSWORD}", TOKEN):
        with pytest.raises(AssertionError):
            assert_no_secret("told", b64encode(header.encode()).decode())


# A service that fails in every way


class Telling(Service):
    """The service, and every error that it met."""

    def __init__(self, account: Account) -> None:
        self.metrics = Metrics()
        super().__init__(account, Telemetry.of(account.settings, self.metrics))
        self.errors: list[BaseException] = []
        self.good = 0

    async def run(self) -> Exit:
        """Go on after a refusal of the credentials, as the supervisor does, but at once."""
        while (code := await super().run()) is Exit.CREDENTIALS:
            self._trigger.retry(0)
        return code

    async def _screen(self) -> Report:
        try:
            return await super()._screen()
        except Exception as error:
            self.errors.append(error)
            raise

    def _succeeded(self, due: Due, report: Report) -> None:
        super()._succeeded(due, report)
        self.good += 1


def basic(password: str) -> str:
    return "Basic " + b64encode(f"alice:{password}".encode()).decode()


WAYS: Final = (
    *("cut", "500", "503", "redirect", "no JSON", "another shape", "401", "404", "problem"),
    *("method error", "cut", "cut", "cut", "cut", "method error", "problem", "507"),
)


@dataclass
class Trouble:
    """A server that fails in one way after the other.

    Attributes:
        echoes: what it repeats of the credentials in what it answers.
        ways: how it still has to fail.
    """

    echoes: tuple[str, ...]
    ways: list[str] = field(default_factory=lambda: [*WAYS])

    async def intercept(self, exchange: Exchange, forward: Forward) -> Answer:
        said = "sorry"
        if self.echoes:
            said = " ".join([exchange.headers.get("Authorization", ""), *self.echoes])
        if exchange.headers.get("Authorization") == basic(DAV_PASSWORD):
            exchange.headers["Authorization"] = basic(PASSWORD)
        if not self.ways:
            return await forward()
        return await _failed(self.ways.pop(0), said, forward)


async def _failed(way: str, said: str, forward: Forward) -> Answer:
    if way == "method error":
        return _refused(await forward(), said)
    problem = {"type": f"urn:ietf:params:jmap:error:{said}", "detail": said}
    away = f"http://127.0.0.2:1/{quote(said)}?token={quote(said)}"
    answers = {
        "cut": Answer(None),
        "redirect": Answer(307, CIMultiDict({"Location": away})),
        "no JSON": Answer(200, body=said.encode()),
        "another shape": Answer(200, body=json.dumps({"methodResponses": said}).encode()),
        "problem": Answer(400, body=json.dumps(problem).encode()),
    }
    if way in answers:
        return answers[way]
    headers = CIMultiDict({"WWW-Authenticate": f"Basic realm={quote(said)}"})
    return Answer(int(way), headers, said.encode())


def _refused(answer: Answer, said: str) -> Answer:
    try:
        body = json.loads(answer.body)
        error = {"type": "serverFail", "description": said}
        body["methodResponses"] = [["error", error, each[2]] for each in body["methodResponses"]]
    except (ValueError, KeyError, TypeError):
        return answer
    return replace(answer, body=json.dumps(body).encode())


def settings_for(url: str, contacts: str, transport: str, *, by_token: bool) -> Settings:
    mail = {"MAILROOM_JMAP_TOKEN": TOKEN}
    if not by_token:
        mail = {"MAILROOM_JMAP_USERNAME": "alice", "MAILROOM_JMAP_PASSWORD": PASSWORD}
    environ = {
        **mail,
        "MAILROOM_JMAP_SESSION_URL": f"{url}/jmap/",
        "MAILROOM_CARDDAV_URL": f"{url}/",
        "MAILROOM_CARDDAV_USERNAME": "alice",
        "MAILROOM_CARDDAV_PASSWORD": DAV_PASSWORD,
        "MAILROOM_CONTACTS_BACKEND": contacts,
        "MAILROOM_PUSH_TRANSPORT": transport,
        "MAILROOM_FAILURE_LIMIT": "1000",
    }
    return load_settings(environ, cwd=Path("/"))


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever failed is tried again at once, and a mistake of our own is among what fails."""
    monkeypatch.setattr(random, "uniform", lambda _least, _most: 0.0)
    monkeypatch.setattr("mailroom.runtime.failure_policy._BASE_PAUSE", 0.001)
    whole, mistakes = ScreenerWorkflow.run, iter([True])

    async def run(self: ScreenerWorkflow, *arguments: Any) -> Report:
        header = Credentials.basic("alice", PASSWORD).header
        if next(mistakes, False):
            raise ZeroDivisionError(len(header))
        return await whole(self, *arguments)

    monkeypatch.setattr(ScreenerWorkflow, "run", run)


@contextmanager
def logging_to(shown: io.StringIO, raw: io.StringIO, log_format: Format, settings: Settings) -> Any:
    """Log as the service does at DEBUG; and again, with nothing hidden."""
    before = structlog.get_config()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configure_logging(level="debug", format=log_format, secrets=settings.secrets(), stream=shown)
    unredacted = logging.StreamHandler(raw)
    unredacted.setFormatter(logging.Formatter("%(name)s %(message)s"))
    root.addHandler(unredacted)
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        structlog.configure(**before)


def told_of(error: BaseException) -> str:
    return "\n".join([str(error), repr(error), *traceback.format_exception(error)])


async def live(service: Telling, sandbox: Sandbox, trouble: Trouble) -> None:
    """Let everything fail that is to fail, and then a label be acted on."""
    task = asyncio.create_task(service.run(), name="service")
    try:

        async def recovered() -> bool:
            assert not task.done()
            return not trouble.ways and service.good > good

        good = 0
        await until(recovered, "a first pass")
        good, trouble.ways = service.good, [*WAYS]
        service._trigger.change()
        await until(recovered, "all has failed that was to fail")
        console = sandbox.owner()
        sandbox.deliver(message("Bob <bob@corp.example>", "new"), mailbox="Screener")
        console.label(console.mails("Screener")[0].id, add=["@ToFeed"])
        service._trigger.change()

        async def triaged() -> bool:
            return not console.mails("@ToFeed")

        await until(triaged, "the label is off")
    finally:
        task.cancel()
        await asyncio.wait({task})


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("echoes", [False, True], ids=["", "echoed"])
@pytest.mark.parametrize("transport", ["websocket", "eventsource"])
@pytest.mark.parametrize(
    ("contacts", "by_token", "log_format"),
    [("jmap", True, "json"), ("jmap", False, "console"), ("carddav", False, "json")],
)
async def test_the_service_never_shows_one(
    *, contacts: str, by_token: bool, log_format: Format, transport: str, echoes: bool
) -> None:
    quirks = Quirks(contacts=contacts == "jmap")
    sandbox = Sandbox(users=[ALICE], quirks=quirks)
    secrets = (TOKEN if by_token else PASSWORD, DAV_PASSWORD)
    shown, raw, trouble = io.StringIO(), io.StringIO(), Trouble(secrets if echoes else (), [])
    asyncio.get_running_loop().set_debug(True)
    async with sandbox.serve(), proxying(sandbox.url) as proxy:
        proxy.intercept = trouble.intercept
        settings = settings_for(proxy.url, contacts, transport, by_token=by_token)
        async with open_account(settings) as account:
            await create(account, await find_lacking(account))
        with logging_to(shown, raw, log_format, settings):
            async with open_account(settings) as account:
                service = Telling(account)
                await live(service, sandbox, trouble)
    assert_no_secret("log", shown.getvalue())
    assert_no_secret("health", json.dumps(service.health.report()))
    assert_no_secret("metrics", service.metrics.exposition().decode())
    assert_no_secret("settings", repr(settings) + str(settings) + repr(account.__dict__))
    assert len(service.errors) > 3
    assert "ZeroDivisionError" in shown.getvalue()
    if not echoes:
        assert_no_secret("log, nothing hidden", raw.getvalue())
        assert_no_secret("exceptions", "\n".join(map(told_of, service.errors)))


# Push that repeats what it was told


def echoing(head: str) -> Script:
    async def script(wire: Wire) -> None:
        said = wire.headers["Authorization"]
        await wire.send(head.format(said=said, quoted=quote(said)).encode())

    return script


HEADS: Final = (
    "HTTP/1.1 401 {said}\r\nWWW-Authenticate: {said}\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 500 {said}\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Type: text/{said}\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 307 X\r\nLocation: http://127.0.0.2:1/{quoted}?{quoted}\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 101 X\r\nUpgrade: {said}\r\nConnection: {said}\r\n\r\n",
    "{said}\r\n\r\n",
)


async def last_error(push: Push) -> str:
    await collect(push, count(Disconnected, 1))
    return str(push.status.last_error)


def told_push(transport: Transport, hide: Callable[[str], str]) -> Push:
    return Push(transport.connect, transport=transport.name, hide=hide)


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("kind", ["websocket", "eventsource"])
async def test_push_never_tells_one_that_the_server_told(head: str, kind: str) -> None:
    async with StreamServer.running(echoing(head)) as server, aiohttp.ClientSession() as session:
        settings = settings_for(server.url, "jmap", kind, by_token=False)

        async def websocket_url() -> URL:
            return URL(server.url.replace("http", "ws"))

        async def template() -> str:
            return server.url + TEMPLATE

        http = HttpClient(session, settings.jmap.credentials)
        transport: Transport = EventSourceTransport(http, template, types=("Email",), ping=30)
        if kind == "websocket":
            transport = WebSocketTransport(
                settings.jmap.credentials, websocket_url, types=("Email",), ping=30
            )
        push = told_push(transport, hider(settings.secrets()))
        assert_no_secret("last error", await last_error(push))


async def test_a_farewell_never_tells_one() -> None:
    async def script(peer: Peer) -> None:
        await peer.socket.close(CloseCode.POLICY_VIOLATION, peer.headers["Authorization"])

    settings = settings_for("http://127.0.0.1:1", "jmap", "websocket", by_token=True)
    async with WebSocketServer.running(script) as server:

        async def url() -> URL:
            return URL(server.url)

        transport = WebSocketTransport(settings.jmap.credentials, url, types=("Email",), ping=30)
        error = await last_error(told_push(transport, hider(settings.secrets())))
    assert "1008" in error
    assert_no_secret("last error", error)


# Commands


@pytest.mark.parametrize("arguments", [("check",), ("explain", "bob@corp.example", "--json")])
async def test_a_command_never_shows_one(arguments: tuple[str, ...], tmp_path: Path) -> None:
    async def fails(exchange: Exchange, forward: Forward) -> Answer:
        said = f"{exchange.headers.get('Authorization')} {TOKEN}"
        return (
            await _failed("problem", said, forward)
            if exchange.method == "POST"
            else await forward()
        )

    sandbox = Sandbox(users=[ALICE])
    async with sandbox.serve(), proxying(sandbox.url) as proxy:
        proxy.intercept = fails
        environ = {
            "PATH": os.environ["PATH"],
            "MAILROOM_JMAP_SESSION_URL": f"{proxy.url}/jmap/",
            "MAILROOM_JMAP_TOKEN": TOKEN,
            "MAILROOM_CARDDAV_URL": f"{proxy.url}/",
            "MAILROOM_CARDDAV_USERNAME": "alice",
            "MAILROOM_CARDDAV_PASSWORD": PASSWORD,
            "MAILROOM_LOG_LEVEL": "debug",
        }
        done = await command(environ, *arguments, cwd=tmp_path)
    assert done.code != 0
    assert_no_secret("output", done.out + done.err)
