"""Public reports of programs of this kind, each a case that somebody met; and none of them breaks.

The docstring of each test names the report. A report stands for a kind: what belongs to it besides
is tested where the kind is.
"""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from multidict import CIMultiDict

from tests.behaviour.conftest import Start, on
from tests.support.owner.new_mail import a_pass_later, comes_to
from tests.support.owner.person import Owner, message
from tests.support.proxy.proxy import Answer, Exchange, Forward, Proxy
from tests.support.service.process import Service
from tests.support.variants.worlds import DIGIT_IDS, Variant

ON = {"MAILROOM_ARRIVALS_ENABLED": "true"}
ME = "alice@example.com"
ANN = "Ann <ann@corp.example>"
STRANGER = "stranger@x.example"

TOO_LARGE = (
    b'<D:error xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav">'
    b"<C:max-resource-size/></D:error>"
)

CYRUS = Variant("cyrus", "carddav", "eventsource")
JMAP = Variant("sandbox", "jmap", "websocket")
CARDDAV = Variant("sandbox", "carddav", "eventsource")


def mail(sender: str, subject: str, *fields: str) -> bytes:
    """A mail with further header fields on top of all others."""
    head = "".join(f"{field}\r\n" for field in fields)
    return head.encode() + message(sender, subject)


def named(data: bytes, message_id: str) -> bytes:
    """The mail under another Message-ID."""
    head, found, rest = data.partition(b"Message-ID: <")
    assert found
    return head + found + message_id.encode() + b">" + rest.partition(b">")[2]


async def knows_ann(owner: Owner, *groups: str) -> None:
    await owner.contacts.add("ann", "Ann", "ann@corp.example")
    for group in groups:
        await owner.contacts.join(group, "ann")


@on(CYRUS, JMAP, CARDDAV)
async def test_a_post_by_way_of_a_mailing_list_is_not_forged(alice: Owner, start: Start) -> None:
    """php/infrastructure#34: lists break DKIM, and receivers write ``dmarc=fail`` for it."""
    fields = (
        "Authentication-Results: mx4.messagingengine.com;\r\n dmarc=fail"
        " policy.published-domain-policy=none policy.applied-disposition=none\r\n"
        " policy.override-reason=mailing_list (p=none,has-list-id=yes,d=none)"
        " header.from=corp.example"
    )
    await knows_ann(alice, "Imbox")
    settings = {"MAILROOM_ARRIVALS_AUTHSERV_ID": "*.messagingengine.com"}
    async with start(alice, **ON, **settings):
        await alice.server.deliver(alice.name, mail(ANN, "post", fields))
        await comes_to(alice, "post", "Imbox", "Inbox")


@on(JMAP, CARDDAV)
async def test_a_failure_that_the_domain_does_not_mind_is_only_a_warning(
    alice: Owner, start: Start
) -> None:
    """Mnexa-AI/e2a#318: forwarded mail fails, and the domain asks for nothing."""
    field = "Authentication-Results: mx.example.com; dmarc=fail (p=none dis=none)"
    await knows_ann(alice, "Feed")
    async with start(alice, **ON, MAILROOM_ARRIVALS_AUTHSERV_ID="mx.example.com"):
        await alice.server.deliver(
            alice.name, mail(ANN, "forwarded", field), mail(STRANGER, "strange", field)
        )
        await comes_to(alice, "forwarded", "Feed", "@MailroomWarning")
        await comes_to(alice, "strange", "Screener", "@MailroomWarning")


@on(CYRUS, JMAP, CARDDAV)
async def test_results_in_several_fields_of_one_host(alice: Owner, start: Start) -> None:
    """trusteddomainproject/OpenDMARC#17: each filter writes a field of its own."""
    fields = (
        "Authentication-Results: mail.example.com (amavisd-new); dkim=pass header.d=x.example",
        "Authentication-Results: mail.example.com; dmarc=fail (p=reject) header.from=corp.example",
    )
    await knows_ann(alice, "Imbox")
    async with start(alice, **ON, MAILROOM_ARRIVALS_AUTHSERV_ID="mail.example.com"):
        await alice.server.deliver(alice.name, mail(ANN, "forged", *fields))
        await comes_to(alice, "forged", "Screener", "@MailroomWarning")


@on(JMAP, CARDDAV)
async def test_a_sender_at_ones_own_domain_can_be_triaged(alice: Owner, start: Start) -> None:
    """MadLlama25/fastmail-mcp#46: who has a catch-all has an identity ``*@home.example``."""
    await alice.server.append(alice.name, "Sent", message("alias@home.example", "sent"))
    async with start(alice, **ON) as service:
        nas = message("nas@home.example", "backup done")
        await alice.server.deliver(alice.name, nas, message("alias@home.example", "to myself"))
        await comes_to(alice, "backup done", "Screener")
        await a_pass_later(alice)
        assert await alice.where("to myself") == {"Inbox"}
        tapped = [(await alice.mail(each)).id for each in ("backup done", "to myself")]
        await alice.tap(tapped, "@ToPaperTrail")
        await alice.until_triaged()
        await service.until_logged("decision carried out")
    assert await alice.where("backup done") == {"Paper Trail"}
    assert await alice.where("to myself") == {"Inbox"}
    assert await alice.groups_of("nas@home.example") == {"Paper Trail", "Mailroom"}
    assert await alice.contacts_of("alias@home.example") == []


@on(JMAP, CARDDAV)
async def test_an_alias_that_was_used_long_ago_is_ones_own(alice: Owner, start: Start) -> None:
    """floatpane/matcha#1201: of a catch-all, those addresses are one's own that one wrote from."""
    sent = [message("alias@home.example", "long ago")]
    sent += [message(ME, f"sent {number}") for number in range(300)]
    await alice.server.append(alice.name, "Sent", *sent)
    async with start(alice, **ON):
        await alice.server.deliver(
            alice.name,
            message("alias@home.example", "to myself"),
            message("nas@home.example", "backup done"),
        )
        await comes_to(alice, "backup done", "Screener")
        await a_pass_later(alice)
        assert await alice.where("to myself") == {"Inbox"}


@on(DIGIT_IDS)
async def test_mailboxes_whose_ids_are_digits_only(alice: Owner, start: Start) -> None:
    """bulwarkmail/webmail#623: a patch path that ends in digits is taken for an array's."""
    async with start(alice, **ON):
        for subject in ("first", "second"):
            await alice.server.deliver(alice.name, message(ANN, subject))
            await comes_to(alice, subject, "Screener")
        await alice.tap((await alice.mail("first")).id, "@ToFeed")
        await comes_to(alice, "first", "Feed")
        await comes_to(alice, "second", "Feed")
        await alice.server.deliver(alice.name, message(ANN, "third"))
        await comes_to(alice, "third", "Feed")
        await alice.tap((await alice.mail("second")).id, "@ToScreener")
        for subject in ("first", "second", "third"):
            await comes_to(alice, subject, "Screener")
        await alice.until_triaged()


@on(CYRUS, JMAP, CARDDAV)
async def test_what_answers_ones_own_mail_stays(alice: Owner, start: Start) -> None:
    """margince/margince#3043: delivery reports, ticket systems and third people answer, too."""
    sent = named(message(ME, "Broken kettle", to="support@shop.example"), "question@me")
    await alice.server.append(alice.name, "Sent", sent)
    answers = "In-Reply-To: <question@me>"
    report = "Content-Type: multipart/report; report-type=delivery-status; boundary=x"
    bounce = message("MAILER-DAEMON", "Undelivered").replace(
        b"Content-Type: text/plain", report.encode() + b"\r\nX-Was: text/plain"
    )
    async with start(alice, **ON):
        await alice.server.deliver(
            alice.name,
            mail("agent7@tickets.example", "[Ticket 7] Broken kettle", answers),
            mail("third@x.example", "Re: Broken kettle", answers),
            bounce,
            mail(STRANGER, "no answer", "In-Reply-To: <another@x.example>"),
        )
        await comes_to(alice, "no answer", "Screener")
        await a_pass_later(alice)
        subjects = ("[Ticket 7] Broken kettle", "Re: Broken kettle", "Undelivered")
        assert [await alice.where(each) for each in subjects] == [{"Inbox"}] * 3
        await alice.tap((await alice.mail("Undelivered")).id, "@ToFeed")
        await comes_to(alice, "Undelivered", "Inbox", "@ToFeed", "@MailroomError")


@on(JMAP)
@pytest.mark.parametrize("days", [-5, 5])
async def test_the_clock_of_the_host_does_not_decide_what_is_new(
    alice: Owner, start: Start, proxy: Proxy, days: int
) -> None:
    """docker/for-win#10347: the clock of a container was days off."""
    shift = timedelta(days=days)

    async def date_of_the_server(exchange: Exchange, forward: Forward) -> Answer:
        answer = await forward()
        answer.headers["Date"] = format_datetime(datetime.now(UTC) + shift, usegmt=True)
        return answer

    proxy.intercept = date_of_the_server
    server: Any = alice.server
    now = datetime.now(UTC) + shift
    await server.deliver_at(alice.name, now, message(ANN, "new"))
    await server.deliver_at(alice.name, now - timedelta(days=3), message(ANN, "old"))
    async with start(alice, http=proxy.url, **ON):
        await comes_to(alice, "new", "Screener")
        await alice.tap((await alice.mail("new")).id, "@ToFeed")
        await alice.until_triaged()
    assert await alice.where("old") == {"Inbox"}
    (line,) = (await alice.contact("ann@corp.example")).note
    noted = datetime.strptime(line, "Triaged to Feed on %Y-%m-%d at %H:%M").astimezone()
    assert abs(noted - now) < timedelta(minutes=5), "notes are dated by the server's clock as well"


@on(CARDDAV)
@pytest.mark.parametrize(
    ("status", "body"), [(413, b"too large"), (403, TOO_LARGE), (507, b"the disk is full")]
)
async def test_a_card_that_the_server_refuses_for_good(
    alice: Owner, start: Start, proxy: Proxy, status: int, body: bytes
) -> None:
    """nextcloud/server#46193: a limit came later, and old cards exceed it."""
    refused: list[str] = []

    async def too_large(exchange: Exchange, forward: Forward) -> Answer:
        if exchange.method == "PUT" and b"ann@corp.example" in exchange.body and refusing:
            refused.append(exchange.path)
            return Answer(status, CIMultiDict({"Content-Type": "application/xml"}), body)
        return await forward()

    refusing = [True]
    proxy.intercept = too_large
    await knows_ann(alice)
    first, second = await alice.receive(message(ANN, "first"), message(ANN, "second"))
    async with start(alice, http=proxy.url, **ON) as service:
        await alice.tap(first, "@ToFeed")
        await comes_to(alice, "first", "Screener", "@ToFeed", "@MailroomError")
        await _is_stuck(alice, service, str(status))
        tries = len(refused)
        for _ in range(3):
            await a_pass_later(alice)
        assert len(refused) == tries, "asked again within the hour"

        refusing.clear()
        await alice.untap(first, "@ToFeed")
        await a_pass_later(alice)
        await alice.tap(second, "@ToFeed")
        await alice.until_triaged()
        for subject in ("first", "second"):
            await comes_to(alice, subject, "Feed")


async def _is_stuck(owner: Owner, service: Service, words: str) -> None:
    async def told() -> bool:
        stuck = (await service.health()).get("stuck", {})
        return words in stuck.get("ann@corp.example", "")

    await owner.until(told, "the health report names the contact and the server's words")


@on(CYRUS, JMAP, CARDDAV)
async def test_mail_that_its_owner_puts_into_the_inbox_stays(alice: Owner, start: Start) -> None:
    """tutao/tutanota#5735: read mail, dragged there from another account, was screened away."""
    long_ago = format_datetime(datetime.now(UTC) - timedelta(days=2))
    copied = mail(STRANGER, "copied", f"Received: from a by b with ESMTP; {long_ago}")
    async with start(alice, **ON):
        await alice.server.append(alice.name, "Inbox", copied, mail(STRANGER, "by a script"))
        await a_pass_later(alice)
        assert await alice.where("copied") == {"Inbox"}
        assert await alice.where("by a script") == {"Inbox"}
    async with start(alice, **ON):
        await a_pass_later(alice)
    assert await alice.where("copied") == {"Inbox"}
    assert await alice.where("by a script") == {"Inbox"}


@on(CYRUS, JMAP, CARDDAV)
async def test_mail_that_a_label_takes_out_of_junk_is_no_junk(alice: Owner, start: Start) -> None:
    """bulwarkmail/webmail#850: rescued from Junk, but still ``$junk`` for every other app."""
    (rescued,) = await alice.receive(message(ANN, "rescued"), into={"Spam"})
    await alice.jmap("Email/set", {"update": {rescued: {"keywords/$junk": True}}})
    async with start(alice):
        await alice.tap(rescued, "@ToImbox")
        await alice.until_triaged()
        assert await alice.where("rescued") == {"Imbox", "Inbox"}
        keywords = (await alice.mail("rescued")).keywords
        assert keywords & {"$junk", "$notjunk"} == {"$notjunk"}


@on(JMAP, CARDDAV)
async def test_a_tap_and_new_mail_while_mail_changes_all_the_time(
    alice: Owner, start: Start, proxy: Proxy
) -> None:
    """While an import runs no update that is held to a state ever goes through."""
    (tapped, other) = await alice.receive(message(ANN, "tapped"), message(STRANGER, "flagged"))
    (swept,) = await alice.receive(message(ANN, "swept"))
    flags: list[str] = []

    async def change_mail(exchange: Exchange, forward: Forward) -> Answer:
        if exchange.calls:
            flags.append("x")
            flag = {f"keywords/import{len(flags)}": True}
            await alice.jmap("Email/set", {"update": {other: flag}})
        return await forward()

    async with start(alice, http=proxy.url, **ON):
        await a_pass_later(alice)
        proxy.intercept = change_mail
        began = len(proxy.exchanges)
        await alice.server.deliver(alice.name, message("new@x.example", "new"))
        await alice.tap(tapped, "@ToFeed")
        await comes_to(alice, "tapped", "Feed")
        await comes_to(alice, "swept", "Feed")
        await comes_to(alice, "new", "Screener")
        requests = [each for each in proxy.exchanges[began:] if each.calls]
    assert swept
    assert len(requests) <= 60
