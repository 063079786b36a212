"""The sections of the settings: types, bounds, defaults, and the meaning of each setting.

An empty string means "not set".
"""

from typing import Annotated, Final, Literal

from pydantic import Field, SecretStr

from mailroom.http import AllowedHosts, Credentials, Proxies
from mailroom.screener.model.categories import Layout, triage_label
from mailroom.settings.fields import (
    Age,
    AuthservId,
    CaFile,
    HeaderToken,
    Password,
    ProxyUrl,
    ServiceUrl,
    Username,
    Word,
    service_url,
)
from mailroom.settings.section import Section

_LAYOUT: Final = Layout()


class JmapSettings(Section):
    """The mail account."""

    session_url: ServiceUrl = Field(
        default=service_url("https://api.fastmail.com/jmap/session"),
        description="URL of the JMAP session; for `https://HOST`, `/.well-known/jmap` is added",
    )
    token: HeaderToken = Field(
        default=SecretStr(""),
        description="API token (Bearer); set either this or user name and password",
    )
    username: Username = Field(default="", description="user name (Basic)")
    password: Password = Field(default=SecretStr(""), description="password (Basic)")
    account: str = Field(
        default="", description="id of the account; default: the primary mail account"
    )
    keep_origin: bool = Field(
        default=False,
        description="`true`: use the scheme, host and port of `MAILROOM_JMAP_SESSION_URL` for all"
        " URLs in the session, for a server that does not know the proxy in front of it",
    )
    insecure: bool = Field(
        default=False,
        description="`true`: allow plain http to a mail server on another machine, in a container"
        " network of your own",
    )

    @property
    def is_fastmail(self) -> bool:
        """True if the account is at Fastmail."""
        return f".{self.session_url.host}".endswith(".fastmail.com")

    @property
    def credentials(self) -> Credentials:
        """The credentials for the JMAP server."""
        allowed_hosts = AllowedHosts(self.session_url, insecure=self.insecure)
        if token := self.token.get_secret_value():
            return Credentials.bearer(token, allowed_hosts)
        return Credentials.basic(self.username, self.password.get_secret_value(), allowed_hosts)


class ContactsSettings(Section):
    """The address book: protocol, choice, and edits of cards."""

    backend: Annotated[Literal["auto", "jmap", "carddav"], Word] = Field(
        default="auto",
        description="`jmap`, `carddav`, or `auto`: `jmap` if the server offers it, else `carddav`",
    )
    annotate: bool = Field(
        default=False,
        description="`true`: over JMAP, add notes and missing names to cards that you made; servers"
        " may lose parts of such a card. Over CardDAV this is always done, and loses nothing",
    )
    address_book: str = Field(
        default="",
        description="name, path or id of the address book to write to; default: your own",
    )
    groups: Annotated[Literal["auto", "categories"], Word] = Field(
        default="auto",
        description="form of contact groups: `auto`: a card for each group; `categories`:"
        " CATEGORIES on the cards of the members (Nextcloud, DAVx5; CardDAV only)",
    )


class CarddavSettings(Section):
    """The address book over CardDAV."""

    url: ServiceUrl = Field(
        default=service_url("https://carddav.fastmail.com/"),
        description="URL of the CardDAV server; required for CardDAV if the mail server is not"
        " Fastmail's",
    )
    username: Username = Field(
        default="",
        description="user name; default: that of JMAP, if it has one and the host is the same",
    )
    password: Password = Field(
        default=SecretStr(""),
        description="password or app password; default: that of JMAP, as for the user name",
    )
    insecure: bool = Field(
        default=False, description="like `MAILROOM_JMAP_INSECURE`, for the CardDAV server"
    )

    @property
    def credentials(self) -> Credentials:
        """The credentials for the CardDAV server."""
        allowed_hosts = AllowedHosts(self.url, insecure=self.insecure)
        return Credentials.basic(self.username, self.password.get_secret_value(), allowed_hosts)


class HttpSettings(Section):
    """HTTP: certificates and proxy."""

    ca_file: CaFile = Field(
        default="",
        description="file with certificates (PEM) of a private CA, which are trusted beside the"
        " system's",
    )
    proxy: ProxyUrl = Field(
        default=SecretStr(""),
        description="proxy (`http://proxy.example.com:3128`) for all servers except this machine"
        " and those in `NO_PROXY`; default: `HTTPS_PROXY` and `HTTP_PROXY`",
    )

    @property
    def proxies(self) -> Proxies:
        """The configured proxy, else the proxies of the environment."""
        return Proxies.configured(self.proxy.get_secret_value())


class PushSettings(Section):
    """Push: transport and timing."""

    transport: Annotated[Literal["auto", "websocket", "eventsource", "off"], Word] = Field(
        default="auto",
        description="`websocket`, `eventsource`, `off` (Mailroom only polls), or `auto`:"
        " `websocket` if the server offers it, else `eventsource`",
    )
    settle: float = Field(
        default=0.1,
        ge=0,
        le=60,
        description="seconds to wait after an event, so that a burst of events causes one pass",
    )
    ping: int = Field(
        default=30,
        ge=1,
        le=3600,
        description="seconds between the pings that Mailroom asks the server to send",
    )


class ArrivalsSettings(Section):
    """The screening of new mail."""

    enabled: bool = Field(
        default=True,
        description="`false`: new mail in the Inbox is not screened; use your provider's rules",
    )
    lookback: float = Field(
        default=86400,
        ge=0,
        le=30 * 86400,
        description="age in seconds; new mail that is older is never screened",
    )
    authserv_id: AuthservId = Field(
        default="",
        description="server whose `Authentication-Results` are believed: a name, or"
        " `*.example.com`; default: Fastmail's at Fastmail, else no server",
    )
    codes: bool = Field(
        default=True,
        description="`false`: mail with a one-time code in its subject line waits like any other",
    )
    code_words: str = Field(
        default="",
        description="more words for one-time codes: `kodi i verifikimit, verifikationskod`",
    )


class PollSettings(Section):
    """The poll, which runs beside push."""

    interval: float = Field(
        default=300,
        ge=1,
        le=86400,
        description="seconds between polls, which run beside push; at most 30 while push is down"
        " or has missed a change",
    )


class LogSettings(Section):
    """The level and format of the log."""

    level: Annotated[Literal["debug", "info", "warning", "error"], Word] = Field(
        default="info",
        description="`debug`, `info`, `warning` or `error`; default of all commands except `run`:"
        " `warning`",
    )
    format: Annotated[Literal["auto", "console", "json"], Word] = Field(
        default="auto",
        description="`console`, `json`, or `auto`: `console` on a terminal, else `json`",
    )


class FailureSettings(Section):
    """The limit of failures."""

    limit: int = Field(
        default=10,
        ge=1,
        le=1000,
        description="number of failed passes in a row after which Mailroom exits",
    )


class ScreenerSettings(Section):
    """The mailboxes, labels and groups beside the categories."""

    mailbox: str = Field(
        default=_LAYOUT.screener,
        description="mailbox where the mail of undecided senders waits; `Inbox/Screener` is the"
        " mailbox Screener in the Inbox",
    )
    label: str = Field(
        default_factory=lambda validated: triage_label(
            validated.get("mailbox", _LAYOUT.screener).rpartition("/")[2]
        ),
        description="label that undoes a decision; default: `@To` and the name of the mailbox",
    )
    spam_label: str = Field(
        default=_LAYOUT.spam_label,
        description="label that puts a sender's waiting mail into the Junk folder",
    )
    domain_label: str = Field(
        default=_LAYOUT.domain_label,
        description="label that, beside a triage label, decides on everybody at the domain",
    )
    list_label: str = Field(
        default=_LAYOUT.list_label,
        description="label that, beside a triage label, decides on the mail's mailing list",
    )
    error_label: str = Field(
        default=_LAYOUT.error_label, description="label for labelled mail that cannot be triaged"
    )
    warning_label: str = Field(
        default=_LAYOUT.warning_label,
        description="label for mail whose sender uses another name than the contact has, and for"
        " mail that may be forged",
    )
    provenance_group: str = Field(
        default=_LAYOUT.provenance_group,
        description="contact group of the contacts that Mailroom made",
    )
    warn_on_name_mismatch: bool = Field(
        default=_LAYOUT.warn_on_name_mismatch,
        description="`false`: the warning label is not used, not for forged mail either",
    )
    expire: Age = Field(
        default="",
        description="age in days (`30d`) at which waiting mail goes to the archive without a"
        " decision; default: never",
    )

    @property
    def layout(self) -> Layout:
        """The same values as a :class:`Layout`."""
        return Layout(
            screener=self.mailbox,
            screener_label=self.label,
            spam_label=self.spam_label,
            domain_label=self.domain_label,
            list_label=self.list_label,
            error_label=self.error_label,
            warning_label=self.warning_label,
            provenance_group=self.provenance_group,
            warn_on_name_mismatch=self.warn_on_name_mismatch,
        )
