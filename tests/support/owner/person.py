"""The owner of a mail account, with a mail app that speaks plain JMAP, and an address-book app.

Shares no code with Mailroom, so that both cannot be wrong in the same way.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any

import aiohttp
from yarl import URL

from tests.support.owner.contacts_app import Contact, ContactsApp
from tests.support.owner.mail import Mail
from tests.support.owner.vcard_app import VCardApp, default_book
from tests.support.servers.cyrus import PASSWORD, Cyrus
from tests.support.servers.james import ACCEPT
from tests.support.servers.server import Server

MAIL = "urn:ietf:params:jmap:mail"
USING = [
    "urn:ietf:params:jmap:core",
    MAIL,
    "urn:ietf:params:jmap:submission",
]
PATIENCE = 30.0
"""Seconds that anything may take before a test gives up on it."""
_TRIES = 20
_PAUSE = 0.1
"""Seconds between two tries of a request that the server could not answer just now."""
_NOT_NOW = frozenset({400, 429, 503})
"""400 is a limit (RFC 8620 section 3.6.1): nothing else is ever wrong with these requests."""
_AT_ONCE = 500
"""The number of mails that one call reads or changes; servers need not allow more."""


class MailNotFoundError(Exception):
    """No mail, or more than one, has the subject that was asked for."""


def message(
    sender: str,
    subject: str = "Hello",
    *,
    to: str = "alice@example.com",
    text: str = "Hi.",
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """Return a mail whose From header is exactly ``sender``, encoded as UTF-8."""
    mail = EmailMessage()
    for name, value in (headers or {}).items():
        mail[name] = value
    mail["To"] = to
    mail["Subject"] = subject
    mail["Date"] = format_datetime(datetime.now(UTC))
    mail["Message-ID"] = f"<{time.monotonic_ns()}@example.com>"
    mail.set_content(text)
    return f"From: {sender}\r\n".encode() + mail.as_bytes().replace(b"\n", b"\r\n")


def _message_id(mail: bytes) -> str:
    (message_id,) = re.findall(rb"(?m)^Message-ID: <(.+?)>", mail)
    return str(message_id.decode())


class Owner:
    """The owner of a mail account.

    Attributes:
        server: where the account is.
        name: the user's name on the servers.
        login: the user's name at the mail server.
        password: for both servers.
    """

    def __init__(
        self,
        server: Server,
        name: str,
        session: aiohttp.ClientSession,
        contacts: ContactsApp,
        *,
        login: str = "",
    ) -> None:
        self.server = server
        self.name = name
        self.login = login or name
        self.password = PASSWORD
        self._account_id = ""
        self._contacts = contacts
        self._session = session
        self._headers = {
            "Authorization": aiohttp.encode_basic_auth(self.login, self.password),
            "Accept": ACCEPT,
        }

    # Mail

    async def jmap(self, method: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Make one method call, and return its result; any error fails the test."""
        (answer,) = await self.jmap_all([(method, arguments)])
        return answer

    async def jmap_all(
        self, calls: Iterable[tuple[str, Mapping[str, Any]]]
    ) -> list[dict[str, Any]]:
        """Make several method calls in one request; any error fails the test."""
        account = await self.account_id()
        named = [
            [method, {"accountId": account, **arguments}, str(number)]
            for number, (method, arguments) in enumerate(calls)
        ]
        answers = await self._ask(named)
        assert [name for name, _, _ in answers] == [method for method, _, _ in named], answers
        for _, answer, _ in answers:
            failed = [answer[key] for key in ("notCreated", "notUpdated") if answer.get(key)]
            assert not failed, failed
        return [answer for _, answer, _ in answers]

    async def _ask(self, named: Sequence[Any]) -> list[Any]:
        """Send one request, and again while the server answers "not now", as any mail app does."""
        body = {"using": USING, "methodCalls": named}
        url = self.server.url + self.server.api_path
        for _ in range(_TRIES):
            async with self._session.post(url, json=body, headers=self._headers) as response:
                if response.status not in _NOT_NOW:
                    response.raise_for_status()
                    answers: list[Any] = (await response.json())["methodResponses"]
                    if not any(answer.get("type") == "serverFail" for _, answer, _ in answers):
                        break
            await asyncio.sleep(_PAUSE)
        else:
            raise AssertionError(f"the server never answers {[method for method, *_ in named]}")
        return answers

    async def account_id(self) -> str:
        """Return the id of the account in the session."""
        if not self._account_id:
            url = self.server.url + self.server.session_path
            async with self._session.get(url, headers=self._headers) as response:
                response.raise_for_status()
                session = await response.json()
            self._account_id = session["primaryAccounts"][MAIL]
        return self._account_id

    async def mailboxes(self) -> dict[str, str]:
        """Return path -> id of all mailboxes. The path of the Inbox is always ``Inbox``."""
        answer = await self.jmap("Mailbox/get", {"ids": None})
        by_id = {mailbox["id"]: mailbox for mailbox in answer["list"]}

        def path(mailbox: Mapping[str, Any]) -> str:
            parent = by_id.get(mailbox.get("parentId") or "")
            name = "Inbox" if mailbox.get("role") == "inbox" else mailbox["name"]
            return (path(parent) + "/" if parent else "") + str(name)

        return {path(mailbox): mailbox_id for mailbox_id, mailbox in by_id.items()}

    async def put(self, mailbox: str, mail: bytes, received_at: str) -> None:
        """Import a mail into a mailbox, as if it had come at ``received_at`` (a UTCDate)."""
        session_url = URL(self.server.url + self.server.session_path)
        async with self._session.get(session_url, headers=self._headers) as response:
            template = (await response.json())["uploadUrl"]
        url = session_url.join(URL(template.replace("{accountId}", await self.account_id())))
        headers = {**self._headers, "Content-Type": "message/rfc822"}
        async with self._session.post(url, data=mail, headers=headers) as response:
            blob_id = (await response.json())["blobId"]
        facts = {
            "blobId": blob_id,
            "mailboxIds": {(await self.mailboxes())[mailbox]: True},
            "keywords": {"$seen": True},  # James takes no message without a keyword
            "receivedAt": received_at,
        }
        await self.jmap("Email/import", {"emails": {"mail": facts}})

    async def add_keyword(self, mail_id: str, keyword: str) -> None:
        """Add a keyword to a mail."""
        await self.jmap("Email/set", {"update": {mail_id: {f"keywords/{keyword}": True}}})

    async def create_mailbox(self, name: str, **more: Any) -> None:
        """Make a mailbox; ``more`` are further properties, such as its parent."""
        await self.jmap("Mailbox/set", {"create": {"new": {"name": name, **more}}})

    async def mails(self) -> list[Mail]:
        """Return all mails, the oldest first."""
        names = {mailbox_id: path for path, mailbox_id in (await self.mailboxes()).items()}
        ids = await self._ids(sort=[{"property": "receivedAt", "isAscending": True}])
        properties = ["id", "subject", "mailboxIds", "keywords"]
        mails: list[Mail] = []
        for part in _parts(ids):
            arguments = {"ids": part, "properties": properties}
            mails += [
                Mail(
                    email["id"],
                    email["subject"],
                    frozenset(names[mailbox] for mailbox in email["mailboxIds"]),
                    frozenset(email["keywords"]),
                )
                for email in (await self.jmap("Email/get", arguments))["list"]
            ]
        return mails

    async def _ids(self, **query: Any) -> list[str]:
        """Return the ids of all mails, in several pages if the server cuts the list (``limit``)."""
        ids: list[str] = []
        while True:
            page = await self.jmap("Email/query", {"filter": None, "position": len(ids), **query})
            ids += page["ids"]
            if len(page["ids"]) < page.get("limit", len(page["ids"]) + 1):
                return ids

    async def mail(self, subject: str) -> Mail:
        """Return the one mail with this subject line.

        Raises:
            MailNotFoundError: no mail has it, or several have. James also leaves a mail out of the
                answer while it is moved between mailboxes.
        """
        mails = [mail for mail in await self.mails() if mail.subject == subject]
        if len(mails) != 1:
            raise MailNotFoundError(f"{len(mails)} mails have the subject {subject!r}")
        return mails[0]

    async def where(self, subject: str) -> set[str]:
        """Return the mailboxes of the one mail with this subject line."""
        return set((await self.mail(subject)).mailboxes)

    async def receive(self, *messages: bytes, into: Iterable[str] = ("Screener",)) -> list[str]:
        """Deliver mails, move them into mailboxes as a rule does, and return their ids in order."""
        await self.server.deliver(self.name, *messages)
        wanted = [_message_id(message) for message in messages]
        by_message_id: dict[str, str] = {}
        for part in _parts(await self._ids()):
            arguments = {"ids": part, "properties": ["id", "messageId"]}
            for email in (await self.jmap("Email/get", arguments))["list"]:
                by_message_id[email["messageId"][0]] = email["id"]
        ids = [by_message_id[message_id] for message_id in wanted]
        if set(into) != {"Inbox"}:
            await self.move(ids, into)
        return ids

    async def move(self, ids: Iterable[str], into: Iterable[str]) -> None:
        """Put mails into exactly these mailboxes."""
        mailboxes = await self.mailboxes()
        whole = {"mailboxIds": {mailboxes[name]: True for name in into}}
        await self._update(dict.fromkeys(ids, whole))

    async def _update(self, updates: Mapping[str, Mapping[str, Any]]) -> None:
        for part in _parts([*updates]):
            await self.jmap(
                "Email/set", {"update": {mail_id: updates[mail_id] for mail_id in part}}
            )

    async def tap(self, ids: Iterable[str] | str, *labels: str) -> None:
        """Put all of the labels on each of the mails, in one Email/set for up to 500 mails."""
        mailboxes = await self.mailboxes()
        ids = [ids] if isinstance(ids, str) else list(ids)
        patch = {f"mailboxIds/{mailboxes[label]}": True for label in labels}
        await self._update(dict.fromkeys(ids, patch))

    async def untap(self, mail_id: str, label: str) -> None:
        """Remove a label from a mail."""
        mailbox = (await self.mailboxes())[label]
        await self.jmap("Email/set", {"update": {mail_id: {f"mailboxIds/{mailbox}": None}}})

    # Contacts

    @property
    def contacts(self) -> ContactsApp:
        """The address book."""
        return self._contacts

    async def contact(self, address: str) -> Contact:
        """Return the one contact with this address."""
        (contact,) = await self.contacts.all_of(address)
        return contact

    async def contacts_of(self, address: str) -> list[Contact]:
        """Return all contacts with this address."""
        return await self.contacts.all_of(address)

    async def groups(self) -> dict[str, set[str]]:
        """Return name -> uids of the members, for every contact group."""
        return await self.contacts.groups()

    async def groups_of(self, address: str) -> set[str]:
        """Return the names of the groups of the one contact with this address."""
        uid = (await self.contact(address)).uid
        return {name for name, members in (await self.groups()).items() if uid in members}

    # Waiting

    async def until(
        self, condition: Callable[[], Awaitable[bool]], what: str, *, patience: float = PATIENCE
    ) -> None:
        """Wait until a condition holds; see :func:`until`."""
        await until(condition, what, patience=patience)

    async def until_triaged(self, *subjects: str, patience: float = PATIENCE) -> None:
        """Wait until these mails (none named: all mails) have no triage or scope label."""

        async def done() -> bool:
            mails = [
                mail for mail in await self.mails() if not subjects or mail.subject in subjects
            ]
            return {mail.subject for mail in mails} >= set(subjects) and not any(
                name.startswith(("@To", "@Whole", "@This"))
                for mail in mails
                for name in mail.mailboxes
            )

        await until(done, f"labels of {subjects or 'all'} are off", patience=patience)


async def until(
    condition: Callable[[], Awaitable[bool]], what: str, *, patience: float = PATIENCE
) -> None:
    """Wait until a condition holds. If it raises :class:`MailNotFoundError`, it does not hold yet.

    Raises:
        AssertionError: the condition did not hold in time.
    """
    deadline = time.monotonic() + patience
    while not await _holds(condition):
        assert time.monotonic() < deadline, f"not in {patience} s: {what}"
        await asyncio.sleep(0.05)


async def _holds(condition: Callable[[], Awaitable[bool]]) -> bool:
    try:
        return await condition()
    except MailNotFoundError:
        return False


def _parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE))


class Person(Owner):
    """The owner of an account on Cyrus, with contacts over CardDAV."""

    def __init__(self, cyrus: Cyrus, name: str, session: aiohttp.ClientSession) -> None:
        self.cyrus = cyrus
        self._vcards = VCardApp(session, default_book(cyrus.url, name), name, PASSWORD)
        super().__init__(cyrus, name, session, self._vcards)

    @property
    def contacts(self) -> VCardApp:
        """The address book, for raw vCards as well."""
        return self._vcards
