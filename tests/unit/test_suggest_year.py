"""A year of mail of senders of known kinds: the proposals fit, and nothing is written."""

from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from math import ceil
from pathlib import Path
from typing import Final

import pytest

from mailroom.account import Account, open_account
from mailroom.admin.setup import create, find_lacking
from mailroom.admin.suggest import suggest
from mailroom.sandbox import STALWART_LIMITS, OwnerConsole, Quirks, Sandbox, User
from mailroom.settings.load import load_settings
from tests.support.proxy.proxy import Proxy, proxying
from tests.support.sandbox.year_of_mail import (
    COMPANY,
    MAILING_LIST,
    NEWSLETTER,
    NOTIFICATIONS,
    OWN,
    PERSON,
    RECEIPTS,
    STRANGER,
    YearOfMail,
    table,
)

NOTHING: Final = "no proposal"
RIGHT: Final = {
    PERSON: "Person",
    COMPANY: "Imbox",
    NEWSLETTER: "Feed",
    NOTIFICATIONS: "Feed",
    MAILING_LIST: "Feed",
    RECEIPTS: "Paper Trail",
    STRANGER: NOTHING,
}
EVERYBODY: Final = 5000
BESIDE_PAGES: Final = 3
"""Requests: the mailboxes; labels and identities; the address book."""


@asynccontextmanager
async def opened(
    cwd: Path, quirks: Quirks | None = None
) -> AsyncIterator[tuple[Account, OwnerConsole, Proxy]]:
    """An account that is set up, its owner's console, and the line to it."""
    alice = User("alice", "secret", token="t0ken", addresses=(OWN,))
    sandbox = Sandbox(users=[alice], quirks=quirks)
    async with sandbox.serve(), proxying(sandbox.url) as proxy:
        environ = {
            "MAILROOM_JMAP_SESSION_URL": f"{proxy.url}/jmap/",
            "MAILROOM_JMAP_TOKEN": "t0ken",
        }
        async with open_account(load_settings(environ, cwd=cwd)) as account:
            await create(account, await find_lacking(account))
            yield account, sandbox.owner(), proxy


def silent(label: str, done: int, total: int) -> None:
    """Show no progress."""


async def test_the_proposals_for_20000_mails_fit(
    tmp_path: Path, measured: Callable[[str], None]
) -> None:
    async with opened(tmp_path) as (account, console, proxy):
        year = YearOfMail(console, datetime.now(UTC))
        year.fill(20_000, scale=10)
        before, asked = console.mails(), len(proxy.exchanges)
        found = await suggest(account, EVERYBODY, silent)
        exchanges = proxy.since(asked)
        assert console.mails() == before
    assert not any(exchange.is_write for exchange in exchanges)
    assert found.proposals.mails == 20_000
    answers = {str(proposal.signals.subject): proposal.category.name for proposal in found.made}
    rows = {kind: Counter[str]() for kind in RIGHT}
    for sender in year.senders:
        rows[sender.kind][answers.get(sender.who, NOTHING)] += 1
    lines = table(rows, list(dict.fromkeys(RIGHT.values())))
    measured("\n".join(["proposals for the senders of 20000 mails:", *lines]))
    right = {kind: row[RIGHT[kind]] / row.total() for kind, row in rows.items()}
    assert min(right.values()) >= 0.9, right


@pytest.mark.parametrize("size", [500, 1000], ids=str)
async def test_each_page_of_mail_is_one_request(
    tmp_path: Path, measured: Callable[[str], None], size: int
) -> None:
    others = []
    quirks = Quirks(limits=replace(STALWART_LIMITS, max_objects_in_get=size))
    async with opened(tmp_path, quirks) as (account, console, proxy):
        year = YearOfMail(console, datetime.now(UTC))
        for mails, scale in ((2_900, 1), (5_900, 0)):
            year.fill(mails, scale=scale)
            asked = len(proxy.exchanges)
            await suggest(account, EVERYBODY, silent)
            exchanges = proxy.since(asked)
            pages = [each for each in exchanges if b"header:List-Unsubscribe" in each.body]
            others.append(len(exchanges) - len(pages))
            measured(
                f"suggest: {mails} mails, {size:4} in a page: {len(pages)} requests for mail,"
                f" {others[-1]} others"
            )
            # At first the totals are not proven, and an empty page ends the sent mail.
            assert len(pages) == ceil(mails / size) + (2 if scale else 1)
    assert others[0] == others[1] <= BESIDE_PAGES
