"""The sections of the settings: types, bounds, defaults, and the meaning of each setting.

An empty string means "not set".
"""

from dataclasses import dataclass
from typing import Annotated, Final, Literal

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
from mailroom.settings.setting import Between, Secret, Section, setting

_LAYOUT: Final = Layout()


@dataclass(frozen=True, kw_only=True)
class JmapSettings(Section):
    """The mail account."""

    session_url: ServiceUrl = setting(
        default=service_url("https://api.fastmail.com/jmap/session"),
        meaning="URL of the JMAP session; for `https://HOST`, `/.well-known/jmap` is added",
    )
    token: HeaderToken = setting(
        default=Secret(""),
        meaning="API token (Bearer); set either this or user name and password",
    )
    username: Username = setting(
        default="",
        meaning="user name (Basic)",
    )
    password: Password = setting(
        default=Secret(""),
        meaning="password (Basic)",
    )
    account: str = setting(
        default="",
        meaning="id of the account; default: the primary mail account",
    )
    keep_origin: bool = setting(
        default=False,
        meaning="`true`: use the scheme, host and port of `MAILROOM_JMAP_SESSION_URL` for all"
        " URLs in the session, for a server that does not know the proxy in front of it",
    )
    insecure: bool = setting(
        default=False,
        meaning="`true`: allow plain http to a mail server on another machine, in a container"
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


@dataclass(frozen=True, kw_only=True)
class ContactsSettings(Section):
    """The address book: protocol, choice, and edits of cards."""

    backend: Annotated[Literal["auto", "jmap", "carddav"], Word] = setting(
        default="auto",
        meaning="`jmap`, `carddav`, or `auto`: `jmap` if the server offers it, else `carddav`",
    )
    annotate: bool = setting(
        default=False,
        meaning="`true`: over JMAP, add notes and missing names to cards that you made; servers"
        " may lose parts of such a card. Over CardDAV this is always done, and loses nothing",
    )
    address_book: str = setting(
        default="",
        meaning="name, path or id of the address book to write to; default: your own",
    )
    groups: Annotated[Literal["auto", "categories"], Word] = setting(
        default="auto",
        meaning="form of contact groups: `auto`: a card for each group; `categories`:"
        " CATEGORIES on the cards of the members (Nextcloud, DAVx5; CardDAV only)",
    )


@dataclass(frozen=True, kw_only=True)
class CarddavSettings(Section):
    """The address book over CardDAV."""

    url: ServiceUrl = setting(
        default=service_url("https://carddav.fastmail.com/"),
        meaning="URL of the CardDAV server; required for CardDAV if the mail server is not"
        " Fastmail's",
    )
    username: Username = setting(
        default="",
        meaning="user name; default: that of JMAP, if it has one and the host is the same",
    )
    password: Password = setting(
        default=Secret(""),
        meaning="password or app password; default: that of JMAP, as for the user name",
    )
    insecure: bool = setting(
        default=False,
        meaning="like `MAILROOM_JMAP_INSECURE`, for the CardDAV server",
    )

    @property
    def credentials(self) -> Credentials:
        """The credentials for the CardDAV server."""
        allowed_hosts = AllowedHosts(self.url, insecure=self.insecure)
        return Credentials.basic(self.username, self.password.get_secret_value(), allowed_hosts)


@dataclass(frozen=True, kw_only=True)
class HttpSettings(Section):
    """HTTP: certificates and proxy."""

    ca_file: CaFile = setting(
        default="",
        meaning="file with certificates (PEM) of a private CA, which are trusted beside the"
        " system's",
    )
    proxy: ProxyUrl = setting(
        default=Secret(""),
        meaning="proxy (`http://proxy.example.com:3128`) for all servers except this machine"
        " and those in `NO_PROXY`; default: `HTTPS_PROXY` and `HTTP_PROXY`",
    )

    @property
    def proxies(self) -> Proxies:
        """The configured proxy, else the proxies of the environment."""
        return Proxies.configured(self.proxy.get_secret_value())


@dataclass(frozen=True, kw_only=True)
class PushSettings(Section):
    """Push: transport and timing."""

    transport: Annotated[Literal["auto", "websocket", "eventsource", "off"], Word] = setting(
        default="auto",
        meaning="`websocket`, `eventsource`, `off` (Mailroom only polls), or `auto`:"
        " `websocket` if the server offers it, else `eventsource`",
    )
    settle: Annotated[float, Between(0, 60)] = setting(
        default=0.1,
        meaning="seconds to wait after an event, so that a burst of events causes one pass",
    )
    ping: Annotated[int, Between(1, 3600)] = setting(
        default=30,
        meaning="seconds between the pings that Mailroom asks the server to send",
    )


@dataclass(frozen=True, kw_only=True)
class ArrivalsSettings(Section):
    """The screening of new mail."""

    enabled: bool = setting(
        default=True,
        meaning="`false`: new mail in the Inbox is not screened; use your provider's rules",
    )
    lookback: Annotated[float, Between(0, 30 * 86400)] = setting(
        default=86400,
        meaning="age in seconds; new mail that is older is never screened",
    )
    authserv_id: AuthservId = setting(
        default="",
        meaning="server whose `Authentication-Results` are believed: a name, or"
        " `*.example.com`; default: Fastmail's at Fastmail, else no server",
    )
    codes: bool = setting(
        default=True,
        meaning="`false`: mail with a one-time code in its subject line waits like any other",
    )
    code_words: str = setting(
        default="",
        meaning="more words for one-time codes: `kodi i verifikimit, verifikationskod`",
    )


@dataclass(frozen=True, kw_only=True)
class PollSettings(Section):
    """The poll, which runs beside push."""

    interval: Annotated[float, Between(1, 86400)] = setting(
        default=300,
        meaning="seconds between polls, which run beside push; at most 30 while push is down"
        " or has missed a change",
    )


@dataclass(frozen=True, kw_only=True)
class LogSettings(Section):
    """The level and format of the log."""

    level: Annotated[Literal["debug", "info", "warning", "error"], Word] = setting(
        default="info",
        meaning="`debug`, `info`, `warning` or `error`; default of all commands except `run`:"
        " `warning`",
    )
    format: Annotated[Literal["auto", "console", "json"], Word] = setting(
        default="auto",
        meaning="`console`, `json`, or `auto`: `console` on a terminal, else `json`",
    )


@dataclass(frozen=True, kw_only=True)
class FailureSettings(Section):
    """The limit of failures."""

    limit: Annotated[int, Between(1, 1000)] = setting(
        default=10,
        meaning="number of failed passes in a row after which Mailroom exits",
    )


@dataclass(frozen=True, kw_only=True)
class ScreenerSettings(Section):
    """The mailboxes, labels and groups beside the categories."""

    mailbox: str = setting(
        default=_LAYOUT.screener,
        meaning="mailbox where the mail of undecided senders waits; `Inbox/Screener` is the"
        " mailbox Screener in the Inbox",
    )
    label: str = setting(
        default="",
        meaning="label that undoes a decision; default: `@To` and the name of the mailbox",
    )
    spam_label: str = setting(
        default=_LAYOUT.spam_label,
        meaning="label that puts a sender's waiting mail into the Junk folder",
    )
    domain_label: str = setting(
        default=_LAYOUT.domain_label,
        meaning="label that, beside a triage label, decides on everybody at the domain",
    )
    list_label: str = setting(
        default=_LAYOUT.list_label,
        meaning="label that, beside a triage label, decides on the mail's mailing list",
    )
    error_label: str = setting(
        default=_LAYOUT.error_label,
        meaning="label for labelled mail that cannot be triaged",
    )
    warning_label: str = setting(
        default=_LAYOUT.warning_label,
        meaning="label for mail whose sender uses another name than the contact has, and for"
        " mail that may be forged",
    )
    provenance_group: str = setting(
        default=_LAYOUT.provenance_group,
        meaning="contact group of the contacts that Mailroom made",
    )
    warn_on_name_mismatch: bool = setting(
        default=_LAYOUT.warn_on_name_mismatch,
        meaning="`false`: the warning label is not used, not for forged mail either",
    )
    expire: Age = setting(
        default="",
        meaning="age in days (`30d`) at which waiting mail goes to the archive without a"
        " decision; default: never",
    )

    def __post_init__(self) -> None:
        if not self.label:
            name = self.mailbox.rpartition("/")[2]
            object.__setattr__(self, "label", triage_label(name))

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
