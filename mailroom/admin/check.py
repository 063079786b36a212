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

_AGAIN: Final = "not looked at, for the same reason"


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of the check.

    Attributes:
        title: the title of its findings.
        inspect: the function that does the part and yields its findings.
        asks: the servers that it asks.
        is_proof_for: the servers that have refused the credentials if this part fails so.
    """

    title: str
    inspect: Callable[[Account], AsyncIterator[Finding]]
    asks: frozenset[str] = frozenset()
    is_proof_for: frozenset[str] = frozenset()


_MAIL: Final = "mail"
_CONTACTS: Final = "contacts"
_BY_MAIL: Final = frozenset({_MAIL})
_BY_CONTACTS: Final = frozenset({_CONTACTS})
_BOTH: Final = _BY_MAIL | _BY_CONTACTS
_PARTS: Final = (
    _Part("settings", inspections.settings),
    _Part("JMAP", inspections.session, asks=_BY_MAIL, is_proof_for=_BY_MAIL),
    _Part("rights", inspections.rights, asks=_BY_MAIL, is_proof_for=_BY_MAIL),
    _Part("contacts", inspections.contacts, asks=_BY_CONTACTS, is_proof_for=_BY_CONTACTS),
    _Part("mailboxes and groups", inspections.mailboxes_and_groups, asks=_BOTH),
    _Part("new mail", inspections.new_mail),
    _Part("push", inspections.push, asks=_BY_MAIL, is_proof_for=_BY_MAIL),
    _Part("service", inspections.service),
    _Part("page", inspections.page),
    _Part("digest", inspections.digest),
    _Part("notices", inspections.notices),
    _Part("search", inspections.search, asks=_BY_MAIL),
    _Part("next pass", inspections.next_pass, asks=_BOTH),
)


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
            async for finding in part.inspect(account):
                yield finding
        except EXPECTED as error:
            reason = str(error)
            yield Finding(part.title, _AGAIN if reason in reasons else reason, exit_code(error))
            reasons.add(reason)
            if isinstance(error, CredentialsRefusedError):
                refused |= part.is_proof_for


def verdict(findings: Iterable[Finding]) -> Exit:
    """Return the exit code of the first bad finding, or OK."""
    return next((finding.code for finding in findings if finding.code is not Exit.OK), Exit.OK)
