"""``scripts/bench --large``: one tap in an account with very much mail.

Each account has its mail in five mailboxes that Mailroom manages. Each sender has one mail in each
of these mailboxes. At each round trip the service is started, and mail of two senders is tapped.
After each tap, all mail of the sender must be where the tap sends it.
"""

import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp
from sandbox_server import sandbox_process
from stand import set_up_stand
from worlds import owner_on_sandbox, owners_on_cyrus

from tests.support.owner.person import Owner
from tests.support.service.in_process import set_up
from tests.support.service.process import environment
from tests.support.soak.watch import memory, peak_memory

MAILS: Final = 100_000
CYRUS_MAILS: Final = 20_000
"""It takes a minute or two to put this many mails into Cyrus."""
CYRUS: Final = "cyrus"
SANDBOXES: Final = {
    "unindexed": "Sandbox as Stalwart whose index has nothing, CardDAV",
    "carddav": "Sandbox without quirks, CardDAV",
    "jmap": "Sandbox without quirks, JMAP contacts",
}
"""The sandbox as several servers, by key."""
_TITLES: Final = {**SANDBOXES, CYRUS: "Cyrus, CardDAV"}

_MAILBOXES: Final = ("Screener", "Feed", "Paper Trail", "Imbox", "Jail")
_ROUND_TRIPS: Final = (0, 100)
"""In ms."""
_TAPS: Final = 2
_AT_ONCE: Final = 5000
"""Mails that a server gets in one call."""
_PATIENCE: Final = 900.0

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Account:
    """An account that is filled with mail.

    Attributes:
        owner: the account's owner.
        mails: the number of mails.
        waiting: ids of mails in the Screener, each of another sender.
    """

    owner: Owner
    mails: int
    waiting: Sequence[str]


async def measure(key: str, mails: int, cwd: Path, tell: Tell) -> None:
    """Measure taps on one server, and print the figures."""
    async with aiohttp.ClientSession() as session, _opened(key, session) as owner:
        await set_up(environment(owner), cwd)
        began = time.monotonic()
        account = await _filled(owner, mails)
        tell(f"{_TITLES[key]}: {mails:,} mails, put there in {time.monotonic() - began:.0f} s")
        waiting = iter(account.waiting)
        for round_trip in _ROUND_TRIPS:
            await _line(account, waiting, round_trip, cwd, tell)


@asynccontextmanager
async def _opened(key: str, session: aiohttp.ClientSession) -> AsyncIterator[Owner]:
    if key == CYRUS:
        async with AsyncExitStack() as stack:
            make = await owners_on_cyrus(session, stack)
            yield await make()
        return
    contacts = "jmap" if key == "jmap" else "carddav"
    preset = "stalwart" if key == "unindexed" else ""
    async with sandbox_process(["large"], contacts, preset=preset) as server:
        yield owner_on_sandbox(server, "large", contacts, session)


async def _filled(owner: Owner, mails: int) -> Account:
    """Fill an account: each sender has one mail in each mailbox."""
    senders = mails // len(_MAILBOXES)
    for mailbox in _MAILBOXES:
        for start in range(0, senders, _AT_ONCE):
            part = range(start, min(senders, start + _AT_ONCE))
            await owner.server.append(owner.name, mailbox, *map(_mail, part))
    wanted = {"inMailbox": (await owner.mailboxes())["Screener"]}
    sort = [{"property": "receivedAt", "isAscending": True}]
    page = await owner.jmap("Email/query", {"filter": wanted, "sort": sort, "limit": 100})
    # The sandbox builds its index when it is searched for the first time.
    await owner.jmap("Email/query", {"filter": {"from": "nobody@x.example"}})
    return Account(owner, senders * len(_MAILBOXES), page["ids"])


def _mail(number: int) -> bytes:
    """Return a short mail of the sender with this number."""
    return (
        f"From: Sender {number} <sender{number}@corp{number % 997}.example>\r\n"
        f"To: alice@example.com\r\nSubject: mail\r\nMessage-ID: <{time.monotonic_ns()}@x.example>"
        "\r\nDate: Fri, 27 Nov 2026 12:00:00 +0000\r\n\r\nHi.\r\n"
    ).encode()


async def _line(
    account: Account, waiting: Iterator[str], round_trip: int, cwd: Path, tell: Tell
) -> None:
    began = time.monotonic()
    async with set_up_stand(account.owner, cwd, round_trip=round_trip / 1000) as stand:
        pid = stand.service.process.pid
        ready = time.monotonic() - began
        tell(f"  {round_trip} ms a round trip: ready after {ready:.1f} s, {memory(pid):.0f} MB")
        for number in range(_TAPS):
            before = await _size_of_feed(stand.owner)
            tapped, seconds = await stand.tap({next(waiting): "@ToFeed"}, patience=_PATIENCE)
            peak = peak_memory(pid)
            tell(
                f"    tap {number + 1}: done after {seconds:.2f} s, {tapped.requests:.0f} requests,"
                f" {tapped.bytes / 1000:,.0f} kB, {tapped.cpu_seconds:.2f} s CPU,"
                f" {memory(pid):.0f} MB, peak {peak:.0f} MB"
            )
            filed = await _size_of_feed(stand.owner) - before
            if filed != len(_MAILBOXES) - 1:
                raise RuntimeError(f"{filed} mails were filed to the Feed")


async def _size_of_feed(owner: Owner) -> int:
    feed = (await owner.mailboxes())["Feed"]
    wanted = {"ids": [feed], "properties": ["totalEmails"]}
    return int((await owner.jmap("Mailbox/get", wanted))["list"][0]["totalEmails"])
