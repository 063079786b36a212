"""One user's account: mail, the data of the plug-ins, and the dispatcher for both."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

from mailroom.sandbox.dispatch import CORE, ECHO, Dispatcher
from mailroom.sandbox.methods import Mail, mail_methods, submission_methods
from mailroom.sandbox.plugin import Arguments, Method, Plugin, PluginFactory, Seat
from mailroom.sandbox.quirks import Quirks
from mailroom.sandbox.states import States
from mailroom.sandbox.store import MailStore

MAIL: Final = "urn:ietf:params:jmap:mail"
SUBMISSION: Final = "urn:ietf:params:jmap:submission"

_MAILBOXES: Final = {
    "all": (
        ("Inbox", "inbox", 1),
        ("Archive", "archive", 3),
        ("Drafts", "drafts", 4),
        ("Sent", "sent", 5),
        ("Spam", "junk", 6),
        ("Trash", "trash", 7),
    ),
    "james": (
        ("Inbox", "inbox", 10),
        ("Archive", "archive", 20),
        ("Drafts", "drafts", 30),
        ("Sent", "sent", 50),
        ("Spam", "spam", 70),
        ("Trash", "trash", 60),
    ),
    "stalwart": (
        ("Inbox", "inbox", 0),
        ("Drafts", "drafts", 0),
        ("Sent Items", "sent", 0),
        ("Deleted Items", "trash", 0),
        ("Junk Mail", "junk", 0),
    ),
}
"""The mailboxes of every new account: name, role, sort order."""


@dataclass(frozen=True, slots=True)
class User:
    """Somebody with an account.

    Attributes:
        name: to log in with; the account's id, too.
        password: for Basic.
        token: for Bearer; empty: no token is accepted.
        addresses: the user's own, which the account's identities tell.
    """

    name: str = "alice"
    password: str = field(default="secret", repr=False)
    token: str = field(default="", repr=False)
    addresses: tuple[str, ...] = ("alice@example.com",)


class SandboxAccount:
    """One user's account.

    Attributes:
        user: whose it is.
        id: the account's id.
        quirks: how the server misbehaves.
        states: of everything in it.
        mail: its mail.
        plugins: further data types.
        dispatcher: carries out requests.
    """

    def __init__(
        self,
        user: User,
        quirks: Quirks,
        plugins: Sequence[PluginFactory],
        clock: Callable[[], float],
    ) -> None:
        self.user = user
        self.id = user.name
        self.quirks = quirks
        self.states = States(quirks.first_state, quirks.serving.states)
        self.mail = MailStore(self.states, name=user.name, clock=clock, quirks=quirks)
        for name, role, sort_order in _MAILBOXES[quirks.serving.roles]:
            self.mail.create_mailbox(name, role=role, sort_order=sort_order)
        seat = Seat(self.id, self.states, quirks, _throttle(quirks.throttle_every))
        self.plugins: tuple[Plugin, ...] = tuple(make(seat) for make in plugins)
        mail = Mail(self.mail, seat, user.addresses, clock)
        self._methods: dict[str, Mapping[str, Method]] = {
            CORE: {ECHO: dict},
            MAIL: mail_methods(mail),
            **{each.capability: each.methods for each in self._offered},
        }
        if quirks.submission:
            self._methods[SUBMISSION] = submission_methods(mail)
        self.dispatcher = Dispatcher(self.id, self._methods, seat.created_ids, quirks, self.states)

    @property
    def _offered(self) -> tuple[Plugin, ...]:
        return self.plugins if self.quirks.contacts else ()

    def capabilities(self) -> dict[str, Mapping[str, Any]]:
        """Return the session's capabilities, without the core capability."""
        plain: dict[str, Mapping[str, Any]] = {uri: {} for uri in self._methods if uri != CORE}
        return plain | {each.capability: each.session_facts for each in self._offered}

    def account_capabilities(self) -> dict[str, Mapping[str, Any]]:
        """Return the session's account capabilities."""
        facts: dict[str, Mapping[str, Any]] = {
            CORE: {},
            MAIL: {
                "maxMailboxesPerEmail": self.quirks.limits.max_mailboxes_per_email,
                "maxMailboxDepth": None,
                "maxSizeMailboxName": 255,
                "maxSizeAttachmentsPerEmail": 0,
                "emailQuerySortOptions": ["receivedAt"],
                "mayCreateTopLevelMailbox": True,
            },
        }
        if self.quirks.submission:
            facts[SUBMISSION] = {"maxDelayedSend": 0, "submissionExtensions": {}}
        return facts | {each.capability: each.account_facts for each in self._offered}


def _throttle(every: int) -> Callable[[], Arguments | None]:
    """Refuse every n-th write; 0: none."""
    if not every:
        return lambda: None
    writes = count(1)
    return lambda: {"type": "rateLimit"} if next(writes) % every == 0 else None
