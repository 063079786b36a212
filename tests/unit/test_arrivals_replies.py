"""New mail that answers the user is recognised, and only that."""

import pytest

from mailroom.jmap.errors import MethodError
from mailroom.sandbox import Limits, Quirks
from mailroom.screener.arrivals.replies import Replies
from tests.support.proxy.proxy import Answer, Exchange, Forward
from tests.support.sandbox.arrivals import World, a_world

ME = "alice@example.com"


async def answers(world: World) -> set[str]:
    """The ids of the new mails that answer the user."""
    new_mail = await world.new_mail(world.finder())
    return set(await Replies(world.account).among(new_mail.emails, world.places.sent))


async def test_a_mail_in_a_thread_with_one_in_sent() -> None:
    async with a_world() as world:
        world.deliver(ME, "Message-ID: <question@me>", into="Sent")
        first = world.deliver("a@x.example", "Message-ID: <1@x>", "In-Reply-To: <question@me>")
        second = world.deliver("b@x.example", "References: <1@x>")
        world.deliver("c@x.example", "References: <other@me>")
        world.deliver("d@x.example")

        assert await answers(world) == {first, second}


async def test_only_sent_mail_makes_it_an_answer() -> None:
    async with a_world() as world:
        for place in ("Inbox", "Archive", "Drafts"):
            world.deliver(ME, f"Message-ID: <{place}@me>", into=place)
            world.deliver("a@x.example", f"In-Reply-To: <{place}@me>")

        assert await answers(world) == set()


async def test_a_reference_to_sent_mail_of_another_thread() -> None:
    """Servers begin another thread where the subject is another."""
    async with a_world() as world:
        world.deliver(ME, "Message-ID: <question@me>", into="Sent")
        mail_id = world.deliver("tickets@x.example", "In-Reply-To: <question@me>")
        world.deliver("tickets@x.example", "In-Reply-To: <somebody@else>")
        alone = world.console.account.mail.emails[mail_id].thread_id

        async def no_thread(exchange: Exchange, forward: Forward) -> Answer:
            answer = await forward()
            if "Thread/get" not in exchange.calls:
                return answer
            body = answer.body.replace(alone.encode(), b"another")
            return Answer(answer.status, answer.headers, body)

        new_mail = await world.new_mail(world.finder())
        world.proxy.intercept = no_thread
        found = await Replies(world.account).among(new_mail.emails, world.places.sent)
        assert found == {mail_id}


async def test_the_id_of_a_thread_is_no_message_id() -> None:
    async with a_world() as world:
        world.deliver(ME, "Message-ID: <question@me>", into="Sent")
        answer = world.deliver("a@x.example", "In-Reply-To: <question@me>")
        thread = world.console.account.mail.emails[answer].thread_id
        world.deliver("eve@x.example", f"In-Reply-To: <{thread}>")

        assert await answers(world) == {answer}


async def test_all_are_asked_about_in_one_request() -> None:
    async with a_world() as world:
        world.deliver(ME, "Message-ID: <question@me>", into="Sent")
        for number in range(250):
            world.deliver(f"{number}@x.example", "In-Reply-To: <question@me>")
            world.deliver(f"{number}@x.example")

        assert len(await answers(world)) == 250
        assert sum("Thread/get" in each.calls for each in world.proxy.exchanges) == 1


async def test_threads_of_more_mails_than_are_read_at_a_time() -> None:
    async with a_world(Quirks(limits=Limits(max_objects_in_get=30))) as world:
        world.deliver(ME, "Message-ID: <long@me>", into="Sent")
        expected = {world.deliver("a@x.example", "In-Reply-To: <long@me>") for _ in range(40)}
        for number in range(30):
            world.deliver(f"{number}@x.example")

        assert await answers(world) == expected


async def test_nothing_is_asked_where_there_is_nothing_to_ask() -> None:
    async with a_world() as world:
        world.deliver()
        new_mail = await world.new_mail(world.finder())
        asked = len(world.proxy.exchanges)

        assert await Replies(world.account).among((), world.places.sent) == frozenset()
        assert await Replies(world.account).among(new_mail.emails, frozenset()) == frozenset()
        assert len(world.proxy.exchanges) == asked


@pytest.mark.parametrize("kind", ["unknownMethod", "invalidArguments", "serverFail"])
async def test_a_server_that_knows_no_threads_knows_no_answers(kind: str) -> None:
    """A failure that passes is reported, for the next pass may see more."""
    async with a_world() as world:
        world.deliver()
        new_mail = await world.new_mail(world.finder())

        async def refuse(exchange: Exchange, forward: Forward) -> Answer:
            answer = await forward()
            error = b'["error",{"type":"%s"},"%d"]'
            errors = b",".join(error % (kind.encode(), number) for number in range(4))
            body = b'{"sessionState":"0","methodResponses":[%s]}' % errors
            return Answer(answer.status, answer.headers, body)

        world.proxy.intercept = refuse
        finding = Replies(world.account).among(new_mail.emails, world.places.sent)
        if kind == "serverFail":
            with pytest.raises(MethodError, match=kind):
                await finding
        else:
            assert await finding == frozenset()
