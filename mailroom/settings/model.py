"""The settings themselves: sections, types, bounds, defaults, and what each means.

Nothing is read here, and nothing is judged that needs more than one setting: that is
:mod:`mailroom.settings.load`'s. An empty string means "not set".

An account's settings are whole by themselves. Those of several accounts hang on the settings of the
process that serves them, which are nobody's.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from mailroom.http import Credentials
from mailroom.screener.categories import DEFAULTS, Layout, triage_label
from mailroom.settings.fields import (
    AuthservId,
    CategoryList,
    HeaderToken,
    Password,
    ServiceUrl,
    ShardOption,
    Username,
    Word,
    service_url,
)

PREFIX: Final = "MAILROOM_"
PROCESS_WIDE: Final = frozenset({"health", "log", "shard"})
"""What there is once for a process, however many accounts it serves."""
_LAYOUT: Final = Layout()
_FASTMAIL_AUTHSERV_ID: Final = "*.messagingengine.com"


class Section(BaseModel):
    """A part of the settings."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class JmapSettings(Section):
    """The mail account."""

    session_url: ServiceUrl = Field(
        default=service_url("https://api.fastmail.com/jmap/session"),
        description="the JMAP session (or `https://HOST/.well-known/jmap`)",
    )
    token: HeaderToken = Field(
        default=SecretStr(""), description="API token (Bearer); or user name and password"
    )
    username: Username = Field(default="", description="user name (Basic)")
    password: Password = Field(default=SecretStr(""), description="password (Basic)")
    account: str = Field(
        default="", description="id of the account, if not the primary mail account"
    )

    @property
    def is_fastmail(self) -> bool:
        """Whether the account is at Fastmail."""
        return f".{self.session_url.host}".endswith(".fastmail.com")

    @property
    def credentials(self) -> Credentials:
        """What proves to the JMAP server who we are."""
        if token := self.token.get_secret_value():
            return Credentials.bearer(token)
        return Credentials.basic(self.username, self.password.get_secret_value())


class ContactsSettings(Section):
    """Where the address book is."""

    backend: Annotated[Literal["auto", "jmap", "carddav"], Word] = Field(
        default="auto",
        description="`jmap`, `carddav`, or `auto`: `jmap` where the server offers it",
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

    @property
    def credentials(self) -> Credentials:
        """What proves to the CardDAV server who we are."""
        return Credentials.basic(self.username, self.password.get_secret_value())


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
        description="seconds between passes that run whatever push says",
    )


class HealthSettings(Section):
    """The HTTP server for probes and people."""

    host: str = Field(default="0.0.0.0", description="address to listen on")  # noqa: S104 - a container's
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


class Settings(BaseSettings):
    """All settings, each valid by itself; :func:`mailroom.settings.load_settings` makes them.

    Args:
        sources: the one that beats the others first.
        origins: where what was set was set, for a person.
        carddav_lacks: what is not set that CardDAV needs.
        name: the account's name, if it is one of several.
        accounts: the settings of each account, if these here are of a process for several.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="_",
        env_nested_max_split=1,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    jmap: JmapSettings = JmapSettings()
    contacts: ContactsSettings = ContactsSettings()
    carddav: CarddavSettings = CarddavSettings()
    push: PushSettings = PushSettings()
    arrivals: ArrivalsSettings = ArrivalsSettings()
    poll: PollSettings = PollSettings()
    health: HealthSettings = HealthSettings()
    log: LogSettings = LogSettings()
    failure: FailureSettings = FailureSettings()
    screener: ScreenerSettings = ScreenerSettings()
    categories: CategoryList = Field(
        default=DEFAULTS,
        description="list of categories (in the environment: as JSON), in place of the defaults",
    )
    shard: ShardOption = Field(
        default=None, description="`0/3`: run only the first of three parts of the `accounts`"
    )

    _origins: Mapping[tuple[str, ...], str] = PrivateAttr()
    _carddav_lacks: tuple[str, ...] = PrivateAttr()
    _name: str = PrivateAttr()
    _accounts: tuple["Settings", ...] = PrivateAttr()

    def __init__(
        self,
        sources: Sequence[PydanticBaseSettingsSource],
        origins: Mapping[tuple[str, ...], str],
        *,
        carddav_lacks: Sequence[str] = (),
        name: str = "",
        accounts: Sequence["Settings"] = (),
    ) -> None:
        super().__init__(_build_sources=(tuple(sources), {}))
        self._origins = dict(origins)
        self._carddav_lacks = tuple(carddav_lacks)
        self._name = name
        self._accounts = tuple(accounts)

    @property
    def name(self) -> str:
        """The account's name; empty for a single account."""
        return self._name

    @property
    def accounts(self) -> tuple["Settings", ...]:
        """The settings of each account; those of a single one are these here."""
        return self._accounts or (self,)

    @property
    def has_several(self) -> bool:
        """Whether accounts are given by name, if only one."""
        return bool(self._accounts)

    @property
    def served(self) -> tuple["Settings", ...]:
        """The accounts that this process is to serve: all, or its shard of them."""
        shard = self.shard
        return tuple(each for each in self.accounts if shard is None or shard.keeps(each.name))

    @property
    def authserv_id(self) -> str:
        """Whose Authentication-Results are believed; empty: nobody's."""
        if self.arrivals.authserv_id or not self.jmap.is_fastmail:
            return self.arrivals.authserv_id
        return _FASTMAIL_AUTHSERV_ID

    @property
    def carddav_lacks(self) -> tuple[str, ...]:
        """What would have to be set for CardDAV to be used, a line for each; empty if nothing."""
        return self._carddav_lacks

    def origin(self, path: tuple[str, ...]) -> str:
        """Where ``path`` (``("jmap", "token")``) was set; empty if it has its default."""
        return self._origins.get(path, "")

    def secrets(self) -> frozenset[str]:
        """Every text that must never be shown: secrets, and the headers made of them."""
        if self._accounts:
            return frozenset[str]().union(*(each.secrets() for each in self._accounts))
        plain = {
            self.jmap.token.get_secret_value(),
            self.jmap.password.get_secret_value(),
            self.carddav.password.get_secret_value(),
        }
        users = (self.jmap, self.carddav)
        headers = {each.credentials.header.partition(" ")[2] for each in users}
        return frozenset((plain | headers) - {""})
