"""Many waiting mails and many decisions: read in parts, a constant number of requests for each."""

import time
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from math import ceil
from pathlib import Path
from typing import Final, TypeVar

import pytest

from mailroom.account import Account, open_account
from mailroom.admin.decided import find_decided
from mailroom.admin.setup import create, find_lacking
from mailroom.admin.waiting import find_waiting
from mailroom.contacts.model import ContactEdit
from mailroom.sandbox import Quirks, Sandbox, User
from mailroom.sandbox.sandbox_account import SandboxAccount
from mailroom.settings.load import load_settings
from tests.support.owner.person import message
from tests.support.proxy.proxy import Proxy, proxying

T = TypeVar("T")

MAILS, SENDERS, DECISIONS = 5000, 2000, 2000
PART: Final = 1000
"""Waiting mails that are read at a time."""


@asynccontextmanager
async def opened(
    cwd: Path, *, contacts: str = "jmap"
) -> AsyncIterator[tuple[Account, Sandbox, Proxy]]:
    """An account that is set up, its server, and the line to it."""
    alice = User("alice", "secret", addresses=("alice@example.com",))
    sandbox = Sandbox(users=[alice], quirks=Quirks(contacts=contacts == "jmap"))
    async with sandbox.serve(), proxying(sandbox.url) as proxy:
        environ = {
            "MAILROOM_JMAP_SESSION_URL": f"{proxy.url}/jmap/",
            "MAILROOM_CARDDAV_URL": f"{proxy.url}/",
            **{f"MAILROOM_{server}_USERNAME": "alice" for server in ("JMAP", "CARDDAV")},
            **{f"MAILROOM_{server}_PASSWORD": "secret" for server in ("JMAP", "CARDDAV")},
        }
        settings = load_settings(environ, cwd=cwd)
        async with open_account(settings) as account:
            await create(account, await find_lacking(account))
        async with open_account(settings) as account:
            yield account, sandbox, proxy


async def seconds_of(find: Callable[[], Awaitable[object]]) -> str:
    """Return the time of a run, in words."""
    start = time.perf_counter()
    await find()
    return f"{time.perf_counter() - start:.2f} s"


async def traced(find: Callable[[], Awaitable[T]]) -> tuple[T, str]:
    """Return the result of a run, and in words its memory."""
    tracemalloc.start()
    try:
        result = await find()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    return result, f"then {peak / 1e6:.0f} MB with the sandbox's own"


async def test_many_mails_wait(tmp_path: Path, measured: Callable[[str], None]) -> None:
    async with opened(tmp_path) as (account, sandbox, proxy):
        console = sandbox.owner()
        for number in range(MAILS):
            sender = f"Sender {number % SENDERS} <{number % SENDERS}@corp.example>"
            console.append(message(sender, f"Mail {number}"), mailboxes=["Screener"])
        before = console.mails()
        took = await seconds_of(lambda: find_waiting(account))
        asked = len(proxy.exchanges)
        found, memory = await traced(lambda: find_waiting(account))
        exchanges = proxy.since(asked)
        assert console.mails() == before
    assert not any(exchange.is_write for exchange in exchanges)
    assert (len(found.subjects), sum(row.count for row in found.subjects)) == (SENDERS, MAILS)
    reads = [exchange for exchange in exchanges if b"Delivered-To" in exchange.body]
    assert len(reads) == ceil(MAILS / PART)
    measured(
        f"waiting: {MAILS} mails of {SENDERS} senders: {took}, {memory};"
        f" {len(reads)} requests for mail, {len(exchanges) - len(reads)} others"
    )


@pytest.mark.parametrize("contacts", ["jmap", "carddav"])
async def test_many_decisions(
    tmp_path: Path, measured: Callable[[str], None], contacts: str
) -> None:
    async with opened(tmp_path, contacts=contacts) as (account, sandbox, proxy):
        add_cards(sandbox.account(), contacts)
        book = await account.book()
        snapshot = await book.sync()
        (feed,) = (group.id for group in snapshot.groups if group.name == "Feed")
        joined = frozenset({feed})
        edits = [ContactEdit(uid, uid, join=joined) for uid in sorted(snapshot.index.card_uids)]
        assert await book.write(edits, snapshot) == {}
        async with open_account(account.settings) as fresh:
            # As a command does it: the address book is found and read first.
            of_command = await seconds_of(lambda: find_decided(fresh, category=None, search=""))
        took = await seconds_of(lambda: find_decided(account, category=None, search=""))
        asked = len(proxy.exchanges)
        found, memory = await traced(lambda: find_decided(account, category=None, search=""))
        requests = len(proxy.since(asked))
    assert len(found.subjects) == DECISIONS
    when = [(row.date, row.time) for row in found.subjects]
    assert when == sorted(when, reverse=True)
    measured(
        f"decided: {DECISIONS} decisions over {contacts}: {took}, {memory}; {requests} requests;"
        f" with the address book read first {of_command}"
    )


def add_cards(account: SandboxAccount, contacts: str) -> None:
    """Add cards as earlier decisions left them, without groups."""
    for number in range(DECISIONS):
        uid, name, address = f"card-{number}", f"Sender {number}", f"{number}@corp.example"
        note = f"Triaged to Feed on 2026-02-{1 + number % 28:02} at {number % 24:02}:03"
        if contacts == "jmap":
            emails, notes = {"e": {"address": address}}, {"n": {"note": note}}
            facts = {"uid": uid, "name": {"full": name}, "emails": emails, "notes": notes}
            account.cards.create_card({"@type": "Card", "version": "1.0", **facts})
        else:
            fields = (f"UID:{uid}", f"FN:{name}", f"EMAIL:{address}", f"NOTE:{note}")
            lines = ("BEGIN:VCARD", "VERSION:3.0", *fields, "END:VCARD", "")
            account.carddav.cards[f"{account.carddav.book}{uid}.vcf"] = "\r\n".join(lines).encode()
