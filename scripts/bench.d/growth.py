"""Measures the cost of the service as its account grows: in mails, contacts, or waiting mails.

Each step is a new account on the sandbox (JMAP contacts), in a process of its own and without an
added delay. ``accounts.py`` measures a growing number of accounts.
"""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import mean, median
from typing import Any, Final

import aiohttp
from page import PAGE_SETTINGS, Tell, fetch_page, url_of
from passes import Size
from results import Step
from sandbox_server import sandbox_process
from stand import SCREENER, set_up_stand
from worlds import owner_on_sandbox
from yarl import URL

from tests.support.owner.jscontact_app import JsContactApp
from tests.support.owner.person import Owner, message
from tests.support.servers.cyrus import PASSWORD
from tests.support.service.in_process import set_up
from tests.support.service.process import environment
from tests.support.soak.watch import memory

TITLES: Final = {
    "mails": "mails in the Feed, Paper Trail, Imbox and Jail",
    "contacts": "contacts, all in the group Feed",
    "waiting": "mails that wait in the Screener, each of another sender",
}
"""The kinds of growth, by key."""

_MANAGED: Final = ("Feed", "Paper Trail", "Imbox", "Jail")
_AT_ONCE: Final = 500
_TAPS: Final = 5
_IDLE_PASSES: Final = 10
"""Passes that are measured. The result has their median time, and their mean processor time,
because processor time is counted in steps of 10 ms."""
_PATIENCE: Final = 300.0


async def measure(size: Size, cwd: Path, tell: Tell) -> dict[str, list[Step]]:
    """Measure every kind of growth."""
    fillings = {"mails": _add_mails, "contacts": _add_contacts, "waiting": _add_waiting}
    growth: dict[str, list[Step]] = {}
    for kind, counts in size.growth.items():
        growth[kind] = []
        for count in counts:
            async with _account(f"{kind}{count}", cwd) as owner:
                await fillings[kind](owner, count)
                step = await _step(owner, count, cwd)
            growth[kind].append(step)
            tell(f"{count:,} {kind}: {step}")
    return growth


@asynccontextmanager
async def _account(name: str, cwd: Path) -> AsyncIterator[Owner]:
    async with (
        sandbox_process([name], "jmap") as server,
        aiohttp.ClientSession() as session,
    ):
        owner = owner_on_sandbox(server, name, "jmap", session)
        await set_up(environment(owner), cwd)
        yield owner


async def _step(owner: Owner, count: int, cwd: Path) -> Step:
    """Measure one account, which is filled already and in which nobody has tapped a label."""
    senders = [f"tapped{number}@tapped{number}.example" for number in range(_TAPS)]
    mails = [message(sender, "tapped") for sender in senders]
    await owner.server.append(owner.name, SCREENER, *mails)
    ids = [await _mail_id(owner, sender) for sender in senders]
    began = time.monotonic()
    async with (
        set_up_stand(owner, cwd, **PAGE_SETTINGS) as stand,
        aiohttp.ClientSession(url_of(stand)) as browser,
    ):
        ready = time.monotonic() - began
        pid = stand.service.process.pid
        began = time.monotonic()
        await fetch_page(browser)
        page = time.monotonic() - began
        idle = [await stand.idle(ids[0]) for _ in range(_IDLE_PASSES)]
        tapped = [(await stand.tap({mail_id: "@ToFeed"}, patience=_PATIENCE))[0] for mail_id in ids]
        return Step(
            count,
            ready=ready,
            idle=median(one_pass.seconds for one_pass in idle),
            tap=median(one_pass.seconds for one_pass in tapped),
            page=page,
            memory=memory(pid),
            idle_cpu=mean(one_pass.cpu_seconds for one_pass in idle),
            tap_cpu=mean(one_pass.cpu_seconds for one_pass in tapped),
        )


async def _mail_id(owner: Owner, sender: str) -> str:
    (mail_id,) = (await owner.jmap("Email/query", {"filter": {"from": sender}}))["ids"]
    return str(mail_id)


async def _add_mails(owner: Owner, count: int) -> None:
    for mailbox in _MANAGED:
        await _append(owner, mailbox, count // len(_MANAGED))


async def _add_waiting(owner: Owner, count: int) -> None:
    await _append(owner, SCREENER, count)


async def _append(owner: Owner, mailbox: str, count: int) -> None:
    for start in range(0, count, _AT_ONCE):
        numbers = range(start, min(count, start + _AT_ONCE))
        mails = [message(f"s{number}@corp{number % 997}.example", "mail") for number in numbers]
        await owner.server.append(owner.name, mailbox, *mails)


async def _add_contacts(owner: Owner, count: int) -> None:
    async with aiohttp.ClientSession() as session:
        app = JsContactApp(session, URL(f"{owner.server.url}/jmap/"), owner.name, PASSWORD)
        (feed,) = [card["id"] for card in await app.cards() if card["name"]["full"] == "Feed"]
        for start in range(0, count, _AT_ONCE):
            numbers = range(start, min(count, start + _AT_ONCE))
            cards = {f"c{number}": _card(number) for number in numbers}
            await app.change(create=cards)
            members = {f"members/{card['uid']}": True for card in cards.values()}
            await app.change(update={feed: members})


def _card(number: int) -> dict[str, Any]:
    return {
        "@type": "Card",
        "version": "1.0",
        "uid": f"c0ffee00-0000-4000-8000-{number:012}",
        "name": {"full": f"Somebody {number}"},
        "emails": {"e": {"address": f"known{number}@company{number % 5000}.example"}},
    }
