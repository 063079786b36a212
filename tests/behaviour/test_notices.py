"""A notice is sent for each new sender, once, and its buttons decide."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from tests.behaviour.conftest import Start, on
from tests.support.notices.ntfy import Fault, NoticeServer, notice_server
from tests.support.owner.new_mail import ON, a_pass_later, comes_to, deliver_by_rules, mail
from tests.support.owner.person import Owner
from tests.support.owner.waiting import waits
from tests.support.proxy.proxy import Proxy
from tests.support.proxy.refusing import Refusing
from tests.support.service.page import WITH_PASSWORD, serving_page
from tests.support.service.process import command, environment, free_port
from tests.support.variants.worlds import VARIANTS, SandboxServer, Variant

ANN = "Ann <ann@loom.example>"
BOB = "Bob <bob@home.test>"
NEWS = "The Loom <news@loom.example>"
KEYWORD = "$mailroom-notice"
EACH = on(*(variant for variant in VARIANTS if variant.push == "eventsource" or variant.habit))
ONE = on(Variant("sandbox", "jmap", "eventsource"))


@pytest.fixture
async def ntfy() -> AsyncIterator[NoticeServer]:
    async with notice_server("tk_secret") as server:
        yield server


def to(ntfy: NoticeServer, **more: str) -> dict[str, str]:
    """Return the settings of a service that sends notices to a server."""
    url, token = f"{ntfy.url}/mailroom", ntfy.token
    return {**ON, "MAILROOM_NOTIFY_URL": url, "MAILROOM_NOTIFY_TOKEN": token, **more}


async def without_keyword(owner: Owner, *subjects: str) -> None:
    """Wait until no mail has the keyword for a notice."""

    async def gone() -> bool:
        return not any([KEYWORD in (await owner.mail(subject)).keywords for subject in subjects])

    await owner.until(gone, f"no notice is owed of {subjects}")


@EACH
async def test_one_notice_for_each_new_sender(
    alice: Owner, start: Start, ntfy: NoticeServer
) -> None:
    await deliver_by_rules(alice, mail(BOB, "old"))
    async with start(alice, **to(ntfy)) as service:
        await alice.server.deliver(alice.name, mail(ANN, "one"))
        await comes_to(alice, "one", "Screener")
        await ntfy.until_accepted(1)
        # Neither is news: a second mail, a sender who waits already, a newsletter, a program.
        await alice.server.deliver(alice.name, mail(ANN, "two"))
        await alice.server.deliver(alice.name, mail(BOB, "three"))
        await alice.server.deliver(alice.name, mail(NEWS, "four", "List-Id: <loom.example>"))
        await alice.server.deliver(
            alice.name, mail("Build <ci@loom.example>", "five", "Auto-Submitted: auto-generated")
        )
        for subject in ("two", "three", "four", "five"):
            await comes_to(alice, subject, "Screener")
        await without_keyword(alice, "one", "two", "three", "four", "five")
        # A sender whose mail has left the Screener is new again.
        await alice.move([(await alice.mail(subject)).id for subject in ("one", "two")], ["Inbox"])
        await alice.server.deliver(alice.name, mail(ANN, "six"))
        await ntfy.until_accepted(2)
        assert not service.events("new senders not looked for")
    assert [notice["title"] for notice in ntfy.accepted] == ["New sender: Ann"] * 2
    assert [notice["message"].split("\n")[1] for notice in ntfy.accepted] == ["one", "six"]
    assert {"topic", "title", "message", "priority", "tags"} == set(ntfy.accepted[0])


@ONE
async def test_two_instances_send_one_notice(
    alice: Owner, start: Start, ntfy: NoticeServer
) -> None:
    async with start(alice, **to(ntfy)) as first, start(alice, **to(ntfy)) as second:
        for number in range(4):
            sender = f"P{number} <p{number}@loom.example>"
            await alice.server.deliver(alice.name, mail(sender, f"mail {number}"))
            await comes_to(alice, f"mail {number}", "Screener")
        await ntfy.until_accepted(4)
        await without_keyword(alice, *(f"mail {number}" for number in range(4)))
        await first.end()
        await second.end()
    assert len({notice["title"] for notice in ntfy.accepted}) == len(ntfy.accepted) == 4


@ONE
async def test_a_notice_that_was_owed_at_the_end_is_sent_after_the_start(
    alice: Owner, start: Start, ntfy: NoticeServer
) -> None:
    """The keyword is the only memory, so a process that was killed before its claim loses none."""
    await deliver_by_rules(alice, mail(ANN, "owed"))
    await alice.add_keyword((await alice.mail("owed")).id, KEYWORD)
    async with start(alice, **to(ntfy)):
        await ntfy.until_accepted(1)
        await without_keyword(alice, "owed")
    async with start(alice, **to(ntfy)):
        await a_pass_later(alice)
        await ntfy.until_accepted(2)
    assert [notice["title"].startswith("New sender: Ann") for notice in ntfy.accepted] == [
        True,
        False,
    ]


@ONE
async def test_the_old_mail_of_an_inbox_is_no_news(
    alice: Owner, start: Start, ntfy: NoticeServer
) -> None:
    assert isinstance(alice.server, SandboxServer)
    an_hour_ago = datetime.now(UTC) - timedelta(hours=1)
    for number in range(30):
        old = mail(f"P{number} <p{number}@loom.example>", f"old {number}")
        await alice.server.deliver_at(alice.name, an_hour_ago, old)
    for number in range(7):
        await alice.server.deliver(
            alice.name, mail(f"N{number} <n{number}@loom.example>", f"{number}")
        )
    async with start(alice, **to(ntfy)):
        await ntfy.until_accepted(1)
        await comes_to(alice, "old 29", "Screener")
        await without_keyword(alice, "0")
    (notice,) = ntfy.accepted
    assert notice["title"] == "7 new senders wait"
    assert notice["message"].endswith("and 2 more")


@ONE
async def test_quiet_hours_end_with_one_notice(
    alice: Owner, start: Start, ntfy: NoticeServer
) -> None:
    """The mail of the quiet hours keeps its keyword, and the service that runs later finds it."""
    assert isinstance(alice.server, SandboxServer)
    now = datetime.now(UTC)
    begin, mid, over, end = (now + timedelta(minutes=minutes) for minutes in (-30, -5, -1, 120))

    def night(until: datetime) -> dict[str, str]:
        quiet = f"{begin:%H:%M}-{until:%H:%M}"
        return to(ntfy, MAILROOM_NOTIFY_QUIET=quiet, MAILROOM_TIMEZONE="UTC")

    async with start(alice, **night(end)):
        for sender, subject in ((ANN, "one"), (BOB, "two")):
            await alice.server.deliver_at(alice.name, mid, mail(sender, subject))
            await comes_to(alice, subject, "Screener")
        assert KEYWORD in (await alice.mail("one")).keywords
    assert not ntfy.accepted
    async with start(alice, **night(over)):
        await ntfy.until_accepted(1)
        await without_keyword(alice, "one", "two")
    (notice,) = ntfy.accepted
    assert notice["title"] == f"2 new senders wait since {begin:%H:%M}"
    assert set(notice["message"].split("\n")) == {"Ann", "Bob"}


@ONE
@pytest.mark.parametrize(
    "fault", [Fault(500), Fault(429, {"Retry-After": "0"}), Fault(), Fault(hangs=True), Fault(401)]
)
async def test_mail_goes_on_while_notices_are_refused(
    alice: Owner, start: Start, ntfy: NoticeServer, fault: Fault
) -> None:
    ntfy.faults.append(fault)
    async with start(alice, **to(ntfy)) as service:
        await alice.server.deliver(alice.name, mail(ANN, "one"))
        await ntfy.until_asked(1)
        await alice.server.deliver(alice.name, mail(BOB, "two"))
        await comes_to(alice, "two", "Screener")
        if fault.hangs:
            assert not ntfy.accepted
            return
        await ntfy.until_accepted(1)
        await without_keyword(alice, "one", "two")
    is_repeated = fault.status in {500, 429}
    assert bool(service.events("a notice was dropped; the sender waits in the Screener")) is not (
        is_repeated
    )


@ONE
@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}/mailroom", "https://127.0.0.1:{tls}/x"])
async def test_mail_goes_on_while_the_server_cannot_be_reached(
    alice: Owner, start: Start, ntfy: NoticeServer, url: str
) -> None:
    """Nobody listens on the first port, and the server behind the second does not speak TLS."""
    unreachable = url.format(port=free_port(), tls=URL(ntfy.url).port)
    async with start(alice, **{**to(ntfy), "MAILROOM_NOTIFY_URL": unreachable}) as service:
        await alice.server.deliver(alice.name, mail(ANN, "one"))
        await service.until_logged("a notice was not accepted, and will be sent again")
        await alice.server.deliver(alice.name, mail(BOB, "two"))
        await comes_to(alice, "two", "Screener")
    assert "127.0.0.1" not in str(
        service.events("a notice was not accepted, and will be sent again")
    )


@ONE
async def test_a_keyword_that_may_not_be_removed(
    alice: Owner, start: Start, ntfy: NoticeServer, proxy: Proxy
) -> None:
    """Without the claim no notice is sent, and the server is not asked again and again."""
    refusing = Refusing(
        "Email/set", "forbidden", lambda _, patch: f'"keywords/{KEYWORD}": null' in patch
    )
    proxy.intercept = refusing
    async with start(alice, http=proxy.url, **to(ntfy)) as service:
        await alice.server.deliver(alice.name, mail(ANN, "one"))
        await service.until_logged("new senders not looked for")
        (event,) = service.events("new senders not looked for")
    assert "does not remove the keyword $mailroom-notice: forbidden" in event["error"]
    assert refusing.times == 1
    assert not ntfy.accepted
    assert KEYWORD in (await alice.mail("one")).keywords


@ONE
async def test_a_notice_of_which_one_mail_may_be_claimed(
    alice: Owner, start: Start, ntfy: NoticeServer, proxy: Proxy
) -> None:
    await waits(alice, mail(ANN, "older"), mail(ANN, "newer"))
    for subject in ("older", "newer"):
        await alice.add_keyword((await alice.mail(subject)).id, KEYWORD)
    newer = (await alice.mail("newer")).id
    proxy.intercept = Refusing("Email/set", "forbidden", lambda mail_id, _: mail_id == newer)
    async with start(alice, http=proxy.url, **to(ntfy)) as service:
        await ntfy.until_accepted(1)
        await service.until_logged("new senders not looked for")
    assert [notice["title"] for notice in ntfy.accepted] == ["New sender: Ann"]


@ONE
async def test_without_details_nothing_of_a_sender_leaves(
    alice: Owner, start: Start, ntfy: NoticeServer
) -> None:
    settings = to(
        ntfy,
        MAILROOM_NOTIFY_DETAILS="false",
        MAILROOM_NOTIFY_FORMAT="webhook",
        MAILROOM_NOTIFY_ABOUT="everybody",
        MAILROOM_NOTIFY_URL=f"{ntfy.url}/hook",
        MAILROOM_WEB_URL="https://mailroom.example",
        **WITH_PASSWORD,
    )
    async with start(alice, **settings):
        await alice.server.deliver(alice.name, mail(NEWS, "secret", "List-Id: <loom.example>"))
        await ntfy.until_accepted(1)
    (notice,) = ntfy.accepted
    assert notice["count"] == 1
    assert notice["url"] == "https://mailroom.example/"
    body = ntfy.requests[-1][3].decode()
    assert not [word for word in ("secret", "loom", "Loom", "news") if word in body]


@EACH
async def test_a_button_decides_once(alice: Owner, ntfy: NoticeServer, tmp_path: Path) -> None:
    base = "https://mailroom.example"
    settings = to(ntfy, MAILROOM_WEB_URL=base, **WITH_PASSWORD)
    async with serving_page(alice, tmp_path, **settings) as site, aiohttp.ClientSession() as phone:
        await alice.server.deliver(alice.name, mail(ANN, "one"))
        await ntfy.until_accepted(1)
        (notice,) = ntfy.accepted
        assert notice["click"] == f"{base}/subject?who=ann@loom.example"
        links = {
            action["label"]: action["url"].replace(base, site.url) for action in notice["actions"]
        }
        assert list(links) == ["Imbox", "Feed", "Jail"]

        async def press(answer: str, method: str = "POST") -> tuple[int, str]:
            async with phone.request(method, links[answer]) as response:
                return response.status, await response.text()

        for method in ("GET", "HEAD"):
            assert (await press("Feed", method))[0] == 200
        await a_pass_later(alice)
        assert await alice.where("one") == {"Screener"}

        status, page = await press("Feed")
        assert (status, "Feed: done" in page) == (200, True)
        assert await alice.where("one") == {"Feed"}
        status, page = await press("Feed")
        assert (status, "done already" in page) == (200, True)
        status, page = await press("Jail")
        assert (status, "Decided otherwise" in page) == (409, True)
        assert await alice.where("one") == {"Feed"}

        # A link that was used is not good for a second decision.
        assert (await site.service.page.undo("ann@loom.example")).failure == ""
        assert await alice.where("one") == {"Screener"}
        for answer in links:
            status, page = await press(answer)
            assert (status, "used up" in page) == (410, True)
        assert await alice.where("one") == {"Screener"}

        await alice.move([(await alice.mail("one")).id], ["Inbox"])
        status, page = await press("Imbox")
        assert (status, "Nothing to decide" in page) == (410, True)
    assert await alice.where("one") == {"Inbox"}


@ONE
async def test_the_check_sends_a_test_notice(alice: Owner, ntfy: NoticeServer) -> None:
    env = environment(alice, **to(ntfy))
    done = await command(env, "check", "--notice")
    assert done.code == 0, done.out
    assert "ok   notices: about people by ntfy, without buttons (the page is off);" in done.out
    assert "127.0.0.1 answers" in done.out
    assert "ok   test notice: sent" in done.out
    assert [notice["title"] for notice in ntfy.accepted] == ["Notices work"]
    ntfy.faults.append(Fault(301, {"Location": "https://ntfy.example.com/"}))
    done = await command(env, "check")
    assert "127.0.0.1: redirected with status 301; Mailroom follows no redirect" in done.out
    ntfy.faults += [Fault(404), Fault(404)]
    done = await command(env, "check", "--notice")
    assert done.code == 1
    assert "BAD  test notice: not sent: refused with status 404" in done.out
    assert "/mailroom" not in done.out.partition("test notice")[2]
