"""``mailroom suggest``: categories for the senders with the most mail, on every server."""

from pathlib import Path

from mailroom.account import open_account
from mailroom.admin.decide import decide_all
from mailroom.admin.suggest import Suggestions, suggest
from mailroom.settings.load import load_settings
from tests.behaviour.conftest import Start, on
from tests.support.owner.person import Owner, message
from tests.support.service.process import environment
from tests.support.variants.worlds import VARIANTS

ANN = "Ann Weaver <ann@home.example>"
BEN = "Ben <ben@corp.example>"
NEWS = "Loom Weekly <hello@loom.example>"
SHOP = "Shop <service@shop.example>"
BANK = "no-reply@bank.example"
STRANGER = "Sam <sam@far.example>"
OWN = "alice@example.com"

pytestmark = on(*(each for each in VARIANTS if each.push != "poll"))


def with_fields(mail: bytes, *fields: str) -> bytes:
    return "".join(f"{field}\r\n" for field in fields).encode() + mail


def mail_of_a_year() -> list[bytes]:
    """Mail of all kinds of senders, those with the most mail first."""
    unsubscribe = "List-Unsubscribe: <https://loom.example/u>"
    list_id, post = "List-Id: Dev <dev.lists.example>", "List-Post: <mailto:dev@lists.example>"
    posters = [f"p{number}@p{number}.example" for number in range(5)]
    return [
        *(with_fields(message(poster, "Re: [dev] warp"), list_id, post) for poster in posters),
        *(with_fields(message(NEWS, f"Issue {n}"), unsubscribe) for n in range(4)),
        *(message(SHOP, f"Ihre Rechnung {n}") for n in range(3)),
        *(message(BANK, f"A new login {n}") for n in range(2)),
        message(ANN, "Lunch?"),
        message(STRANGER, "Hello"),
    ]


async def suggested(owner: Owner, cwd: Path, limit: int = 50) -> Suggestions:
    settings = load_settings(environment(owner), cwd=cwd)
    async with open_account(settings) as account:
        return await suggest(account, limit, lambda label, done, total: None)


def categories(found: Suggestions) -> dict[str, str]:
    return {str(proposal.signals.subject): proposal.category.name for proposal in found.made}


async def test_each_sender_gets_the_category_of_its_kind(alice: Owner, tmp_path: Path) -> None:
    await alice.receive(*mail_of_a_year())
    await alice.server.append(alice.name, "Sent", message(OWN, "Re: Lunch?", to=ANN))
    before = await alice.mails()
    found = await suggested(alice, tmp_path)
    assert list(categories(found).items()) == [
        ("dev.lists.example", "Feed"),
        ("hello@loom.example", "Feed"),
        ("service@shop.example", "Paper Trail"),
        ("no-reply@bank.example", "Feed"),
        ("ann@home.example", "Person"),
    ]
    assert [str(signals.subject) for signals in found.proposals.unclear] == ["sam@far.example"]
    assert await alice.mails() == before
    assert await alice.contacts.contacts() == []
    again = await suggested(alice, tmp_path)
    assert again.data() == found.data()


async def test_senders_with_a_decision_are_left_out(
    alice: Owner, start: Start, tmp_path: Path
) -> None:
    mails = [message(NEWS, f"Issue {n}") for n in range(3)]
    first, *_ = await alice.receive(*mails, message(BANK, "A new login"))
    async with start(alice):
        await alice.tap(first, "@ToFeed")
        await alice.until_triaged()
    assert categories(await suggested(alice, tmp_path)) == {BANK: "Feed"}


async def test_answered_mail_shows_a_person(alice: Owner, tmp_path: Path) -> None:
    (mail,) = await alice.receive(message(BEN, "Hello"))
    assert categories(await suggested(alice, tmp_path)) == {}
    await alice.jmap("Email/set", {"update": {mail: {"keywords/$answered": True}}})
    (proposal,) = (await suggested(alice, tmp_path)).made
    assert proposal.category.name == "Person"
    assert proposal.guess.reason == "you have answered 1 of 1 mail"


async def test_there_are_no_more_proposals_than_wanted(alice: Owner, tmp_path: Path) -> None:
    await alice.receive(*mail_of_a_year())
    found = await suggested(alice, tmp_path, limit=2)
    assert list(categories(found)) == ["dev.lists.example", "hello@loom.example"]


async def test_ticked_proposals_are_decisions(alice: Owner, tmp_path: Path) -> None:
    await alice.receive(*mail_of_a_year())
    async with open_account(load_settings(environment(alice), cwd=tmp_path)) as account:
        found = await suggest(account, 50, lambda label, done, total: None)
        answers = found.ticked("1-3")
        await decide_all(account, answers, lambda label, done, total: None)
    places = {mail.subject: mail.mailboxes for mail in await alice.mails()}
    assert places == {
        "Re: [dev] warp": {"Feed"},
        **{f"Issue {n}": {"Feed"} for n in range(4)},
        **{f"Ihre Rechnung {n}": {"Paper Trail"} for n in range(3)},
        **{f"A new login {n}": {"Screener"} for n in range(2)},
        "Lunch?": {"Screener"},
        "Hello": {"Screener"},
    }
    assert len(await alice.contacts.contacts()) == 3, "no card for any poster"
    assert list(categories(await suggested(alice, tmp_path))) == ["no-reply@bank.example"]
