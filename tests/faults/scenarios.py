"""What Mailroom is at when something goes wrong, and how it ends when nothing does."""

import os
from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Final, TypeVar

import aiohttp
from yarl import URL

from mailroom.account import open_account
from mailroom.admin.setup import create, find_lacking
from mailroom.sandbox import Quirks, User
from mailroom.sandbox.contacts import Contacts
from mailroom.sandbox.desk import Desk
from mailroom.sandbox.sandbox_account import SandboxAccount
from mailroom.settings import Settings, load_settings
from tests.support import virtual_time
from tests.support.faults.account import copied, snapshot
from tests.support.faults.running import instance
from tests.support.faults.server import Line, Served, serving
from tests.support.owner.contacts_app import ContactsApp
from tests.support.owner.jscontact_app import JsContactApp
from tests.support.owner.person import message
from tests.support.owner.vcard_app import VCardApp, default_book
from tests.support.proxy.proxy import Exchange, Interceptor, pass_through

T = TypeVar("T")

BACKENDS: Final = ("carddav", "jmap")
_ME: Final = User("alice")
_LABELS: Final = ("Feed", "PaperTrail", "Jail", "Person", "Billboard")


EVERYTHING: Final = os.environ.get("FAULTS") == "all"
"""Whether nothing is left out for the sake of time: ``FAULTS=all scripts/test --unit tests/faults``
takes about an hour of processor time."""


@dataclass(frozen=True)
class Scenario:
    """Something to be done.

    Attributes:
        contacts: the cards that the owner has.
        mails: the mail at first, as (sender, subject, mailboxes); a pass is run over it.
        act: what the owner, or the world, does then; what follows from it is watched.
        meanwhile: what else happens, at the moment in which contacts are written first.
        is_large: whether it asks the same many times over, so that one of each kind of request is
            tried with each fault, and not every one of them.
    """

    name: str
    contacts: Callable[[ContactsApp], Awaitable[None]]
    mails: tuple[tuple[str, str, tuple[str, ...]], ...]
    act: Callable[[Desk], None]
    meanwhile: Callable[[Desk], None] | None = None
    is_large: bool = False

    def begin(self, served: Served, account: SandboxAccount) -> None:
        """Have it happen."""
        desk = Desk(account)
        self.act(desk)
        if self.meanwhile is not None:
            served.meanwhile = partial(self.meanwhile, desk)

    def __str__(self) -> str:
        return self.name

    def some(self, places: Iterable[T], kind: Callable[[T], Hashable], number: int) -> list[T]:
        """The places that are tried; ``number`` says which of each kind, if not all of them."""
        if not self.is_large or EVERYTHING:
            return list(places)
        of_kind = defaultdict[Hashable, list[T]](list)
        for place in places:
            of_kind[kind(place)].append(place)
        return [each[number % len(each)] for each in of_kind.values()]


@dataclass(frozen=True)
class Prepared:
    """A scenario, ready to begin.

    Attributes:
        base: the account before anything is done; to be copied.
        end: the account as it is when nothing goes wrong.
        exchanges: what was asked, as long as nothing went wrong; from the start on, or from the
            moment on in which something was done while the service ran.
        answered: beside each of them, whether there was a body in the answer.
    """

    base: SandboxAccount
    end: list[str]
    exchanges: tuple[Exchange, ...]
    answered: tuple[bool, ...]

    @property
    def preliminaries(self) -> int:
        """How many requests are made to get going, before the scenario makes a difference."""
        looks = [at for at, each in enumerate(self.exchanges) if "Identity/get" in each.calls]
        return looks[0]


def _mail(desk: Desk, sender: str, subject: str, mailboxes: tuple[str, ...]) -> None:
    desk.deliver(message(sender, subject), mailboxes=mailboxes)


def _tap(desk: Desk, labels: Mapping[str, str]) -> None:
    """Put labels on mails: subject -> label."""
    ids = {each.subject: each.id for each in desk.mails()}
    for subject, label in labels.items():
        desk.label(ids[subject], add=[label])


def tapping(**labels: str) -> Callable[[Desk], None]:
    """Puts labels on mails: subject=label."""
    return lambda desk: _tap(desk, labels)


async def _nobody(_: ContactsApp) -> None: ...


async def _cy(app: ContactsApp) -> None:
    await app.add("cy", "Cyril Sneer", "cy@corp.example", "Met at the fair.", more=["cy@x.example"])


_SCREENER: Final = ("Screener",)
BOB: Final = "Bob Builder <bob@corp.example>"
CY: Final = "cy@x.example"
_FIRST: Final = (
    (BOB, "old", _SCREENER),
    (BOB, "new", _SCREENER),
    (BOB, "kept", ("Archive",)),
    ("ann@corp.example", "other", _SCREENER),
)


def _conflict_ends(desk: Desk) -> None:
    (mail,) = desk.mails("@MailroomError")
    desk.label(mail.id, remove=["@ToJail"])


def _new_mail(desk: Desk) -> None:
    for sender in (BOB, "Stranger <stranger@corp.example>", CY):
        desk.deliver(message(sender, f"new of {sender}"))


def _tapped_and_written(desk: Desk) -> None:
    """Both at once: one mail of a sender is tapped, and another comes."""
    _tap(desk, {"new": "@ToPerson"})
    desk.deliver(message(BOB, "newer"))


def _provider_files(desk: Desk) -> None:
    """As its rules tell it to, which know nothing of the decision yet."""
    _mail(desk, BOB, "late", _SCREENER)


_UID_OF_BOB: Final = "ef8352e5-02f4-56ed-be26-3166195c2a3b"
"""What Mailroom calls the card that it makes for Bob's address."""


async def _rob(app: ContactsApp) -> None:
    """Mailroom made this card for Bob; by now it bears another address."""
    await app.add(_UID_OF_BOB, "Rob Builder", "rob@corp.example", "Met at the fair.")
    await app.join("Imbox", _UID_OF_BOB)


async def _domain(app: ContactsApp) -> None:
    await app.add("corp", "Corp", "cy@corp.example", "All of them.", more=["*@corp.example"])


def _rules_of_before(desk: Desk) -> None:
    """The provider's rules file by the groups that the sender is in as yet."""
    _mail(desk, BOB, "late", ("Imbox", "Inbox"))


def _one_of_a_domain_writes(desk: Desk) -> None:
    _tap(desk, {"new": "@ToPerson"})
    desk.deliver(message("ann@corp.example", "of another"))


def _old_mail_is_deleted(desk: Desk) -> None:
    (old,) = [each for each in desk.mails() if each.subject == "old"]
    desk.label(old.id, add=["Trash"], remove=old.mailboxes)


def _tapping_of(senders: int) -> Callable[[Desk], None]:
    labels = {f"new {at}": f"@To{_LABELS[at % len(_LABELS)]}" for at in range(senders)}
    return lambda desk: _tap(desk, labels)


def _several(senders: int) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    return tuple(
        (f"Sender <s{number}@corp.example>" if number else CY, f"{age} {number}", _SCREENER)
        for age in ("old", "new")
        for number in range(senders)
    )


SCENARIOS: Final = (
    Scenario("first triage", _nobody, _FIRST, tapping(new="@ToImbox")),
    Scenario(
        "re-triage",
        _cy,
        (
            (BOB, "new", ("Screener", "@ToFeed")),
            (BOB, "old", _SCREENER),
            (CY, "card", ("Screener", "@ToPerson")),
        ),
        tapping(new="@ToBillboard", card="@ToFeed"),
    ),
    Scenario(
        "undo",
        _cy,
        (
            (BOB, "new", ("Screener", "@ToImbox")),
            (BOB, "old", _SCREENER),
            (CY, "card", ("Screener", "@ToPerson")),
        ),
        tapping(new="@ToScreener", card="@ToScreener"),
    ),
    Scenario(
        "conflict healed",
        _nobody,
        ((BOB, "new", ("Screener", "@ToFeed", "@ToJail")), (BOB, "old", _SCREENER)),
        _conflict_ends,
    ),
    Scenario(
        "arrivals",
        _cy,
        ((BOB, "new", ("Screener", "@ToImbox")), (CY, "card", ("Archive",))),
        _new_mail,
    ),
    Scenario("writes while tapped", _nobody, _FIRST, _tapped_and_written),
    Scenario(
        "filed while tapped", _nobody, _FIRST, tapping(new="@ToPerson"), meanwhile=_provider_files
    ),
    Scenario(
        "half a chain filed while tapped",
        _nobody,
        ((BOB, "new", ("Screener", "@ToImbox")), (BOB, "old", _SCREENER)),
        tapping(new="@ToPerson"),
        meanwhile=_rules_of_before,
    ),
    Scenario(
        "one of a domain writes while tapped",
        _domain,
        (("cy@corp.example", "new", _SCREENER),),
        _one_of_a_domain_writes,
    ),
    Scenario(
        "deleted while tapped",
        _nobody,
        _FIRST,
        tapping(new="@ToImbox"),
        meanwhile=_old_mail_is_deleted,
    ),
    Scenario("uid taken", _rob, _FIRST, tapping(new="@ToJail")),
    Scenario("five senders", _cy, _several(5), _tapping_of(5)),
    Scenario("sixty senders", _cy, _several(60), _tapping_of(60), is_large=True),
)
UNDO_OF_ONE: Final = Scenario(
    "undo of one",
    _nobody,
    ((BOB, "new", ("Screener", "@ToImbox")),),
    tapping(new="@ToScreener"),
)
"""A card is deleted, and nothing is changed but the groups that it leaves."""


def settings(line: Line) -> Settings:
    """What it takes to run Mailroom over a line; without push, as a fault does not wait for it."""
    return _settings(line.url)


@cache
def _settings(url: str) -> Settings:
    return load_settings(environ(url), cwd=Path("/"))


def environ(url: str) -> dict[str, str]:
    """As :func:`settings`, for a server at this URL; not yet read."""
    variables = {
        "MAILROOM_JMAP_SESSION_URL": f"{url}/jmap/",
        "MAILROOM_CARDDAV_URL": f"{url}/",
        "MAILROOM_PUSH_TRANSPORT": "off",
    }
    for section in ("JMAP", "CARDDAV"):
        variables[f"MAILROOM_{section}_USERNAME"] = _ME.name
        variables[f"MAILROOM_{section}_PASSWORD"] = _ME.password
    return variables


@cache
def prepared(scenario: Scenario, backend: str, *, at_start: bool) -> Prepared:
    """Make a scenario ready, and see how it goes when nothing goes wrong."""
    base = virtual_time.run(_base(scenario, backend))
    return virtual_time.run(_reference(scenario, base, at_start=at_start))


async def _base(scenario: Scenario, backend: str) -> SandboxAccount:
    quirks = Quirks(contacts=backend == "jmap")
    account = SandboxAccount(_ME, quirks, [Contacts], clock=lambda: 0.0)
    async with serving(account) as served, aiohttp.ClientSession() as session:
        line, *_ = served.lines
        async with open_account(settings(line)) as mailroom:
            await create(mailroom, await find_lacking(mailroom))
        await scenario.contacts(_app(session, backend, line))
        for mail in scenario.mails:
            _mail(Desk(account), *mail)
        async with instance(settings(line)) as service:
            await service.until_done()
    return account


def _app(session: aiohttp.ClientSession, backend: str, line: Line) -> ContactsApp:
    if backend == "carddav":
        return VCardApp(session, default_book(line.url, _ME.name), _ME.name, _ME.password)
    return JsContactApp(session, URL(f"{line.url}/jmap/"), _ME.name, _ME.password)


async def play(
    scenario: Scenario,
    served: Served,
    account: SandboxAccount,
    *,
    at_start: bool,
    intercept: Interceptor = pass_through,
) -> None:
    """Have a scenario happen, with something in the way, until nothing is left to be done.

    Args:
        scenario: what happens.
        served: where.
        account: it happens to.
        at_start: whether it happens before the service starts, or while it runs.
        intercept: stands in the way as soon as it has happened.
    """
    served.take(account)
    line, *_ = served.lines
    if at_start:
        scenario.begin(served, account)
        line.intercept = intercept
    async with instance(settings(line)) as service:
        if not at_start:
            await service.until_done()
            scenario.begin(served, account)
            line.exchanges, line.answered, line.intercept = [], [], intercept
        await service.until_done()


async def _reference(scenario: Scenario, base: SandboxAccount, *, at_start: bool) -> Prepared:
    account = copied(base)
    async with serving(account) as served:
        await play(scenario, served, account, at_start=at_start)
        line, *_ = served.lines
        return Prepared(base, snapshot(account), tuple(line.exchanges), tuple(line.answered))
