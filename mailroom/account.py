"""One mail account and its clients. Accounts share nothing."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Final

import structlog
from yarl import URL

from mailroom.contacts.book import AddressBook
from mailroom.contacts.model import AddressBookError
from mailroom.http import (
    HttpClient,
    Slots,
    Streams,
    may_carry_credentials,
    open_session,
    shown,
    tls_for,
)
from mailroom.http.credentials import are_siblings
from mailroom.jmap.client import JmapClient
from mailroom.jmap.email_methods import get_email_state
from mailroom.jmap.eventsource import EventSourceTransport
from mailroom.jmap.mail_account import MailAccount
from mailroom.jmap.session import CONTACTS, Session
from mailroom.jmap.transports import AutoTransport, Transport, offered
from mailroom.jmap.websocket import WebSocketTransport
from mailroom.screener.arrivals.screening import Policy
from mailroom.screener.model.codes import CodeFinder
from mailroom.screener.passes.workflow import ScreenerWorkflow
from mailroom.settings.model import Settings
from mailroom.waiting.concurrency import all_of

log = structlog.get_logger(__name__)

PushTransport = WebSocketTransport | EventSourceTransport

_PUSHED_TYPES: Final = ("Email", "Mailbox")
"""The types whose changes push announces: a label changes a mail and a mailbox."""


class Account:
    """An account's clients. Made by :func:`open_account`; sends nothing until a method is called.

    Attributes:
        settings: the account's configuration.
        client: the client of the account's JMAP server.
        streams: the record of the open push stream. The other clients of the same server read it,
            because some servers answer no request while a stream is open.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        jmap: HttpClient,
        carddav: HttpClient,
        push: HttpClient,
        streams: Streams,
    ) -> None:
        self.settings = settings
        self.streams = streams
        self.client = JmapClient(
            jmap, settings.jmap.session_url, keep_origin=settings.jmap.keep_origin
        )
        self._jmap_http = jmap
        self._carddav_http = carddav
        self._push_http = push
        self._mail: MailAccount | None = None
        self._book: AddressBook | None = None
        self._workflow: ScreenerWorkflow | None = None

    @property
    def requests_refused(self) -> int:
        """The number of requests that were answered 401, without those for push streams."""
        return self._jmap_http.requests_refused + self._carddav_http.requests_refused

    async def mail(self) -> MailAccount:
        """Return the mail account; the first call finds it in the session.

        Raises:
            HttpError: the server cannot be reached.
            SessionError: the session has no such account.
        """
        if self._mail is None:
            self._mail = await MailAccount.open(self.client, wanted=self.settings.jmap.account)
        return self._mail

    async def email_state(self) -> str:
        """Return the present Email state. Raises as :meth:`mail`, and RequestError, MethodError."""
        mail = await self.mail()
        (state,) = await self.client.perform(get_email_state(mail.id))
        return state

    async def book(self) -> AddressBook:
        """Return the address book; the first call chooses between JMAP and CardDAV.

        Raises:
            HttpError: the server cannot be reached.
            SessionError: the settings ask for contacts over JMAP, and the server offers none.
            AddressBookError: no contacts are offered over JMAP, and CardDAV is not configured.
        """
        if self._book is not None:
            return self._book
        backend, wanted = self.settings.contacts.backend, self.settings.jmap.account
        session = await self.client.session()
        offered_account = session.find_account_for(CONTACTS, preferred=wanted)
        if backend == "jmap":
            self._book = self._jmap_book(session.account_for(CONTACTS, wanted=wanted))
        elif backend == "auto" and offered_account:
            self._book = self._jmap_book(offered_account)
        elif backend == "auto" and (lacking := self.settings.carddav_lacks):
            reasons = "; ".join(lacking)
            raise AddressBookError(f"no contacts over JMAP, and CardDAV cannot be used: {reasons}")
        else:
            # Of the two protocols, a service loads only the one that it uses.
            from mailroom.contacts.carddav import CardDavAddressBook, Options  # noqa: PLC0415

            # If a server offers both protocols, only vCard 4 groups can be seen over both.
            jmap_host = str(self.settings.jmap.session_url.host).lower()
            carddav_host = str(self.settings.carddav.url.host).lower()
            is_one_provider = are_siblings(jmap_host, carddav_host)
            contacts, layout = self.settings.contacts, self.settings.screener.layout
            options = Options(
                address_book=contacts.address_book,
                group_names=self.settings.categories.group_names() | {layout.provenance_group},
                groups_are_categories=contacts.groups == "categories",
                makes_vcard4_groups=bool(offered_account) and is_one_provider,
            )
            url = self.settings.carddav.url
            self._book = CardDavAddressBook(self._carddav_http, url, options)
        return self._book

    def _jmap_book(self, account_id: str) -> AddressBook:
        from mailroom.contacts.jmap import JmapAddressBook  # noqa: PLC0415 - see book

        contacts = self.settings.contacts
        return JmapAddressBook(
            self.client,
            account_id,
            annotate=contacts.annotate,
            address_book=contacts.address_book,
        )

    async def make_address_book(self) -> None:
        """Make an address book over CardDAV, for a user who has none there.

        Raises:
            HttpError, AddressBookError: as :func:`mailroom.contacts.carddav.make_address_book`.
        """
        from mailroom.contacts.carddav import make_address_book  # noqa: PLC0415 - see book

        await make_address_book(self._carddav_http, self.settings.carddav.url, "Contacts")
        self._book = None

    def push_transport(self, *, ping: int) -> Transport | None:
        """Return the configured transport; None if push is off. ``ping``: seconds between pings."""
        transports = self._push_transports(ping)
        if self.settings.push.transport == "auto":
            return AutoTransport(list(transports.values()), self._push_offers)
        return transports.get(self.settings.push.transport)

    async def push_choices(self, *, ping: int) -> list[PushTransport]:
        """Return the transports that can be used, the best first. Raises as :meth:`mail`."""
        transports = self._push_transports(ping)
        wanted = self.settings.push.transport
        names = await self._push_offers() if wanted == "auto" else [wanted]
        return [transports[name] for name in names if name in transports]

    def _push_transports(self, ping: int) -> dict[str, PushTransport]:
        async def websocket_url() -> URL | None:
            return (await self._push_session()).websocket_url

        async def event_source_template() -> str:
            return (await self._push_session()).event_source_template

        websocket = WebSocketTransport(
            self.settings.jmap.credentials,
            websocket_url,
            types=_PUSHED_TYPES,
            ping=ping,
            proxies=self.settings.http.proxies,
            ca_file=self.settings.http.ca_file,
        )
        eventsource = EventSourceTransport(
            self._push_http,
            event_source_template,
            types=_PUSHED_TYPES,
            ping=ping,
        )
        return {websocket.name: websocket, eventsource.name: eventsource}

    async def _push_offers(self) -> list[str]:
        return offered(await self._push_session())

    async def _push_session(self) -> Session:
        await self.mail()  # so that the account's id is known when the first event comes
        return await self.client.session()

    async def workflow(self) -> ScreenerWorkflow:
        """Return the account's Screener. Raises as :meth:`mail` and :meth:`book`."""
        if self._workflow is None:
            arrivals, policy = self.settings.arrivals, None
            if arrivals.enabled:
                lookback = timedelta(seconds=arrivals.lookback)
                codes = (
                    CodeFinder(arrivals.code_words.split(",")) if self.settings.has_codes else None
                )
                notify = self.settings.notify
                policy = Policy(
                    lookback,
                    self.settings.authserv_id,
                    codes,
                    has_notices=notify.is_on,
                    has_notices_of_bulk=notify.about == "everybody",
                )
            self._workflow = ScreenerWorkflow(
                await self.mail(),
                await self.book(),
                self.settings.categories,
                self.settings.screener.layout,
                policy=policy,
                now=lambda: self.client.server_now().astimezone(),
            )
        return self._workflow


@asynccontextmanager
async def open_account(settings: Settings) -> AsyncIterator[Account]:
    """Yield an account to use inside the block; at its end, writes under way get a few seconds.

    JMAP and CardDAV on one host share that host's slots, because some servers count the requests of
    an account over both. A push stream takes no slot: it stays open for ever, and servers do not
    count it after the handshake. One slot is left free for the handshake.
    """
    for url, setting in (
        (settings.jmap.session_url, "MAILROOM_JMAP_INSECURE"),
        (settings.carddav.url, "MAILROOM_CARDDAV_INSECURE"),
    ):
        # The user has allowed plain http, but is reminded that nothing is encrypted.
        if not may_carry_credentials(url):
            log.warning("credentials are sent over plain http", to=shown(url), allowed_by=setting)
    slots, streams = Slots(), Streams()
    is_one_host = settings.jmap.session_url.host == settings.carddav.url.host
    carddav_slots, carddav_streams = (slots, streams) if is_one_host else (Slots(), Streams())
    tls = tls_for(settings.http.ca_file)
    async with AsyncExitStack() as stack:
        parts_of_clients = (
            (settings.jmap.credentials, slots, streams),
            (settings.carddav.credentials, carddav_slots, carddav_streams),
            # Push streams are opened by HttpClient.open, which uses neither slots nor streams.
            (settings.jmap.credentials, Slots(), Streams()),
        )
        jmap, carddav, push = [
            HttpClient(
                await stack.enter_async_context(open_session(tls)),
                credentials,
                slots=client_slots,
                proxies=settings.http.proxies,
                streams=client_streams,
            )
            for credentials, client_slots, client_streams in parts_of_clients
        ]
        try:
            yield Account(settings, jmap=jmap, carddav=carddav, push=push, streams=streams)
        finally:
            await all_of(http.close() for http in (jmap, carddav, push))
