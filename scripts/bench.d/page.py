"""``scripts/bench --page``: taps on the page beside taps of a label, and a page of 5,000 mails.

A tap on the page lasts from the request until the row says where the sender went. A tap of a label
lasts from the label until the owner sees the mail in its new mailbox without the label.
"""

import re
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles
from typing import Final

import aiohttp
from stand import SCREENER, Stand, set_up_stand, wait_until
from worlds import TITLES, MeasuredServer, running_server

from tests.support.owner.person import Owner, message
from tests.support.soak.watch import memory, peak_memory

_ROUND_TRIPS: Final = (0, 100)
"""In ms."""
_WAITING: Final = 5000
_SENDERS: Final = 2000
PAGE_SETTINGS: Final = {
    "MAILROOM_WEB_AUTH": "none",
    "MAILROOM_WEB_HOST": "127.0.0.1",
    "MAILROOM_WEB_PORT": "0",
}
"""Settings that serve the page without sign-in on this machine."""
_BY_SCRIPT: Final = {"X-Requested-With": "mailroom", "Sec-Fetch-Site": "same-origin"}

Tell = Callable[[str], None]


async def measure(key: str, taps: int, cwd: Path, tell: Tell) -> None:
    """Measure one server, and print the figures."""
    async with running_server(key, cwd) as server:
        for round_trip in _ROUND_TRIPS:
            await _taps(await server.new_owner(), round_trip, taps, cwd, tell, TITLES[key])
        await _many_waiting(server, cwd, tell)


async def _taps(
    owner: Owner, round_trip: int, taps: int, cwd: Path, tell: Tell, title: str
) -> None:
    names = [f"{way}{number}" for way in ("page", "label") for number in range(taps)]
    mails = [message(f"{name}@{name}.example", name) for name in names]
    await owner.server.append(owner.name, SCREENER, *mails)
    async with (
        set_up_stand(owner, cwd, round_trip=round_trip / 1000, **PAGE_SETTINGS) as stand,
        aiohttp.ClientSession(url_of(stand)) as browser,
    ):
        await fetch_page(browser)
        stand.proxy.round_trip = stand.round_trip
        ids = {mail.subject: mail.id for mail in await owner.mails()}
        by_page = [await _page_tap(browser, ids[name], name) for name in names[:taps]]
        by_label = [await _label_tap(owner, ids[name]) for name in names[taps:]]
    tell(f"{title}, {round_trip} ms a round trip: tap on the page {_spread(by_page)}")
    tell(f"{title}, {round_trip} ms a round trip: tap of a label  {_spread(by_label)}")


async def _page_tap(browser: aiohttp.ClientSession, mail_id: str, name: str) -> float:
    row = f"{mail_id} {name}@{name}.example"
    began = time.perf_counter()
    form = {"row": row, "answer": "Feed"}
    async with browser.post("/decide", data=form, headers=_BY_SCRIPT) as response:
        text = await response.text()
    took = time.perf_counter() - began
    if response.status != 200 or "Feed" not in text:  # noqa: PLR2004
        raise RuntimeError(f"{response.status}: {text}")
    return took


async def _label_tap(owner: Owner, mail_id: str) -> float:
    mailboxes = await owner.mailboxes()
    began = time.perf_counter()
    await owner.tap(mail_id, "@ToFeed")

    async def filed() -> bool:
        wanted = {"ids": [mail_id], "properties": ["mailboxIds"]}
        (email,) = (await owner.jmap("Email/get", wanted))["list"]
        return set(email["mailboxIds"]) == {mailboxes["Feed"]}

    await wait_until(filed, "the mail is in the Feed")
    return time.perf_counter() - began


async def _many_waiting(server: MeasuredServer, cwd: Path, tell: Tell) -> None:
    owner = await server.new_owner()
    mails = [
        message(f"Sender {number % _SENDERS} <s{number % _SENDERS}@x.example>", f"mail {number}")
        for number in range(_WAITING)
    ]
    for start in range(0, _WAITING, 500):
        await owner.server.append(owner.name, SCREENER, *mails[start : start + 500])
    async with (
        set_up_stand(owner, cwd, **PAGE_SETTINGS) as stand,
        aiohttp.ClientSession(url_of(stand)) as browser,
    ):
        pid = stand.service.process.pid
        idle = memory(pid)
        times = []
        for _ in range(6):
            began = time.perf_counter()
            text = await fetch_page(browser)
            times.append(time.perf_counter() - began)
        says_count = re.search(r"\b2,?000\b", text)
        tell(
            f"{_WAITING:,} mails of {_SENDERS:,} senders: read and shown in {times[0]:.2f} s, then"
            f" shown in {median(times[1:]):.3f} s ({len(text) / 1000:,.0f} kB); memory"
            f" {memory(pid) - idle:+.0f} MB, peak {peak_memory(pid) - idle:+.0f} MB over"
            f" {idle:.0f} MB" + ("" if says_count else " (the page does not say 2,000)")
        )


async def fetch_page(browser: aiohttp.ClientSession) -> str:
    """Return the first page of the list."""
    async with browser.get("/?page=1") as response:
        response.raise_for_status()
        return await response.text()


def url_of(stand: Stand) -> str:
    """Return the URL at which the service of a stand serves its page."""
    (started,) = stand.service.events("started")
    return f"http://127.0.0.1:{started['web_port']}"


def _spread(seconds: list[float]) -> str:
    p95 = quantiles(seconds, n=20)[-1]
    return f"p50 {median(seconds):.3f} s, p95 {p95:.3f} s ({len(seconds)} taps)"
