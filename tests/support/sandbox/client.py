"""A plain client for a sandbox, for the tests of the sandbox."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from mailroom.sandbox import Quirks, Sandbox, User

CORE = "urn:ietf:params:jmap:core"
MAIL = "urn:ietf:params:jmap:mail"
USING = (CORE, MAIL)
ALICE = User("alice", "secret", token="t0ken", addresses=("alice@example.com", "*@own.example"))
BOB = User("bob", "hidden", addresses=())


@dataclass
class Client:
    """Speaks JMAP to a sandbox as one of its users."""

    sandbox: Sandbox
    http: aiohttp.ClientSession
    auth: Mapping[str, str]

    async def get(self, path: str, **options: Any) -> aiohttp.ClientResponse:
        url = self.sandbox.url + path
        return await self.http.get(url, headers=self.auth, allow_redirects=False, **options)

    async def session(self) -> dict[str, Any]:
        return dict(await (await self.get("/jmap/")).json())

    async def post(
        self, *calls: tuple[str, Mapping[str, Any]], using: Sequence[str] = USING
    ) -> tuple[int, Any]:
        """Send calls in one request; return status and decoded body."""
        named = [[name, facts, str(number)] for number, (name, facts) in enumerate(calls)]
        url = f"{self.sandbox.url}/jmap/"
        body = {"using": list(using), "methodCalls": named}
        async with self.http.post(url, json=body, headers=self.auth) as response:
            return response.status, await response.json(content_type=None)

    async def call(
        self, method: str, *, using: Sequence[str] = USING, **arguments: Any
    ) -> dict[str, Any]:
        """Make a call; return its result or its error."""
        status, answer = await self.post((method, arguments), using=using)
        assert status == 200, answer
        return dict(answer["methodResponses"][0][1])

    async def patch(self, mail_id: str, **patch: Any) -> dict[str, Any] | None:
        """Update a mail; return the SetError, or None."""
        done = await self.call("Email/set", update={mail_id: patch})
        return (done["notUpdated"] or {}).get(mail_id)


@asynccontextmanager
async def serving(quirks: Quirks | None = None, **options: Any) -> AsyncIterator[Client]:
    """A sandbox with two users, and a client for the first."""
    sandbox = Sandbox(users=[ALICE, BOB], quirks=quirks, **options)
    async with sandbox.serve(), aiohttp.ClientSession() as http:
        auth = {"Authorization": aiohttp.encode_basic_auth("alice", "secret")}
        yield Client(sandbox, http, auth)


def mail(sender: str = "ann@x.example", subject: str = "Hello", *fields: str) -> bytes:
    lines = [f"From: {sender}", "To: alice@example.com", f"Subject: {subject}", *fields]
    return ("\n".join(lines) + "\n\nHi.\n").encode()


async def soon(*awaitables: Any) -> list[Any]:
    """Await all at the same time, for 20 seconds at most."""
    async with asyncio.timeout(20):
        return list(await asyncio.gather(*awaitables))
