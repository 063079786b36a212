"""Accounts on the sandbox, on a real Cyrus and on a real James, for requests in plain JMAP.

The servers of a test must answer its requests alike. Mailroom's client is not used.
"""

import io
import itertools
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from mailroom.sandbox import Quirks, Sandbox, User
from tests.support.owner.person import until
from tests.support.servers.cyrus import Cyrus
from tests.support.servers.james import ACCEPT, DOMAIN, James

CORE = "urn:ietf:params:jmap:core"
MAIL = "urn:ietf:params:jmap:mail"
SUBMISSION = "urn:ietf:params:jmap:submission"
PASSWORD = "secret"

AS_CYRUS = Quirks(last_mailbox="destroys")
"""The habits with which the sandbox behaves like Cyrus."""

Arguments = dict[str, Any]
Calls = tuple[str, Mapping[str, Any]]

_numbers = itertools.count()


@dataclass(frozen=True)
class Answer:
    """An answer; ``body`` is the decoded JSON, or None if it is not JSON."""

    status: int
    content_type: str
    headers: Mapping[str, str]
    body: Any


@dataclass
class Account:
    """A fresh, empty account.

    Attributes:
        login: the owner's name at the server; empty if it is ``name``.
        id: the id in the session; empty if calls name no account.
        api: the path that calls are sent to.
        accept: the Accept header; empty for none.
    """

    http: aiohttp.ClientSession
    url: str
    name: str
    deliver: Callable[[bytes], Awaitable[None]]
    login: str = ""
    id: str = ""
    api: str = "/jmap/"
    accept: str = ""

    @property
    def auth(self) -> dict[str, str]:
        headers = {"Authorization": aiohttp.encode_basic_auth(self.login or self.name, PASSWORD)}
        return {**headers, "Accept": self.accept} if self.accept else headers

    # Requests

    async def post(self, body: Any, **headers: str) -> Answer:
        """Send anything at all to the API."""
        data = io.BytesIO(body) if isinstance(body, bytes) else aiohttp.JsonPayload(body)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.ask("POST", self.api, data=data, headers=self._headers(named))

    def _headers(self, more: Mapping[str, str]) -> dict[str, str]:
        return {"Content-Type": "application/json", **self.auth, **more}

    async def ask(self, method: str, path: str, **options: Any) -> Answer:
        """Send an HTTP request."""
        async with self.http.request(
            method, self.url + path, allow_redirects=False, **options
        ) as response:
            is_json = response.content_type.endswith("json")
            body = await response.json(content_type=None) if is_json else await response.text()
            kind = response.headers.get("Content-Type", "")
            return Answer(response.status, kind, response.headers, body if is_json else None)

    async def perform(self, *calls: Calls, using: tuple[str, ...] = (CORE, MAIL)) -> list[Any]:
        """Send calls in one request; return ``[name, result]`` of each."""
        account = {"accountId": self.id} if self.id else {}
        named = [
            [name, {**account, **arguments}, str(number)]
            for number, (name, arguments) in enumerate(calls)
        ]
        answer = await self.post({"using": list(using), "methodCalls": named})
        assert answer.status == 200, answer
        responses = answer.body["methodResponses"]
        assert [call_id for _, _, call_id in responses] == [call_id for _, _, call_id in named]
        return [[name, result] for name, result, _ in responses]

    async def call(self, method: str, **arguments: Any) -> Arguments:
        """Make one call, and check that it succeeds; return its result."""
        ((name, result),) = await self.perform((method, arguments))
        assert name == method, result
        return dict(result)

    async def refusal(self, method: str, **arguments: Any) -> Arguments:
        """Make one call, and check that it is refused; return the error."""
        ((name, result),) = await self.perform((method, arguments))
        assert name == "error", result
        return dict(result)

    # Mail

    async def receive(self, *messages: bytes) -> list[str]:
        """Deliver mails into the Inbox, and return their ids."""
        ids = []
        for message in messages:
            before = set((await self.call("Email/query"))["ids"])
            await self.deliver(message)
            (new,) = set((await self.call("Email/query"))["ids"]) - before
            ids.append(new)
        return ids

    async def mailboxes(self) -> dict[str, str]:
        """Return name -> id of all mailboxes."""
        answer = await self.call("Mailbox/get", ids=None, properties=["name", "role"])
        return {
            "Inbox" if mailbox["role"] == "inbox" else mailbox["name"]: mailbox["id"]
            for mailbox in answer["list"]
        }

    async def state(self) -> str:
        """The present Email state."""
        return str((await self.call("Email/get", ids=[], properties=["id"]))["state"])

    async def mail(self, mail_id: str, *properties: str) -> Arguments:
        """Some properties of a mail."""
        answer = await self.call("Email/get", ids=[mail_id], properties=list(properties))
        (mail,) = answer["list"]
        return {name: mail[name] for name in properties}

    async def patch(self, mail_id: str, **patch: Any) -> Arguments | None:
        """Update a mail; return the SetError, or None."""
        done = await self.call("Email/set", update={mail_id: patch})
        refused: Arguments = done.get("notUpdated") or {}  # James omits an empty notUpdated
        assert {*(done["updated"] or {}), *refused} == {mail_id}
        return refused.get(mail_id)

    async def until_indexed(self, count: int) -> None:
        """Wait until so many mails can be found by searching."""

        async def indexed() -> bool:
            answer = await self.call("Email/query", filter={"to": "alice@example.com"})
            return len(answer["ids"]) == count

        await until(indexed, f"{count} mails are in the search index")


def message(sender: str, subject: str = "Hello", *fields: str) -> bytes:
    """Return a mail whose From field is exactly this."""
    number = next(_numbers)
    lines = [
        f"From: {sender}",
        "To: alice@example.com",
        f"Subject: {subject}",
        f"Message-ID: <{os.getpid()}.{number}@example.com>",
        "Date: Sun, 22 Nov 2026 10:00:00 +0100",
        *fields,
    ]
    return ("\r\n".join(lines) + "\r\n\r\nHi.\r\n").encode()


@asynccontextmanager
async def sandbox_account(quirks: Quirks = AS_CYRUS) -> AsyncIterator[tuple[Account, Sandbox]]:
    """An account in a sandbox of its own."""
    user = User("alice", PASSWORD)
    async with (
        Sandbox(users=[user], quirks=quirks).serve() as sandbox,
        aiohttp.ClientSession() as http,
    ):

        async def deliver(data: bytes) -> None:
            sandbox.deliver(data)

        yield Account(http, sandbox.url, user.name, deliver), sandbox


@asynccontextmanager
async def cyrus_account(cyrus: Cyrus) -> AsyncIterator[Account]:
    """An account of a fresh user on Cyrus."""
    name = f"m{os.getpid()}n{next(_numbers)}"
    await cyrus.fresh_user(name)

    async def deliver(data: bytes) -> None:
        await cyrus.deliver(name, data)

    async with aiohttp.ClientSession() as http:
        yield Account(http, cyrus.url, name, deliver)


@asynccontextmanager
async def james_account(james: James) -> AsyncIterator[Account]:
    """An account of a fresh user on Apache James."""
    name = f"m{next(_numbers)}"
    await james.fresh_user(name)

    async def deliver(data: bytes) -> None:
        await james.deliver(name, data)

    login = f"{name}@{DOMAIN}"
    async with aiohttp.ClientSession() as http:
        account = Account(
            http, james.url, name, deliver, login=login, api=james.api_path, accept=ACCEPT
        )
        session = (await account.ask("GET", james.session_path, headers=account.auth)).body
        account.id = session["primaryAccounts"][MAIL]
        yield account
