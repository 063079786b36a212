"""Push over EventSource: the sandbox sends the same events as Cyrus."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from tests.contract.servers import Account, message

PATIENCE = 20.0
TRIES = 3
"""The number of streams to try: Cyrus ends a stream if a ping is late, about one of a hundred."""
SILENCE = 2.5
"""Seconds without an event that count as silence; Cyrus looks for changes once a second."""

Event = dict[str, str]


class Stream:
    """An open stream, read line by line; only for the events of these servers."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response

    async def event(self) -> Event | None:
        """Return the next event, as field -> value; None at the end of the stream."""
        event: Event = {}
        async with asyncio.timeout(PATIENCE):
            while line := (await self.response.content.readline()).decode():
                if line == "\n":
                    return event
                name, _, value = line.rstrip("\n").partition(": ")
                assert name not in event
                event[name] = value
        assert event == {}, "the stream ended in the middle of an event"
        return None

    async def change(self) -> tuple[str, dict[str, Any]]:
        """Return the id and the changes of the next event, which is a state change.

        Versions of Cyrus differ: some announce a change of mail as one of mailboxes, too, with
        states that are not those of Mailbox/get. So tests go by Email.
        """
        event = await self.event()
        assert event is not None
        assert event.keys() == {"id", "event", "data"}
        assert event["event"] == "state"
        data = json.loads(event["data"])
        assert data.pop("@type") == "StateChange"
        (changed,) = data.values()
        return event["id"], changed

    async def silent(self) -> bool:
        """Return True if nothing arrives for a while."""
        try:
            async with asyncio.timeout(SILENCE):
                return not await self.response.content.readany()
        except TimeoutError:
            return True


@asynccontextmanager
async def listening(account: Account, query: str, last_id: str = "") -> AsyncIterator[Stream]:
    headers = {**account.auth, **({"Last-Event-ID": last_id} if last_id else {})}
    url = f"{account.url}/jmap/eventsource/?{query}"
    async with account.http.get(url, headers=headers) as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == "text/event-stream"
        assert response.headers["Cache-Control"] == "no-cache"
        yield Stream(response)


ALL = "types=*&closeafter=no&ping=0"
MINE = "types=Email,Mailbox,ContactCard&closeafter=no&ping=0"


@pytest.mark.parametrize("query", [ALL, MINE, "types=*", "types=Email%2CMailbox"])
async def test_a_delivery_is_reported(account: Account, query: str) -> None:
    async with listening(account, query) as stream:
        await account.deliver(message("ann@x.example"))
        position, changed = await stream.change()
    state = await account.state()
    assert changed.keys() == {account.name}
    assert changed[account.name].keys() <= {"Email", "Mailbox"}
    assert changed[account.name]["Email"] == state
    assert int(position) >= int(state)


async def test_changes_are_reported_one_by_one(account: Account) -> None:
    (mail_id,) = await account.receive(message("ann@x.example"))
    archive = (await account.mailboxes())["Archive"]
    async with listening(account, ALL) as stream:
        for arguments in (
            {"update": {mail_id: {"keywords/$seen": True}}},
            {"update": {mail_id: {"mailboxIds": {archive: True}}}},
            {"destroy": [mail_id]},
        ):
            await account.call("Email/set", **arguments)
            _, changed = await stream.change()
            assert changed[account.name]["Email"] == await account.state()
        await account.call("Mailbox/set", create={"x": {"name": "X"}})
        _, changed = await stream.change()
        assert "Mailbox" in changed[account.name]


async def test_only_the_types_that_were_asked_for(account: Account) -> None:
    async with listening(account, "types=Email&ping=0") as stream:
        await account.deliver(message("ann@x.example"))
        _, changed = await stream.change()
        assert changed[account.name].keys() == {"Email"}


@pytest.mark.parametrize("types", ["Nonsense", "EmailDelivery,Thread", ""])
async def test_types_that_never_change(account: Account, types: str) -> None:
    async with listening(account, f"types={types}&closeafter=no&ping=0") as stream:
        await account.deliver(message("ann@x.example"))
        assert await stream.silent()


async def test_without_types_there_is_no_stream(account: Account) -> None:
    answer = await account.ask("GET", "/jmap/eventsource/?ping=0", headers=account.auth)
    assert answer.status == 204


async def test_changes_before_the_stream_are_not_announced(account: Account) -> None:
    await account.receive(message("ann@x.example"))
    async with listening(account, ALL) as stream:
        assert await stream.silent()


async def test_a_stream_resumes_behind_its_last_event(account: Account) -> None:
    async with listening(account, ALL) as stream:
        await account.deliver(message("ann@x.example"))
        position, _ = await stream.change()
    await account.receive(message("bob@x.example"), message("eve@x.example"))
    state = await account.state()
    async with listening(account, ALL, position) as stream:
        latest, changed = await stream.change()
        assert changed[account.name]["Email"] == state
    assert int(latest) > int(position)
    async with listening(account, ALL, latest) as stream:
        assert await stream.silent()


@pytest.mark.parametrize("last_id", ["0", "abc"])
async def test_an_invalid_position_brings_everything(account: Account, last_id: str) -> None:
    await account.receive(message("ann@x.example"))
    state = await account.state()
    async with listening(account, "types=Email,Mailbox&ping=0", last_id) as stream:
        _, changed = await stream.change()
    assert changed[account.name].keys() == {"Email", "Mailbox"}
    assert changed[account.name]["Email"] == state


async def test_a_position_from_the_future_brings_silence(account: Account) -> None:
    async with listening(account, ALL, "999999") as stream:
        await account.deliver(message("ann@x.example"))
        assert await stream.silent()


async def test_a_stream_that_closes_after_the_first_change(account: Account) -> None:
    for _ in range(TRIES):
        async with listening(account, "types=*&closeafter=state&ping=1") as stream:
            event = await stream.event()
            if event is not None:
                assert event["event"] == "ping"
                await account.deliver(message("ann@x.example"))
            while event is not None and event["event"] == "ping":
                event = await stream.event()
            if event is not None:
                assert event["event"] == "state"
                assert await stream.event() is None
                return
    pytest.fail("each stream ended without a change")


async def test_pings(account: Account) -> None:
    for _ in range(TRIES):
        async with listening(account, "types=*&closeafter=no&ping=1") as stream:
            pings = [await stream.event(), await stream.event()]
        if None not in pings:
            break
    for ping in pings:
        assert ping is not None
        assert ping.keys() == {"event", "data"}
        assert (ping["event"], json.loads(ping["data"])) == ("ping", {"interval": 1})


async def test_no_pings(account: Account) -> None:
    async with listening(account, ALL) as stream:
        assert await stream.silent()
