"""An address book over JMAP on the sandbox, whose calls a test can watch and change."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import aiohttp
from yarl import URL

from mailroom.contacts.jmap import JmapAddressBook
from mailroom.http import Credentials, HttpClient
from mailroom.jmap.client import JmapClient
from mailroom.sandbox.context import Arguments, Method
from mailroom.sandbox.quirks import Quirks
from mailroom.sandbox.sandbox_account import CONTACTS, SandboxAccount
from mailroom.sandbox.server import Sandbox
from tests.support.domain.contact_edits import ANN
from tests.support.domain.contents import OpenBook
from tests.support.scripted.http import Pauses

Hook = Callable[[str, Arguments], None]


class WatchedContacts:
    """Contacts that record every call, and let a test act just before it is carried out.

    Attributes:
        cards: the cards.
        calls: names and arguments of all calls.
        before: called with each call; an error that it raises is the answer.
        after: called with each call's name and its result, which it may change.
    """

    def __init__(self, account: SandboxAccount) -> None:
        self.cards = account.cards
        self.calls: list[tuple[str, Arguments]] = []
        self.before: Hook = lambda name, arguments: None
        self.after: Hook = lambda name, result: None
        methods = account.methods[CONTACTS]
        for name, method in methods.items():
            methods[name] = partial(self._carry_out, name, method)

    def _carry_out(self, name: str, method: Method, arguments: Arguments) -> Arguments:
        self.calls.append((name, dict(arguments)))
        self.before(name, arguments)
        result = method(arguments)
        self.after(name, result)
        return result

    def add(self, card_id: str, **facts: Any) -> None:
        """Add a card, as its owner would."""
        self.cards.create_card({"@type": "Card", "version": "1.0", "uid": card_id, **facts})

    def add_ann(self, **facts: Any) -> None:
        emails = {"e": {"address": ANN}}
        self.add("ann", name={"full": "Ann"}, emails=emails, **facts)

    def add_group(self, card_id: str, *members: str) -> None:
        facts = {"name": {"full": card_id.title()}, "members": dict.fromkeys(members, True)}
        self.add(card_id, kind="group", **facts)

    def patch(self, card_id: str, **patch: Any) -> None:
        self.cards.change_card(card_id, patch)

    def members(self, group_id: str) -> set[str]:
        return {*self.cards.cards[group_id]["members"]}

    def refuse_once(self, card_id: str, kind: str, why: str = "") -> None:
        """Refuse the next patch of a card or group."""
        steps: list[str] = []

        def leave_out(name: str, arguments: Arguments) -> None:
            if name == "ContactCard/set" and not steps and card_id in arguments.get("update", {}):
                del arguments["update"][card_id]
                steps.append("left out")

        def report(name: str, result: Arguments) -> None:
            if steps == ["left out"]:
                result["notUpdated"] = {card_id: {"type": kind, "description": why}}
                steps.append("reported")

        self.before, self.after = leave_out, report

    def sets(self) -> list[Arguments]:
        """The arguments of every ContactCard/set."""
        return [arguments for name, arguments in self.calls if name == "ContactCard/set"]


@dataclass(kw_only=True)
class Account(OpenBook[JmapAddressBook]):
    """An address book over JMAP."""

    contacts: WatchedContacts
    http: HttpClient
    client: JmapClient


@asynccontextmanager
async def open_account(
    quirks: Quirks | None = None, *, annotate: bool = True
) -> AsyncIterator[Account]:
    """Yield an account without cards; ``annotate``: Mailroom also edits cards of other makers."""
    sandbox = Sandbox(quirks=quirks)
    contacts = WatchedContacts(sandbox.account())
    async with sandbox.serve(), aiohttp.ClientSession() as session:
        http = HttpClient(session, Credentials.basic("alice", "secret"), sleep=Pauses())
        client = JmapClient(http, URL(sandbox.session_url))
        book = JmapAddressBook(client, "alice", annotate=annotate)
        yield Account(book=book, contacts=contacts, http=http, client=client)
