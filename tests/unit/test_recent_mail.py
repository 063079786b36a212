"""Headers of all mail since a moment: complete, each mail once, and no page more than needed."""

from datetime import timedelta

import pytest

from mailroom.jmap.errors import MethodError
from mailroom.jmap.mail import RECIPIENTS, Filter, read_email
from mailroom.jmap.recent_mail import MailWithHeaders, headers_since
from mailroom.sandbox import HOSTILE, JAMES, STALWART, Limits, Querying, Quirks
from tests.support.sandbox.arrivals import DAY, NOW, World, a_world

SINCE = NOW - 365 * DAY
SMALL = Limits(max_query=10)


async def read(
    world: World, email_filter: Filter | None = None, *, also: tuple[str, ...] = ()
) -> list[MailWithHeaders]:
    """Read everything, page after page."""
    pages = headers_since(world.account, email_filter, SINCE, also=also)
    return [mail async for page in pages for mail in page]


def fill(world: World, count: int, *, older: int = 0) -> set[str]:
    """Have mail come, the oldest first, one a day; return the ids of the mail of the year."""
    for age in range(365 + older, 365, -1):
        world.deliver(at=NOW - age * DAY)
    return {world.deliver(at=NOW - age * DAY) for age in range(count, 0, -1)}


def queries(world: World, before: int) -> int:
    return sum(exchange.kind == "Email/query Email/get" for exchange in world.proxy.since(before))


async def test_every_mail_of_the_year_is_read_once_and_newest_first() -> None:
    async with a_world(Quirks(limits=SMALL)) as world:
        wanted = fill(world, 35, older=15)
        mails = await read(world)
    dates = [mail.email.received_at for mail in mails]
    assert dates == sorted(dates, reverse=True)
    assert {mail.email.id for mail in mails} == wanted
    assert len(mails) == 35


@pytest.mark.parametrize(("count", "older", "pages"), [(35, 150, 4), (40, 150, 5), (35, 0, 4)])
async def test_reading_ends_where_older_mail_begins(count: int, older: int, pages: int) -> None:
    """One request for each page, however much older mail there is."""
    async with a_world(Quirks(limits=SMALL)) as world:
        fill(world, count, older=older)
        before = len(world.proxy.exchanges)
        assert len(await read(world)) == count
        assert queries(world, before) == pages


async def test_the_headers_are_read() -> None:
    fields = (
        "List-Unsubscribe: <https://loom.example/u>",
        "Precedence: bulk",
        "Auto-Submitted: auto-generated",
        "Feedback-ID: 1:2:3",
        "List-Id: Loom <loom.lists.example>",
    )
    async with a_world() as world:
        world.deliver("Ann <ann@x.example>", *fields)
        (mail,) = await read(world, also=RECIPIENTS)
    assert mail.email.subject == "Hello"
    assert "https://loom.example/u" in mail.unsubscribe
    assert mail.precedence.strip() == "bulk"
    assert mail.auto_submitted.strip() == "auto-generated"
    assert mail.feedback_id.strip() == "1:2:3"
    assert mail.email.list_id == "Loom <loom.lists.example>"
    assert [person.email for person in mail.email.recipients] == ["alice@example.com"]
    assert mail.email.thread_id


async def test_the_filter_limits_the_mail() -> None:
    async with a_world() as world:
        world.deliver(into="Feed")
        inbox = world.deliver()
        mails = await read(world, {"inMailbox": world.places.inbox})
    assert [mail.email.id for mail in mails] == [inbox]


@pytest.mark.parametrize("quirks", [STALWART, JAMES, HOSTILE], ids=["Stalwart", "James", "hostile"])
async def test_mail_without_an_order_is_read_to_the_end(quirks: Quirks) -> None:
    """The oldest mail comes first in the list if no date is indexed."""
    async with a_world(quirks) as world:
        wanted = fill(world, 300, older=600)
        mails = await read(world)
    assert {mail.email.id for mail in mails} == wanted


async def test_mail_that_the_index_lacks_at_the_end_of_the_list_is_read() -> None:
    """Old mail is indexed and sorted; the newest is not indexed yet, and comes last."""
    quirks = Quirks(limits=SMALL, querying=Querying(dates_are_indexed=True, behind=5))
    async with a_world(quirks) as world:
        wanted = fill(world, 25, older=40)
        mails = await read(world)
    assert {mail.email.id for mail in mails} == wanted


async def test_mail_that_comes_meanwhile_repeats_no_mail() -> None:
    async with a_world(Quirks(limits=SMALL)) as world:
        wanted = fill(world, 25, older=30)
        ids = []
        async for page in headers_since(world.account, None, SINCE):
            ids += [mail.email.id for mail in page]
            for _ in range(3):
                world.deliver()
    assert sorted(ids) == sorted(wanted)


async def test_wrong_totals_do_not_end_the_reading() -> None:
    quirks = Quirks(limits=SMALL, querying=Querying(counts_to=20))
    async with a_world(quirks) as world:
        wanted = fill(world, 55)
        assert {mail.email.id for mail in await read(world)} == wanted


async def test_an_account_without_mail() -> None:
    async with a_world() as world:
        assert await read(world) == []


async def test_a_refused_filter_is_an_error() -> None:
    async with a_world() as world:
        with pytest.raises(MethodError, match="unsupportedFilter"):
            await read(world, {"minSize": 1})


def mail_of(received_at: str) -> MailWithHeaders:
    email = {"id": "m", "mailboxIds": {}, "header:From:asAddresses:all": []}
    return MailWithHeaders(read_email({**email, "receivedAt": received_at}))


@pytest.mark.parametrize(
    ("received_at", "age"),
    [
        ("2026-02-24T12:00:00Z", DAY),
        ("2026-02-24T12:00:00.000Z", DAY),
        ("2026-02-26T12:00:00Z", timedelta()),
        ("", timedelta()),
        ("yesterday", timedelta()),
    ],
)
def test_the_age_of_a_mail(received_at: str, age: timedelta) -> None:
    assert mail_of(received_at).age(NOW) == age
