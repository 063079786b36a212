"""The users of the sandbox and their accounts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from mailroom.sandbox.contacts import Bridge, CardDav, CardStore, contact_methods
from mailroom.sandbox.context import AccountContext, Method
from mailroom.sandbox.dispatch import CORE, ECHO, Dispatcher
from mailroom.sandbox.methods import mail_methods, submission_methods
from mailroom.sandbox.quirks import Quirks
from mailroom.sandbox.states import States
from mailroom.sandbox.store import MailStore

MAIL: Final = "urn:ietf:params:jmap:mail"
SUBMISSION: Final = "urn:ietf:params:jmap:submission"
CONTACTS: Final = "urn:ietf:params:jmap:contacts"

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
    """A user with an account.

    Attributes:
        name: the login name, which is also the account's id.
        password: for Basic.
        token: for Bearer; empty: no token is accepted.
        addresses: the user's own addresses; the account has an identity for each.
    """

    name: str = "alice"
    password: str = field(default="secret", repr=False)
    token: str = field(default="", repr=False)
    addresses: tuple[str, ...] = ("alice@example.com",)


class SandboxAccount:
    """One user's account.

    Attributes:
        user: the user.
        id: the account's id.
        quirks: the habits of the server.
        states: the states of all types.
        mail: the mailboxes and mails.
        cards: the contacts over JMAP.
        carddav: the contacts over CardDAV.
        has_carddav: True if CardDAV is offered.
        methods: capability -> name -> method.
        dispatcher: carries out requests.
    """

    def __init__(self, user: User, quirks: Quirks, clock: Callable[[], float]) -> None:
        self.user = user
        self.id = user.name
        self.quirks = quirks
        self.states = States(quirks.serving.states)
        context = AccountContext(user.name, user.addresses, quirks, clock, self.states)
        self.mail = MailStore(context)
        for name, role, sort_order in _MAILBOXES[quirks.serving.roles]:
            self.mail.create_mailbox(name, role=role, sort_order=sort_order)
        self.cards = CardStore(context)
        self.carddav = CardDav(user.name, quirks.carddav)
        self.has_carddav = bool(quirks.shared_cards) or not quirks.contacts
        if quirks.shared_cards:
            # The two stores call the bridge after each change, and so keep it.
            Bridge(self.cards, self.carddav, quirks.shared_cards)
        # The dispatcher itself answers Core/echo, so its method is never called.
        self.methods: dict[str, dict[str, Method]] = {CORE: {ECHO: dict}}
        self.methods[MAIL] = mail_methods(self.mail)
        if quirks.contacts:
            self.methods[CONTACTS] = contact_methods(self.cards)
        if quirks.submission:
            self.methods[SUBMISSION] = submission_methods(context)
        self.dispatcher = Dispatcher(context, self.methods)

    def capabilities(self) -> dict[str, Mapping[str, Any]]:
        """Return the account's capabilities in the session."""
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
            CONTACTS: {"maxAddressBooksPerCard": 1, "mayCreateAddressBook": False},
            SUBMISSION: {"maxDelayedSend": 0, "submissionExtensions": {}},
        }
        return {uri: facts[uri] for uri in self.methods}
