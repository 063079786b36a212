"""The parts of ``mailroom check``: each looks at one thing and yields its findings.

A part changes nothing. The failures of a server that it raises become findings in
:mod:`mailroom.admin.check`.
"""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from mailroom.account import Account
from mailroom.admin.local_service import ask_local_service
from mailroom.admin.notices import (
    composer_of,
    open_notice_client,
    reason_without_buttons,
)
from mailroom.admin.searching import find_limitations
from mailroom.admin.setup import find_lacking
from mailroom.admin.sign_of_life import BlockedError, sign_of_life
from mailroom.digest.times import next_due
from mailroom.exits import Exit
from mailroom.http import HttpError
from mailroom.jmap.errors import SessionError
from mailroom.jmap.session import push_url_warnings
from mailroom.report import plan_text
from mailroom.report.failures import EXPECTED
from mailroom.screener.model.missing import MissingError, NoRightToWriteError
from mailroom.screener.model.places import Directory, lacking_rights
from mailroom.settings.show import describe

_CLOCKS_AGREE: Final = 60.0
"""Seconds by which the clocks may differ: the Date header is rounded, and an answer takes time."""
_PING: Final = 5
"""Seconds between the pings that the check asks for; some servers never ping under 30."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one part of the check.

    Attributes:
        what: the thing that was looked at, like ``push``.
        detail: its condition, in a line.
        code: OK, or the exit code of the command because of this finding.
        lines: further lines about the thing.
        is_open: True for a warning, and for a thing that is still being looked at.
        is_passing: True for a message that only shows progress, like "being sent ...".
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


async def settings(account: Account) -> AsyncIterator[Finding]:
    """Report the settings that are not at their defaults."""
    all_settings = describe(account.settings)
    given = [setting for setting in all_settings if setting.origin]
    lines = []
    for setting in given:
        origin = "" if setting.origin == setting.variable else f"  ({setting.origin})"
        lines.append(f"{setting.variable} = {setting.value}{origin}")
    defaults = len(all_settings) - len(given)
    detail = f"{len(given)} are set, {defaults} others have their defaults"
    yield Finding("settings", detail, lines=tuple(lines))


async def session(account: Account) -> AsyncIterator[Finding]:
    """Report the mail account, the server's limits, the user's addresses, and the clocks."""
    server = await account.client.session()
    mail = await account.mail()
    yield Finding("JMAP", f"signed in as {server.username}, account {mail.id}")
    limits = server.limits
    yield Finding(
        "limits",
        f"{limits.max_objects_in_get} mails read and {limits.max_objects_in_set} moved at a time, "
        f"{limits.max_concurrent_requests} requests at once",
    )
    for warning in push_url_warnings(server, account.settings.jmap.credentials.allowed_hosts):
        yield Finding("session", warning, is_open=True)
    (addresses,) = await account.client.perform(mail.identities())
    listed = (
        ", ".join(addresses) or "none listed; Mailroom finds them by the mail in Sent and Drafts"
    )
    yield Finding("your addresses", listed)
    seconds = (datetime.now(UTC) - account.client.server_now()).total_seconds()
    if abs(seconds) > _CLOCKS_AGREE:
        direction = "ahead of" if seconds > 0 else "behind"
        amount = timedelta(seconds=round(abs(seconds)))
        detail = (
            f"this machine's clock is {amount} {direction} the mail server's. Mail is judged by the"
            " server's clock, but certificates are not: set this machine's clock (NTP)"
        )
        yield Finding("clock", detail, is_open=True)


async def contacts(account: Account) -> AsyncIterator[Finding]:
    """Report the address book that would be used."""
    book = await account.book()
    used = await book.describe()
    detail = f"address book {used.name!r} over {used.protocol} at {used.url}"
    yield Finding("contacts", detail, lines=await book.remarks())


async def rights(account: Account) -> AsyncIterator[Finding]:
    """Report that mail may be changed; warn if the digest is on and cannot be written.

    Raises:
        NoRightToWriteError: mail may not be changed.
    """
    mail = await account.mail()
    if mail.is_read_only:
        raise NoRightToWriteError([f"account {mail.id}: isReadOnly"])
    categories, layout = account.settings.categories, account.settings.screener.layout
    directory = Directory(await mail.mailboxes())
    if lacking := list(lacking_rights(directory, categories, layout)):
        raise NoRightToWriteError(lacking)
    yield Finding("rights", "mail may be changed")
    if account.settings.digest.is_on:
        try:
            await account.client.upload_url(mail.id)
        except SessionError as error:
            yield Finding("digest", f"cannot be written: {error}", is_open=True)


async def mailboxes_and_groups(account: Account) -> AsyncIterator[Finding]:
    """Report the mailboxes and contact groups that are missing.

    A missing mailbox for spam is a warning; so is a missing archive if waiting mail is to go there.
    """
    lacking = await find_lacking(account)
    if lacking:
        detail = "missing (`mailroom setup --apply` creates them):"
        yield Finding("mailboxes and groups", detail, Exit.INCOMPLETE, tuple(lacking.lines()))
    else:
        await (await account.workflow()).check()
        yield Finding("mailboxes and groups", "all there")
    if not lacking.directory.by_role("junk"):
        label = account.settings.screener.layout.spam_label
        detail = f"the account has no mailbox with the role junk, so {label} cannot be carried out"
        yield Finding("spam", detail, is_open=True)
    older = account.settings.screener.expire
    if older and not lacking.directory.by_role("archive"):
        detail = (
            "the account has no mailbox with the role archive, so"
            f" MAILROOM_SCREENER_EXPIRE={older} cannot be carried out"
        )
        yield Finding("old waiting mail", detail, is_open=True)


async def new_mail(account: Account) -> AsyncIterator[Finding]:
    """Report if new mail is screened, and which server's verdict on forged senders counts."""
    if not account.settings.arrivals.enabled:
        yield Finding("new mail", "not screened: your provider's rules have to do it")
        return
    server = account.settings.authserv_id
    counts = f"the verdict of {server}" if server else "no server's verdict"
    yield Finding("new mail", f"screened; {counts} on forged senders counts")


async def push(account: Account) -> AsyncIterator[Finding]:
    """Try the transports in their order until one can be used."""
    transports = await account.push_choices(ping=_PING)
    if not transports:
        reason = "off" if account.settings.push.transport == "off" else "not offered"
        yield Finding("push", f"{reason}: new labels are found by the poll only")
    for number, transport in enumerate(transports, 1):
        is_last = number == len(transports)
        opening = f"opening {transport.name}, waiting for a sign of life ..."
        yield Finding("push", opening, is_open=True, is_passing=True)
        try:
            detail = await sign_of_life(account, transport)
        except BlockedError as error:
            instead = "; Mailroom polls instead" if is_last else ""
            yield Finding("push", f"{error}{instead}", is_open=True)
        except EXPECTED as error:
            if is_last:
                raise
            yield Finding("push", f"{transport.name} cannot be used: {error}", is_open=True)
        else:
            yield Finding("push", detail)
            return


async def service(account: Account) -> AsyncIterator[Finding]:
    """Report the state of a service that runs on this machine; report nothing if none runs."""
    if report := await ask_local_service(account.settings):
        result, lines = report
        yield Finding("service", result.text, lines=lines, is_open=bool(lines))


async def page(account: Account) -> AsyncIterator[Finding]:
    """Report the address of the page, and who may see the account on it; nothing if it is off."""
    web = account.settings.web
    if not web.is_on:
        return
    tokens = (web.api_token, web.api_token_readonly)
    ways = [
        way
        for way, is_used in (
            ("nobody signs in", web.auth == "none"),
            ("sign-in by password", web.password.get_secret_value()),
            (f"users by {web.proxy_header} from {web.trusted_networks}", web.proxy_header),
            ("tokens for programs", any(token.get_secret_value() for token in tokens)),
        )
        if is_used
    ]
    detail = f"{web.url or f'port {web.port}'}; {', '.join(ways)}"
    needs_url = not web.url and web.auth != "none"
    lines = (
        "set MAILROOM_WEB_URL: without it the page answers only to IP addresses and localhost",
    )
    yield Finding("page", detail, lines=lines if needs_url else (), is_open=needs_url)


async def digest(account: Account) -> AsyncIterator[Finding]:
    """Report the time at which the next digest is due; report nothing if digests are off."""
    settings = account.settings
    if not settings.digest.is_on:
        return
    due = next_due(account.client.server_now(), settings.digest.time, settings.zone)
    local = due.astimezone(settings.zone)
    # A wrong TZ counts as UTC, and no error is reported; the offset shows the mistake.
    zone = settings.timezone or f"{local.tzname()}, UTC{local:%z}, the time zone of this machine"
    yield Finding(
        "next digest", f"on {local:%Y-%m-%d} at {local:%H:%M} ({zone}), if anybody new waits"
    )


async def notices(account: Account) -> AsyncIterator[Finding]:
    """Report where notices are sent, and if that server answers; report nothing if they are off.

    No notice is sent.
    """
    notify = account.settings.notify
    if not notify.is_on:
        return
    quiet = f", not from {notify.quiet.replace('-', ' to ')}" if notify.quiet else ""
    reason = reason_without_buttons(account.settings)
    buttons = f"without buttons ({reason})" if reason else "with buttons"
    detail = f"about {notify.about} by {notify.format}, {buttons}{quiet}"
    async with open_notice_client(account.settings) as client:
        try:
            await client.probe()
        except HttpError as error:
            line = f"{notify.target.host}: {error.reason()}"
            yield Finding("notices", detail, lines=(line,), is_open=True)
        else:
            yield Finding("notices", f"{detail}; {notify.target.host} answers")


async def send_test_notice(account: Account) -> AsyncIterator[Finding]:
    """Send a notice, so that a person sees if notices arrive."""
    if not account.settings.notify.is_on:
        yield Finding("test notice", "not sent: MAILROOM_NOTIFY_URL is not set", Exit.FAILED)
        return
    yield Finding("test notice", "being sent ...", is_open=True, is_passing=True)
    async with open_notice_client(account.settings) as client:
        try:
            await client.send_once(composer_of(account.settings).test())
        except HttpError as error:
            yield Finding("test notice", f"not sent: {error.reason()}", Exit.FAILED)
        else:
            yield Finding("test notice", "sent")


async def search(account: Account) -> AsyncIterator[Finding]:
    """Report the server's limitations in searches."""
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


async def next_pass(account: Account) -> AsyncIterator[Finding]:
    """Report the plan of a pass that would run now."""
    workflow = await account.workflow()
    try:
        plan = await workflow.plan()
    except MissingError:
        yield Finding("next pass", "not possible before `mailroom setup --apply`", Exit.INCOMPLETE)
    else:
        yield Finding("next pass", "would do this:", lines=tuple(plan_text(plan)))
