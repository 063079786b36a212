"""``mailroom check``: looks at everything that Mailroom depends on, and changes nothing.

The check goes on after a bad finding if it can, so that the user sees all findings at once.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from mailroom.account import Account, PushTransport
from mailroom.admin.beside import service_beside
from mailroom.admin.searching import find_limitations
from mailroom.admin.setup import find_lacking
from mailroom.admin.sign_of_life import BlockedError, sign_of_life
from mailroom.exits import Exit
from mailroom.http import CredentialsRefusedError
from mailroom.jmap.session import Session, unusable_push_urls
from mailroom.report import plan_text
from mailroom.runtime.failing import EXPECTED, exit_code
from mailroom.screener.model.missing import MissingError, NoRightToWriteError
from mailroom.screener.model.places import Directory, lacking_rights
from mailroom.settings import Shown, describe

_CLOCKS_AGREE: Final = 60.0
"""Seconds by which the clocks may differ: the Date header is rounded, and an answer takes time."""
_PING: Final = 5
"""Seconds between the pings that the check asks for; some servers never ping under 30."""
_AGAIN: Final = "not looked at, for the same reason"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one part of the check.

    Attributes:
        what: the thing that was looked at.
        detail: its condition, in a line.
        code: OK, or the exit code that the service would end with because of it.
        lines: further lines about it.
        is_open: True for a warning: not good, but not known to be bad either.
        is_passing: True for a message about progress, which is no result.
    """

    what: str
    detail: str
    code: Exit = Exit.OK
    lines: tuple[str, ...] = ()
    is_open: bool = False
    is_passing: bool = False

    def text(self) -> Iterator[str]:
        """Return the finding in lines for a terminal."""
        mark = "BAD" if self.code is not Exit.OK else " . " if self.is_open else "ok "
        yield f"{mark}  {self.what}: {self.detail}"
        yield from (f"       {line}" for line in self.lines)


async def check(account: Account) -> AsyncIterator[Finding]:
    """Look at one thing after the other; failures of a server become findings.

    A server that has refused the credentials is not asked again.
    """
    reasons: set[str] = set()
    refused: set[str] = set()
    # Unless the settings name the protocol for contacts, only the mail server knows it.
    is_known = account.settings.contacts.backend == "carddav"
    for part in _PARTS:
        asks = part.asks if is_known or _CONTACTS not in part.asks else part.asks | {_MAIL}
        if not refused.isdisjoint(asks):
            yield Finding(part.title, _AGAIN, Exit.CREDENTIALS)
            continue
        try:
            async for finding in part.look(account):
                yield finding
        except EXPECTED as error:
            reason = str(error)
            yield Finding(part.title, _AGAIN if reason in reasons else reason, exit_code(error))
            reasons.add(reason)
            if isinstance(error, CredentialsRefusedError):
                refused |= part.is_proof_for


async def _settings(account: Account) -> AsyncIterator[Finding]:
    every = describe(account.settings)
    given = [each for each in every if each.origin]
    defaults = len(every) - len(given)
    yield Finding(
        "settings",
        f"{len(given)} are set, {defaults} others have their defaults",
        lines=tuple(_setting(each) for each in given),
    )


def _setting(setting: Shown) -> str:
    origin = "" if setting.origin == setting.variable else f"  ({setting.origin})"
    return f"{setting.variable} = {setting.value}{origin}"


async def _session(account: Account) -> AsyncIterator[Finding]:
    session = await account.client.session()
    mail = await account.mail()
    yield Finding("JMAP", f"signed in as {session.username}, account {mail.id}")
    yield Finding("limits", _limits(session))
    for unusable in unusable_push_urls(session, account.settings.jmap.credentials.reach):
        yield Finding("session", unusable, is_open=True)
    (addresses,) = await account.client.perform(mail.identities())
    listed = ", ".join(addresses) or "none known; your own mail is recognised in Sent and Drafts"
    yield Finding("your addresses", listed)
    if (difference := _clock_difference(account)) is not None:
        yield difference


def _clock_difference(account: Account) -> Finding | None:
    """Return a warning if this machine's clock and the mail server's do not agree."""
    now = datetime.now(UTC)
    seconds = (now - account.client.server_now()).total_seconds()
    if abs(seconds) <= _CLOCKS_AGREE:
        return None
    which = "ahead of" if seconds > 0 else "behind"
    amount = timedelta(seconds=round(abs(seconds)))
    detail = (
        f"this machine's clock is {amount} {which} the mail server's. Mail is judged by the"
        " server's clock, but certificates are not: set this machine's clock (NTP)"
    )
    return Finding("clock", detail, is_open=True)


def _limits(session: Session) -> str:
    limits = session.limits
    return (
        f"{limits.max_objects_in_get} mails read and {limits.max_objects_in_set} moved at a time, "
        f"{limits.max_concurrent_requests} requests at once"
    )


async def _contacts(account: Account) -> AsyncIterator[Finding]:
    book = await account.book()
    used = await book.describe()
    detail = f"address book {used.name!r} over {used.protocol} at {used.url}"
    yield Finding("contacts", detail, lines=await book.notes())


async def _rights(account: Account) -> AsyncIterator[Finding]:
    mail = await account.mail()
    if mail.is_read_only:
        raise NoRightToWriteError([f"account {mail.id}: isReadOnly"])
    settings = account.settings
    places = Directory(await mail.mailboxes())
    if lacking := list(lacking_rights(places, settings.categories, settings.screener.layout)):
        raise NoRightToWriteError(lacking)
    yield Finding("rights", "mail may be changed")


async def _mailboxes_and_groups(account: Account) -> AsyncIterator[Finding]:
    lacking = await find_lacking(account)
    if lacking:
        detail = "missing (`mailroom setup --apply` creates them):"
        yield Finding("mailboxes and groups", detail, Exit.INCOMPLETE, tuple(lacking.lines()))
    else:
        await (await account.workflow()).check()
        yield Finding("mailboxes and groups", "all there")


async def _new_mail(account: Account) -> AsyncIterator[Finding]:
    if not account.settings.arrivals.enabled:
        yield Finding("new mail", "not screened: your provider's rules have to do it")
        return
    believed = account.settings.authserv_id or "nobody"
    yield Finding("new mail", f"screened; {believed} is believed about forged senders")


async def _push(account: Account) -> AsyncIterator[Finding]:
    choices = await account.push_choices(ping=_PING)
    if not choices:
        why = "off" if account.settings.push.transport == "off" else "not offered"
        yield Finding("push", f"{why}: new labels are found by the poll only")
        return
    *others, last = choices
    for transport in others:
        yield _opening(transport)
        try:
            detail = await sign_of_life(account, transport)
        except BlockedError as error:
            yield Finding("push", str(error), is_open=True)
        except EXPECTED as error:
            yield Finding("push", f"{transport.name} cannot be used: {error}", is_open=True)
        else:
            yield Finding("push", detail)
            return
    yield _opening(last)
    try:
        yield Finding("push", await sign_of_life(account, last))
    except BlockedError as error:
        yield Finding("push", f"{error}; Mailroom polls instead", is_open=True)


def _opening(transport: PushTransport) -> Finding:
    what = f"opening {transport.name}, waiting for a sign of life ..."
    return Finding("push", what, is_open=True, is_passing=True)


async def _service(account: Account) -> AsyncIterator[Finding]:
    """Report the state of a service that runs on this machine; report nothing if none runs."""
    if beside := await service_beside(account.settings):
        answer, lines = beside
        yield Finding("service", answer.text, lines=lines, is_open=bool(lines))


async def _search(account: Account) -> AsyncIterator[Finding]:
    try:
        limitations = await find_limitations(account)
    except MissingError:
        yield Finding("search", "not possible before `mailroom setup --apply`", Exit.INCOMPLETE)
        return
    if limitations:
        detail = "all mail is found, but in another way, because the server has limitations:"
        yield Finding("search", detail, lines=limitations)
    else:
        yield Finding("search", "this server finds all mail")


async def _next_pass(account: Account) -> AsyncIterator[Finding]:
    workflow = await account.workflow()
    try:
        plan = await workflow.plan()
    except MissingError:
        yield Finding("next pass", "not possible before `mailroom setup --apply`", Exit.INCOMPLETE)
    else:
        yield Finding("next pass", "would do this:", lines=tuple(plan_text(plan)))


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of the check.

    Attributes:
        title: the title of its findings.
        look: the function that does the part and yields its findings.
        asks: the servers that it asks.
        is_proof_for: the servers that have refused the credentials if this part fails so.
    """

    title: str
    look: Callable[[Account], AsyncIterator[Finding]]
    asks: frozenset[str] = frozenset()
    is_proof_for: frozenset[str] = frozenset()


_MAIL: Final = "mail"
_CONTACTS: Final = "contacts"
_BY_MAIL: Final = frozenset({_MAIL})
_BY_CONTACTS: Final = frozenset({_CONTACTS})
_PARTS: Final = (
    _Part("settings", _settings),
    _Part("JMAP", _session, asks=_BY_MAIL, is_proof_for=_BY_MAIL),
    _Part("rights", _rights, asks=_BY_MAIL, is_proof_for=_BY_MAIL),
    _Part("contacts", _contacts, asks=_BY_CONTACTS, is_proof_for=_BY_CONTACTS),
    _Part("mailboxes and groups", _mailboxes_and_groups, asks=_BY_MAIL | _BY_CONTACTS),
    _Part("new mail", _new_mail),
    _Part("push", _push, asks=_BY_MAIL, is_proof_for=_BY_MAIL),
    _Part("service", _service),
    _Part("search", _search, asks=_BY_MAIL),
    _Part("next pass", _next_pass, asks=_BY_MAIL | _BY_CONTACTS),
)


def verdict(findings: Iterable[Finding]) -> Exit:
    """Return the exit code of the first bad finding, or OK."""
    return next((each.code for each in findings if each.code is not Exit.OK), Exit.OK)
