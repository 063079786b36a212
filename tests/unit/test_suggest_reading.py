"""The mail of the last year is read as it should be, whatever the server can do."""

import json

import pytest

from mailroom.contacts.index import ContactIndex
from mailroom.jmap.errors import MethodError
from mailroom.jmap.habits import Limitation
from mailroom.sandbox import CYRUS_3_14, HOSTILE, JAMES, STALWART, Quirks
from mailroom.screener.suggest.reading import Reader
from mailroom.screener.suggest.signals import Signals
from tests.support.proxy.proxy import Answer, Exchange, Forward, Interceptor
from tests.support.sandbox.arrivals import DAY, World, a_world
from tests.support.sandbox.client import mail

SERVERS = {
    "as the RFCs say": Quirks(),
    "Stalwart": STALWART,
    "Cyrus 3.14": CYRUS_3_14,
    "James": JAMES,
    "hostile": HOSTILE,
}


async def tallied(world: World, shown: list[tuple[str, int, int]] | None = None) -> list[Signals]:
    """Read the mail; the signals of all senders, those with the most mail first."""
    progress = [] if shown is None else shown

    def show(label: str, done: int, total: int) -> None:
        progress.append((label, done, total))

    reader = Reader(world.account, world.places, show)
    tally = await reader.tally(["alice@example.com"], ContactIndex())
    return list(tally.largest_first())


def fill(world: World) -> None:
    """Fill an account: Ann is answered, Ben has written long ago, others lie elsewhere."""
    console, present = world.console, world.account.client.server_now()
    roles = {mailbox.role: mailbox.name for mailbox in console.account.mail.mailboxes.values()}
    for days in (0, 3, 40):
        world.deliver("ann@x.example", at=present - days * DAY)
    world.deliver("ben@x.example", at=present - 370 * DAY)
    for role in ("trash", "junk", "spam", "drafts"):
        if role in roles:
            world.deliver(f"{role}@x.example", at=present, into=roles[role])
    answer = mail("alice@example.com", "Re: Hello").replace(b"To: alice@", b"To: Ann <ann@x.")
    answer = answer.replace(b"ann@x.example.com", b"ann@x.example")
    console.append(answer, mailboxes=[roles["sent"]], received_at=present - DAY)
    world.deliver("screened@x.example", at=present, into="Screener")


@pytest.mark.parametrize("quirks", SERVERS.values(), ids=SERVERS)
async def test_the_year_is_read_without_trash_junk_and_drafts(quirks: Quirks) -> None:
    async with a_world(quirks) as world:
        fill(world)
        found = await tallied(world)
    assert {signals.subject.key: signals.mails for signals in found} == {
        "ann@x.example": 3,
        "screened@x.example": 1,
    }
    assert found[0].written == 1


def refusing(error: str) -> Interceptor:
    """Refuses a filter that excludes mailboxes."""

    async def intercept(exchange: Exchange, forward: Forward) -> Answer:
        if b"inMailboxOtherThan" not in exchange.body:
            return await forward()
        calls = json.loads(exchange.body)["methodCalls"]
        responses = [["error", {"type": error}, call_id] for _, _, call_id in calls]
        answer = await forward()
        body = {**json.loads(answer.body), "methodResponses": responses}
        answer.headers.pop("Content-Length", None)
        return Answer(200, answer.headers, json.dumps(body).encode())

    return intercept


async def test_everything_is_read_if_no_mailbox_can_be_excluded() -> None:
    async with a_world() as world:
        fill(world)
        expected = await tallied(world)
        world.proxy.intercept = refusing("unsupportedFilter")
        assert await tallied(world) == expected
        assert Limitation.EXCLUDED_MAILBOXES in world.account.habits
        asked = len(world.proxy.exchanges)
        assert await tallied(world) == expected
    again = world.proxy.since(asked)
    assert not any(b"inMailboxOtherThan" in exchange.body for exchange in again)


async def test_another_refusal_is_an_error() -> None:
    async with a_world() as world:
        world.proxy.intercept = refusing("serverPartialFail")
        with pytest.raises(MethodError, match="serverPartialFail"):
            await tallied(world)


async def test_the_progress_is_that_of_the_year() -> None:
    shown: list[tuple[str, int, int]] = []
    async with a_world() as world:
        fill(world)
        await tallied(world, shown)
    assert shown == [
        ("Reading sent mail", 0, 365),
        ("Reading sent mail", 1, 365),
        ("Reading sent mail", 365, 365),
        ("Reading mail", 0, 365),
        ("Reading mail", 40, 365),
        ("Reading mail", 365, 365),
    ]
