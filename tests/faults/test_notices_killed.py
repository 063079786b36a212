"""A claim of notices, killed at any request and made again, or made by two instances at once."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from mailroom.account import open_account
from mailroom.runtime.notices.claims import NoticeClaims
from mailroom.sandbox.owner import OwnerConsole
from mailroom.sandbox.sandbox_account import SandboxAccount
from mailroom.settings.load import load_settings
from tests.faults.scenarios import UNDO_OF_ONE, environ, prepared
from tests.support import virtual_time
from tests.support.faults.account import copied, snapshot
from tests.support.faults.server import Line, serving
from tests.support.owner.new_mail import mail
from tests.support.proxy.proxy import CUT, Answer, Exchange, Forward

NOTICE = "$mailroom-notice"
SENDERS = ("ann@loom.example", "ben@mill.example")


def _account() -> SandboxAccount:
    account = copied(prepared(UNDO_OF_ONE, "jmap", at_start=True).base)
    for sender in (*SENDERS, SENDERS[0]):
        OwnerConsole(account).deliver(mail(sender), mailboxes=("Screener",), keywords=(NOTICE,))
    return account


async def _claim(line: Line, claimed: Counter[str]) -> None:
    settings = load_settings(environ(line.url), cwd=Path("/"))
    async with open_account(settings) as account:
        layout = settings.screener.layout
        claims = NoticeClaims(await account.mail(), settings.categories, layout)
        while (newcomers := await claims.claim()) is not None:
            claimed.update(newcomer.waiting.address for newcomer in newcomers)


async def _killed(
    account: SandboxAccount, request: int, *, acts: bool
) -> tuple[Counter[str], list[str], int]:
    """Kill a claim at a request, and claim again; return the claims, the account, and the count."""
    claimed = Counter[str]()
    async with serving(account) as server:
        line, again = server.lines
        killed = asyncio.Event()

        async def intercept(_: Exchange, forward: Forward) -> Answer:
            if len(line.exchanges) <= request:
                return await forward()
            if acts:
                await forward()
            line.is_dead = True
            killed.set()
            return CUT

        line.intercept = intercept
        task = asyncio.create_task(_claim(line, claimed))
        waiting = asyncio.create_task(killed.wait())
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        for started in (task, waiting):
            started.cancel()
        await asyncio.wait({task, waiting})
        await _claim(again, claimed)
        return claimed, snapshot(account), len(line.exchanges)


@pytest.mark.parametrize("acts", [False, True], ids=["before it acts", "after it acted"])
def test_a_killed_claim_leads_to_one_notice_at_most(*, acts: bool) -> None:
    """Only a kill between the removal of the keyword and the notice costs the notice."""
    results = []
    for request in range(99):
        claimed, end, count = virtual_time.run(_killed(_account(), request, acts=acts))
        results.append(claimed)
        assert max(claimed.values(), default=1) == 1
        assert not [line for line in end if NOTICE in line]
        if count <= request:
            break
    all_senders = Counter(SENDERS)
    assert len(results) > 3
    missed = [claimed for claimed in results if claimed != all_senders]
    assert missed == ([Counter()] if acts else [])


def test_two_instances_claim_each_notice_once() -> None:
    account = _account()

    async def both() -> Counter[str]:
        claimed = Counter[str]()
        async with serving(account) as server:
            await asyncio.gather(*(_claim(line, claimed) for line in server.lines))
        return claimed

    assert virtual_time.run(both()) == Counter(SENDERS)
