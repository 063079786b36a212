"""Scenarios for the fault tests: what Mailroom is doing when a fault happens.

:mod:`tests.faults.test_matrix` explains the words.
"""

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
from mailroom.sandbox.owner import OwnerConsole
from mailroom.sandbox.sandbox_account import SandboxAccount
from mailroom.settings.load import load_settings
from mailroom.settings.model import Settings
from tests.support import virtual_time
from tests.support.faults.account import copied, snapshot
from tests.support.faults.running import instance
from tests.support.faults.server import AccountServer, Line, serving
from tests.support.owner.contacts_app import ContactsApp
from tests.support.owner.jscontact_app import JsContactApp
from tests.support.owner.person import message
from tests.support.owner.vcard_app import VCardApp, default_book
from tests.support.proxy.proxy import Exchange, Interceptor, pass_through

T = TypeVar("T")

BACKENDS: Final = ("carddav", "jmap")
_ME: Final = User("alice")
_LABELS: Final = ("Feed", "PaperTrail", "Jail", "Person", "Billboard")
_LIST: Final = {
    "List-Id": "Loom developers <dev.lists.loom.example>",
    "List-Post": "<mailto:dev@lists.loom.example>",
}

EVERYTHING: Final = os.environ.get("FAULTS") == "all"
"""True to run every cell. ``FAULTS=all scripts/test --unit tests/faults`` takes about an hour of
processor time."""


@dataclass(frozen=True)
class Scenario:
    """An account at rest, and something that happens to it.

    Attributes:
        contacts: adds the cards that the owner has.
        mails: the mail at first, as (sender, subject, mailboxes). A pass without faults runs
            over it before the scenario begins.
        act: does what the owner or a sender does then. Faults are injected into the requests
            that Mailroom makes because of it.
        meanwhile: does something more just before the first write of contacts.
        is_large: True if Mailroom makes the same requests many times, so that each fault is
            injected at one request of each kind only.
        is_variation: True if Mailroom makes the requests of another scenario, so that faults are
            injected only with ``FAULTS=all``. Kills are tested always.
    """

    name: str
    contacts: Callable[[ContactsApp], Awaitable[None]]
    mails: tuple[tuple[str, str, tuple[str, ...]], ...]
    act: Callable[[OwnerConsole], None]
    meanwhile: Callable[[OwnerConsole], None] | None = None
    is_large: bool = False
    is_variation: bool = False

    def begin(self, server: AccountServer, account: SandboxAccount) -> None:
        """Let the scenario happen to an account."""
        console = OwnerConsole(account)
        self.act(console)
        if self.meanwhile is not None:
            server.meanwhile = partial(self.meanwhile, console)

    def __str__(self) -> str:
        return self.name

    def sample(
        self, candidates: Iterable[T], kind: Callable[[T], Hashable], number: int
    ) -> list[T]:
        """Return all candidates; in a large scenario, the one numbered ``number`` of each kind."""
        if not self.is_large or EVERYTHING:
            return list(candidates)
        of_kind = defaultdict[Hashable, list[T]](list)
        for candidate in candidates:
            of_kind[kind(candidate)].append(candidate)
        return [alike[number % len(alike)] for alike in of_kind.values()]


@dataclass(frozen=True)
class Prepared:
    """A scenario's account and its reference run.

    Attributes:
        base: the account before the scenario begins; to be copied.
        end: snapshot of the account after the reference run.
        exchanges: Mailroom's requests in the reference run: all of them if the service starts
            after the scenario has begun, else those after it has begun.
        answered: for each exchange, whether its answer had a body.
    """

    base: SandboxAccount
    end: list[str]
    exchanges: tuple[Exchange, ...]
    answered: tuple[bool, ...]

    @property
    def startup_requests(self) -> int:
        """Number of requests at the start of the service, which are the same in every scenario."""
        return next(
            at for at, exchange in enumerate(self.exchanges) if "Identity/get" in exchange.calls
        )


def _mail(console: OwnerConsole, sender: str, subject: str, mailboxes: tuple[str, ...]) -> None:
    """Deliver a mail; if the subject begins with "post", the mail comes from the mailing list."""
    headers = _LIST if subject.startswith("post") else {}
    console.deliver(message(sender, subject, headers=headers), mailboxes=mailboxes)


def _tap(console: OwnerConsole, labels: Mapping[str, str]) -> None:
    """Put labels on mails: subject -> label, or several labels with spaces between them."""
    ids = {mail.subject: mail.id for mail in console.mails()}
    for subject, of_mail in labels.items():
        console.label(ids[subject], add=of_mail.split())


def tapping(**labels: str) -> Callable[[OwnerConsole], None]:
    """Return a scenario's act: put labels on mails, as subject=label."""
    return lambda console: _tap(console, labels)


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


def _conflict_ends(console: OwnerConsole) -> None:
    (mail,) = console.mails("@MailroomError")
    console.label(mail.id, remove=["@ToJail"])


def _new_mail(console: OwnerConsole) -> None:
    for sender in (BOB, "Stranger <stranger@corp.example>", CY):
        console.deliver(message(sender, f"new of {sender}"))


def _tapped_and_written(console: OwnerConsole) -> None:
    """Tap one mail of a sender, and deliver another at the same time."""
    _tap(console, {"new": "@ToPerson"})
    console.deliver(message(BOB, "newer"))


def _provider_files(console: OwnerConsole) -> None:
    """Deliver a mail as the provider's rules file it, which do not know of the decision yet."""
    _mail(console, BOB, "late", _SCREENER)


_UID_OF_BOB: Final = "ef8352e5-02f4-56ed-be26-3166195c2a3b"
"""The UID of the card that Mailroom makes for Bob's address."""


async def _rob(app: ContactsApp) -> None:
    """Add the card that Mailroom made for Bob, which by now bears another address."""
    await app.add(_UID_OF_BOB, "Rob Builder", "rob@corp.example", "Met at the fair.")
    await app.join("Imbox", _UID_OF_BOB)


_ANN: Final = "Ann <ann@corp.example>"
_WIN: Final = "Win Big <win@spam.example>"
_OF_LIST: Final = (
    (BOB, "post1", _SCREENER),
    (_ANN, "post2", _SCREENER),
    (CY, "post3", _SCREENER),
    (_ANN, "letter", _SCREENER),
)
_OF_DOMAIN: Final = (
    (BOB, "bob", _SCREENER),
    (_ANN, "ann", _SCREENER),
    ("Di <di@corp.example>", "di", _SCREENER),
    ("cy@corp.example", "cy", _SCREENER),
)
_DECIDED_BY_LIST: Final = ((BOB, "post0", ("Screener", "@ToFeed")), *_OF_LIST)
_DECIDED_BY_DOMAIN: Final = (
    ("Eve <eve@corp.example>", "eve", ("Screener", "@ToFeed", "@WholeDomain")),
    *_OF_DOMAIN,
)


async def _domain(app: ContactsApp) -> None:
    await app.add("corp", "Corp", "cy@corp.example", "All of them.", more=["*@corp.example"])


def _rules_of_before(console: OwnerConsole) -> None:
    """Deliver a mail as the provider files it, by the groups that the sender is in so far."""
    _mail(console, BOB, "late", ("Imbox", "Inbox"))


def _one_of_a_domain_writes(console: OwnerConsole) -> None:
    _tap(console, {"new": "@ToPerson"})
    console.deliver(message("ann@corp.example", "of another"))


def _old_mail_is_deleted(console: OwnerConsole) -> None:
    (old,) = [mail for mail in console.mails() if mail.subject == "old"]
    console.label(old.id, add=["Trash"], remove=old.mailboxes)


def _tapping_of(senders: int) -> Callable[[OwnerConsole], None]:
    labels = {f"new {at}": f"@To{_LABELS[at % len(_LABELS)]}" for at in range(senders)}
    return lambda console: _tap(console, labels)


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
    Scenario("list tapped", _cy, _OF_LIST, tapping(post1="@ToFeed")),
    Scenario(
        "domain tapped", _cy, _OF_DOMAIN, tapping(ann="@WholeDomain @ToFeed"), is_variation=True
    ),
    Scenario(
        "domain tapped of one with a card",
        _cy,
        ((BOB, "old", ("Screener", "@ToImbox")), *_OF_DOMAIN),
        tapping(bob="@WholeDomain @ToFeed"),
    ),
    Scenario(
        "spam tapped",
        _cy,
        (
            (_WIN, "win", _SCREENER),
            (_WIN, "old win", _SCREENER),
            (BOB, "new", ("Screener", "@ToImbox")),
            (CY, "card", ("Screener", "@ToPerson")),
        ),
        tapping(win="@ToSpam", new="@ToSpam", card="@ToSpam"),
    ),
    Scenario(
        "undo of spam",
        _nobody,
        ((_WIN, "win", ("Screener", "@ToSpam")), (_WIN, "old win", _SCREENER)),
        tapping(win="@ToScreener"),
        is_variation=True,
    ),
    Scenario("undo of a list", _cy, _DECIDED_BY_LIST, tapping(post2="@ToScreener")),
    Scenario(
        "undo of a domain", _cy, _DECIDED_BY_DOMAIN, tapping(ann="@ToScreener"), is_variation=True
    ),
    Scenario("five senders", _cy, _several(5), _tapping_of(5)),
    Scenario("sixty senders", _cy, _several(60), _tapping_of(60), is_large=True),
)
UNDO_OF_ONE: Final = Scenario(
    "undo of one",
    _nobody,
    ((BOB, "new", ("Screener", "@ToImbox")),),
    tapping(new="@ToScreener"),
)
"""Deletes a card; otherwise only the groups that the card leaves change."""


def settings(line: Line) -> Settings:
    """Return settings for a service over a line, without push: no fault here needs push."""
    return _settings(line.url)


@cache
def _settings(url: str) -> Settings:
    return load_settings(environ(url), cwd=Path("/"))


def environ(url: str) -> dict[str, str]:
    """Return the environment variables of these settings, for a server at a URL."""
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
    """Prepare a scenario's account, and do its reference run."""
    base = virtual_time.run(_base(scenario, backend))
    return virtual_time.run(_reference(scenario, base, at_start=at_start))


async def _base(scenario: Scenario, backend: str) -> SandboxAccount:
    quirks = Quirks(contacts=backend == "jmap")
    account = SandboxAccount(_ME, quirks, clock=lambda: 0.0)
    async with serving(account) as server, aiohttp.ClientSession() as session:
        line, *_ = server.lines
        async with open_account(settings(line)) as mailroom:
            await create(mailroom, await find_lacking(mailroom))
        await scenario.contacts(_app(session, backend, line))
        for mail in scenario.mails:
            _mail(OwnerConsole(account), *mail)
        async with instance(settings(line)) as service:
            await service.until_done()
    return account


def _app(session: aiohttp.ClientSession, backend: str, line: Line) -> ContactsApp:
    if backend == "carddav":
        return VCardApp(session, default_book(line.url, _ME.name), _ME.name, _ME.password)
    return JsContactApp(session, URL(f"{line.url}/jmap/"), _ME.name, _ME.password)


async def play(
    scenario: Scenario,
    server: AccountServer,
    account: SandboxAccount,
    *,
    at_start: bool,
    intercept: Interceptor = pass_through,
) -> None:
    """Let a scenario happen, and run the service until nothing is left to do.

    Args:
        scenario: the scenario.
        server: serves the account.
        account: the scenario's account.
        at_start: True to start the service after the scenario has begun.
        intercept: called for each request after the scenario has begun.
    """
    server.serve(account)
    line, *_ = server.lines
    if at_start:
        scenario.begin(server, account)
        line.intercept = intercept
    async with instance(settings(line)) as service:
        if not at_start:
            await service.until_done()
            scenario.begin(server, account)
            line.exchanges, line.answered, line.intercept = [], [], intercept
        await service.until_done()


async def _reference(scenario: Scenario, base: SandboxAccount, *, at_start: bool) -> Prepared:
    account = copied(base)
    async with serving(account) as server:
        await play(scenario, server, account, at_start=at_start)
        line, *_ = server.lines
        return Prepared(base, snapshot(account), tuple(line.exchanges), tuple(line.answered))
