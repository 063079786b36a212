"""The sections of the settings: types, bounds, defaults, and what each setting means.

An empty string means "not set".
"""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from mailroom.http import Credentials, Proxies, Reach
from mailroom.screener.categories import Layout, triage_label
from mailroom.settings.fields import (
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

_LAYOUT: Final = Layout()


class Section(BaseModel):
    """A part of the settings."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class JmapSettings(Section):
    """The mail account."""

    session_url: ServiceUrl = Field(
        default=service_url("https://api.fastmail.com/jmap/session"),
        description="the JMAP session; `https://HOST` for where its server says it is",
    )
    token: HeaderToken = Field(
        default=SecretStr(""), description="API token (Bearer); or user name and password"
    )
    username: Username = Field(default="", description="user name (Basic)")
    password: Password = Field(default=SecretStr(""), description="password (Basic)")
    account: str = Field(
        default="", description="id of the account, if not the primary mail account"
    )
    keep_origin: bool = Field(
        default=False,
        description="whether scheme, host and port of every URL in the session are taken from"
        " `MAILROOM_JMAP_SESSION_URL`: for proxies that the server does not know of",
    )
    insecure: bool = Field(
        default=False,
        description="whether plain http may be spoken with the mail server though it is on another"
        " machine: for a container network of your own",
    )

    @property
    def is_fastmail(self) -> bool:
        """Whether the account is at Fastmail."""
        return f".{self.session_url.host}".endswith(".fastmail.com")

    @property
    def credentials(self) -> Credentials:
        """What proves to the JMAP server who we are."""
        reach = Reach(self.session_url, insecure=self.insecure)
        if token := self.token.get_secret_value():
            return Credentials.bearer(token, reach)
        return Credentials.basic(self.username, self.password.get_secret_value(), reach)


class ContactsSettings(Section):
    """Where the address book is."""

    backend: Annotated[Literal["auto", "jmap", "carddav"], Word] = Field(
        default="auto",
        description="`jmap`, `carddav`, or `auto`: `jmap` where the server offers it",
    )
    annotate: bool = Field(
        default=False,
        description="over JMAP, whether cards that you made get notes and missing names, too;"
        " servers may lose parts of a card by that. Over CardDAV they always do, and nothing is"
        " lost",
    )
    address_book: str = Field(
        default="",
        description="name, path or id of the address book to write to; none: your own one",
    )
    groups: Annotated[Literal["auto", "categories"], Word] = Field(
        default="auto",
        description="`auto`: groups are cards; `categories`: CATEGORIES on the cards (Nextcloud,"
        " DAVx5; CardDAV only)",
    )


class CarddavSettings(Section):
    """The address book over CardDAV."""

    url: ServiceUrl = Field(
        default=service_url("https://carddav.fastmail.com/"),
        description="the CardDAV server, if used; to be set where `MAILROOM_JMAP_SESSION_URL` is",
    )
    username: Username = Field(
        default="", description="user name; JMAP's if that is Basic and the host is the same"
    )
    password: Password = Field(
        default=SecretStr(""),
        description="(app) password; JMAP's in the same case as the user name",
    )
    insecure: bool = Field(
        default=False, description="as `MAILROOM_JMAP_INSECURE`, for the CardDAV server"
    )

    @property
    def credentials(self) -> Credentials:
        """What proves to the CardDAV server who we are."""
        reach = Reach(self.url, insecure=self.insecure)
        return Credentials.basic(self.username, self.password.get_secret_value(), reach)


class HttpSettings(Section):
    """The way to the servers."""

    ca_file: CaFile = Field(
        default="",
        description="file of certificates (PEM) of a private CA, trusted beside the system's",
    )
    proxy: ProxyUrl = Field(
        default=SecretStr(""),
        description="proxy for all servers but this machine and `NO_PROXY`, like"
        " `http://proxy.example.com:3128`; unset: `HTTPS_PROXY` and `HTTP_PROXY`",
    )

    @property
    def proxies(self) -> Proxies:
        """The proxy that is configured, else those of the environment."""
        return Proxies.configured(self.proxy.get_secret_value())


class PushSettings(Section):
    """How changes are heard of."""

    transport: Annotated[Literal["auto", "websocket", "eventsource", "off"], Word] = Field(
        default="auto",
        description="`auto`, `websocket`, `eventsource` or `off` (then only polls find anything)",
    )
    settle: float = Field(
        default=0.1,
        ge=0,
        le=60,
        description="seconds to wait after an event, so that a burst is one pass",
    )
    ping: int = Field(
        default=30, ge=1, le=3600, description="seconds between pings asked of the server"
    )


class ArrivalsSettings(Section):
    """What becomes of new mail."""

    enabled: bool = Field(
        default=True,
        description="whether new mail in the Inbox is screened; if not, your provider has to do it",
    )
    lookback: float = Field(
        default=86400,
        ge=0,
        le=30 * 86400,
        description="seconds: older mail is never looked at, whatever happened in the meantime",
    )
    authserv_id: AuthservId = Field(
        default="",
        description="whose `Authentication-Results` are believed: a name, or `*.example.com`; none:"
        " Fastmail's at Fastmail, else nobody's",
    )


class PollSettings(Section):
    """The fallback."""

    interval: float = Field(
        default=300,
        ge=1,
        le=86400,
        description="seconds between passes that run whatever push says; at most 30 while push is "
        "down or silent",
    )


class HealthSettings(Section):
    """The HTTP server for probes and people."""

    host: str = Field(
        default="::", description="address to listen on; `::` for all, of IPv4 and IPv6"
    )
    port: int = Field(
        default=8080, ge=0, le=65535, description="port to listen on; 0 for any free one"
    )


class LogSettings(Section):
    """What is logged, and how."""

    level: Annotated[Literal["debug", "info", "warning", "error"], Word] = Field(
        default="info",
        description="`debug`, `info`, `warning` or `error`; `warning` for all commands but `run`",
    )
    format: Annotated[Literal["auto", "console", "json"], Word] = Field(
        default="auto", description="`console`, `json`, or `auto`: console on a terminal, else JSON"
    )


class FailureSettings(Section):
    """When to give up."""

    limit: int = Field(
        default=10, ge=1, le=1000, description="failed passes in a row after which Mailroom exits"
    )


def _label_of_screener(validated: dict[str, Any]) -> str:
    mailbox = str(validated.get("mailbox", _LAYOUT.screener))
    return triage_label(mailbox.rpartition("/")[2])


class ScreenerSettings(Section):
    """What there is beside the categories."""

    mailbox: str = Field(
        default=_LAYOUT.screener,
        description="where undecided senders wait; `Inbox/Screener` is a child",
    )
    label: str = Field(
        default_factory=_label_of_screener,
        description="takes a decision back; unless set: `@To` and the name of the mailbox",
    )
    error_label: str = Field(
        default=_LAYOUT.error_label, description="marks labelled mail that cannot be triaged"
    )
    warning_label: str = Field(
        default=_LAYOUT.warning_label,
        description="marks mail whose sender's name is not the card's",
    )
    provenance_group: str = Field(
        default=_LAYOUT.provenance_group,
        description="contact group of the cards that Mailroom made",
    )
    warn_on_name_mismatch: bool = Field(
        default=_LAYOUT.warn_on_name_mismatch, description="whether the warning label is used"
    )

    @property
    def layout(self) -> Layout:
        """As the domain knows it."""
        return Layout(
            screener=self.mailbox,
            screener_label=self.label,
            error_label=self.error_label,
            warning_label=self.warning_label,
            provenance_group=self.provenance_group,
            warn_on_name_mismatch=self.warn_on_name_mismatch,
        )
