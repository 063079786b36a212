"""New mail is found once, and none is passed over."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from multidict import CIMultiDict

from mailroom.sandbox import Limits, Quirks
from mailroom.screener.arrivals.new_mail import NewMail, NewMailFinder
from mailroom.screener.arrivals.screening import Policy, Screening
from mailroom.screener.model.categories import DEFAULTS
from mailroom.screener.model.keywords import SCREENED
from tests.support.proxy.proxy import Answer, Exchange, Forward
from tests.support.sandbox.arrivals import DAY, NOW, World, a_world
from tests.support.sandbox.client import mail


async def found(world: World, finder: NewMailFinder) -> list[str]:
    return [each.id for each in (await world.new_mail(finder)).emails]


async def test_the_first_look_goes_back_as_far_as_configured() -> None:
    async with a_world() as world:
        world.deliver(at=NOW - 2 * DAY)
        late = world.deliver(at=NOW - timedelta(hours=1))
        early = world.deliver(at=NOW - timedelta(hours=23))

        assert await found(world, world.finder()) == [early, late]
        assert await found(world, world.finder(timedelta(0))) == []


@pytest.mark.parametrize("days", [-5, 5])
async def test_new_is_what_is_new_by_the_servers_clock(days: int) -> None:
    """The clock of a container may be days off; the server dates its answers."""
    async with a_world() as world:
        now = datetime.now(UTC)
        old, new = world.deliver(at=now - 3 * DAY), world.deliver(at=now)
        shift = timedelta(days=days)

        async def another_date(exchange: Exchange, forward: Forward) -> Answer:
            answer = await forward()
            moved = CIMultiDict(answer.headers)
            moved["Date"] = format_datetime(now + shift, usegmt=True)
            return Answer(answer.status, moved, answer.body)

        world.proxy.intercept = another_date
        screening = Screening(world.account, DEFAULTS, Policy(lookback=DAY, authserv_id=""))
        await world.account.read([new])

        expected = [] if days > 0 else [old, new]
        assert await found(world, screening.finder) == expected


async def test_only_mail_in_the_inbox_alone_that_was_never_screened_is_new() -> None:
    async with a_world() as world:
        world.deliver(into="Archive")
        world.console.label(world.deliver(), add=["Feed"])
        finder = world.finder()
        finder.note_handled(await world.new_mail(finder))
        world.console.label(world.deliver(), add=["Feed"], remove=["Inbox"])
        world.console.deliver(mail(), keywords=[SCREENED], received_at=NOW)

        assert await found(world, finder) == []
        assert await found(world, world.finder()) == []


@pytest.mark.parametrize("entered_is_created", [False, True])
async def test_in_the_screener_only_mail_is_new_that_has_just_come(
    *, entered_is_created: bool
) -> None:
    """Some servers report a mail as created whenever it enters a mailbox."""
    async with a_world(Quirks(entered_is_created=entered_is_created)) as world:
        earlier = world.deliver(at=NOW - timedelta(hours=1), into="Feed")
        waiting = world.deliver(into="Screener")
        finder = world.finder()
        first = await world.new_mail(finder)
        assert waiting not in [email.id for email in first.emails]
        finder.note_handled(first)

        new, filed = world.deliver(into="Screener"), world.deliver(into="Feed")
        assert await found(world, finder) == [new]
        finder.note_handled(await world.new_mail(finder))
        for moved in (earlier, filed):
            world.console.label(moved, add=["Screener"], remove=["Feed"])
        assert await found(world, finder) == []


async def test_a_later_look_finds_what_came_since() -> None:
    async with a_world() as world:
        world.deliver()
        finder = world.finder()
        finder.note_handled(await world.new_mail(finder))
        assert await found(world, finder) == []

        new = world.deliver()
        world.deliver(at=NOW - 2 * DAY)
        assert await found(world, finder) == [new]
        assert await found(world, finder) == [new], "nobody has seen to it yet"


async def test_a_mail_that_comes_back_to_the_inbox_is_not_new() -> None:
    async with a_world() as world:
        mail_id = world.deliver(into="Screener")
        finder = world.finder()
        finder.note_handled(await world.new_mail(finder))
        world.console.label(mail_id, add=["Inbox"], remove=["Screener"])

        assert await found(world, finder) == []


async def test_mail_that_came_and_went_is_no_news() -> None:
    async with a_world() as world:
        finder = world.finder()
        finder.note_handled(await world.new_mail(finder))
        gone = world.deliver(into="Feed")
        world.console.destroy_mailbox("Feed")

        assert gone not in await found(world, finder)


async def test_changes_that_do_not_fit_into_one_answer_make_it_look_back() -> None:
    async with a_world(Quirks(limits=Limits(max_objects_in_get=30))) as world:
        finder = world.finder()
        finder.note_handled(await world.new_mail(finder))
        new = [world.deliver() for _ in range(70)]
        for mail_id in new[:5]:
            world.console.label(mail_id, add=["Imbox"])
            world.console.label(mail_id, remove=["Imbox"])

        new_mail = await world.new_mail(finder)
        assert {each.id for each in new_mail.emails} == set(new)
        finder.note_handled(new_mail)
        assert await found(world, finder) == []


@pytest.mark.parametrize("state", ["of another server", "999999"])
async def test_a_state_that_the_server_does_not_know_makes_it_look_back(state: str) -> None:
    async with a_world() as world:
        mail_id = world.deliver()
        finder = world.finder()
        finder.note_handled(NewMail((), state))

        new_mail = await world.new_mail(finder)
        assert [each.id for each in new_mail.emails] == [mail_id]
        finder.note_handled(new_mail)
        assert await found(world, finder) == []


async def test_the_fields_of_the_users_server_are_read_from_the_top() -> None:
    async with a_world() as world:
        fields = [f"Authentication-Results: mx.example.com; dmarc={each}" for each in "ab"]
        world.deliver("ann@x.example", *fields)
        finder = world.finder()
        (first,) = (await world.new_mail(finder)).emails
        finder.note_handled(NewMail((), "1"))
        (again,) = (await world.new_mail(finder)).emails

    values = [each.strip() for each in first.authentication_results]
    assert values == ["mx.example.com; dmarc=a", "mx.example.com; dmarc=b"]
    assert again == first
