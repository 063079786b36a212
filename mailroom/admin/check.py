"""``mailroom check``: looks at everything that Mailroom depends on, and changes nothing.

The check goes on after a bad finding if it can, so that the user sees all findings at once.
"""

from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from typing import Final

from mailroom.account import Account
from mailroom.admin import inspections
from mailroom.admin.inspections import Finding
from mailroom.exits import Exit
from mailroom.http import CredentialsRefusedError
from mailroom.report.failures import EXPECTED, exit_code

_SAME_REASON: Final = "not looked at, for the same reason"


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of the check.

    Attributes:
        title: the title of its findings.
        inspect: the function that does the part and yields its findings.
        asks: the servers that it asks.
        is_proof_for: the servers that have refused the credentials, if this part fails with
            CredentialsRefusedError.
    """

    title: str
    inspect: Callable[[Account], AsyncIterator[Finding]]
    asks: frozenset[str] = frozenset()
    is_proof_for: frozenset[str] = frozenset()


_MAIL_SERVER: Final = frozenset({"mail"})
_CONTACTS_SERVER: Final = frozenset({"contacts"})
_BOTH: Final = _MAIL_SERVER | _CONTACTS_SERVER
"""The servers for contacts, even over CardDAV: the mail server's session is always read first."""
_PARTS: Final = (
    _Part("settings", inspections.settings),
    _Part("JMAP", inspections.session, asks=_MAIL_SERVER, is_proof_for=_MAIL_SERVER),
    _Part("rights", inspections.rights, asks=_MAIL_SERVER, is_proof_for=_MAIL_SERVER),
    _Part("contacts", inspections.contacts, asks=_BOTH, is_proof_for=_CONTACTS_SERVER),
    _Part("mailboxes and groups", inspections.mailboxes_and_groups, asks=_BOTH),
    _Part("new mail", inspections.new_mail),
    _Part("push", inspections.push, asks=_MAIL_SERVER, is_proof_for=_MAIL_SERVER),
    _Part("service", inspections.service),
    _Part("page", inspections.page),
    _Part("digest", inspections.digest),
    _Part("notices", inspections.notices),
    _Part("search", inspections.search, asks=_MAIL_SERVER),
    _Part("next pass", inspections.next_pass, asks=_BOTH),
)


async def check(account: Account) -> AsyncIterator[Finding]:
    """Look at one thing after the other; failures of a server become findings.

    A server that has refused the credentials is not asked again.
    """
    reasons: set[str] = set()
    refused: set[str] = set()
    for part in _PARTS:
        if not refused.isdisjoint(part.asks):
            yield Finding(part.title, _SAME_REASON, Exit.CREDENTIALS)
            continue
        try:
            async for finding in part.inspect(account):
                yield finding
        except EXPECTED as error:
            reason = str(error)
            detail = _SAME_REASON if reason in reasons else reason
            yield Finding(part.title, detail, exit_code(error))
            reasons.add(reason)
            if isinstance(error, CredentialsRefusedError):
                refused |= part.is_proof_for


def verdict(findings: Iterable[Finding]) -> Exit:
    """Return the exit code of the first bad finding, or OK."""
    return next((finding.code for finding in findings if finding.code is not Exit.OK), Exit.OK)
