"""The settings model: all sections, and values that follow from several of them.

This module reads no source, and checks nothing that needs more than one setting: see
:mod:`mailroom.settings.load`.

The settings of an account are complete by themselves. If there are several accounts, the settings
of the process hold the settings of each.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final
from zoneinfo import ZoneInfo

from pydantic import Field, PrivateAttr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from mailroom.screener.model.categories import DEFAULTS
from mailroom.settings.digest import DigestSettings
from mailroom.settings.fields import CategoryList, ShardOption, TimeZone
from mailroom.settings.health import HealthSettings
from mailroom.settings.notify import NotifySettings
from mailroom.settings.raw import PREFIX
from mailroom.settings.sections import (
    ArrivalsSettings,
    CarddavSettings,
    ContactsSettings,
    FailureSettings,
    HttpSettings,
    JmapSettings,
    LogSettings,
    PollSettings,
    PushSettings,
    ScreenerSettings,
)
from mailroom.settings.web import PROCESS_WIDE as _WEB_PROCESS_WIDE
from mailroom.settings.web import WebSettings

_PROCESS_WIDE: Final = frozenset({"health", "log", "shard"})
"""The sections that a process has once, however many accounts it serves."""
_FASTMAIL_AUTHSERV_ID: Final = "*.messagingengine.com"


def is_process_wide(path: Sequence[object]) -> bool:
    """Return True if a process has a setting once, however many accounts it serves."""
    return path[0] in _PROCESS_WIDE or (path[0] == "web" and path[-1] in _WEB_PROCESS_WIDE)


class Settings(BaseSettings):
    """The settings, each valid by itself; made by :func:`mailroom.settings.load_settings`.

    Args:
        sources: the sources, the one with the highest precedence first.
        origins: setting -> the place where it was set, for a person.
        carddav_lacks: the missing settings that CardDAV needs.
        name: the account's name, if it is one of several.
        accounts: the settings of each account, if these settings are of a process for several.
        read_again: reads the same sources again; raises as
            :func:`mailroom.settings.load.load_settings`.
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
    http: HttpSettings = HttpSettings()
    push: PushSettings = PushSettings()
    arrivals: ArrivalsSettings = ArrivalsSettings()
    poll: PollSettings = PollSettings()
    health: HealthSettings = HealthSettings()
    log: LogSettings = LogSettings()
    failure: FailureSettings = FailureSettings()
    screener: ScreenerSettings = ScreenerSettings()
    web: WebSettings = WebSettings()
    digest: DigestSettings = DigestSettings()
    notify: NotifySettings = NotifySettings()
    categories: CategoryList = Field(
        default=DEFAULTS,
        description="list of categories, which replaces the default list; JSON in the environment",
    )
    timezone: TimeZone = Field(
        default="",
        description="time zone of times of day: `Europe/Berlin`; default: the machine's (`TZ`)",
    )
    shard: ShardOption = Field(
        default=None, description="`0/3`: serve only the first of three parts of the `accounts`"
    )

    _origins: Mapping[tuple[str, ...], str] = PrivateAttr()
    _carddav_lacks: tuple[str, ...] = PrivateAttr()
    _name: str = PrivateAttr()
    _accounts: tuple["Settings", ...] = PrivateAttr()
    _read_again: Callable[[], "Settings"] | None = PrivateAttr()

    def __init__(
        self,
        sources: Sequence[PydanticBaseSettingsSource],
        origins: Mapping[tuple[str, ...], str],
        *,
        carddav_lacks: Sequence[str] = (),
        name: str = "",
        accounts: Sequence["Settings"] = (),
        read_again: Callable[[], "Settings"] | None = None,
    ) -> None:
        super().__init__(_build_sources=(tuple(sources), {}))
        self._origins = dict(origins)
        self._carddav_lacks = tuple(carddav_lacks)
        self._name = name
        self._accounts = tuple(accounts)
        self._read_again = read_again

    @property
    def name(self) -> str:
        """The account's name; empty for a single account."""
        return self._name

    @property
    def accounts(self) -> tuple["Settings", ...]:
        """The settings of each account; of a single account, these settings."""
        return self._accounts or (self,)

    @property
    def has_several(self) -> bool:
        """True if accounts are given by name, even if there is only one."""
        return bool(self._accounts)

    @property
    def served(self) -> tuple["Settings", ...]:
        """The accounts that this process serves: all, or its shard of them."""
        shard = self.shard
        return tuple(
            account for account in self.accounts if shard is None or shard.keeps(account.name)
        )

    @property
    def zone(self) -> ZoneInfo | None:
        """The time zone of times of day; None for the time zone of the machine."""
        return ZoneInfo(self.timezone) if self.timezone else None

    @property
    def authserv_id(self) -> str:
        """The server whose Authentication-Results are believed; empty: none."""
        if self.arrivals.authserv_id or not self.jmap.is_fastmail:
            return self.arrivals.authserv_id
        return _FASTMAIL_AUTHSERV_ID

    @property
    def has_codes(self) -> bool:
        """True if mail with a one-time code is in the Inbox for a day."""
        arrivals = self.arrivals
        return arrivals.enabled and arrivals.codes and bool(self.authserv_id)

    def read_again(self) -> "Settings":
        """Return these settings as their sources have them now; for an account, its settings.

        Raises:
            SettingsError: the settings have mistakes now, or the account is no longer there.
        """
        return self if self._read_again is None else self._read_again()

    @property
    def carddav_lacks(self) -> tuple[str, ...]:
        """The missing settings that CardDAV needs, a line for each; empty if none is missing."""
        return self._carddav_lacks

    def origin(self, path: tuple[str, ...]) -> str:
        """Return the place where ``path`` (``("jmap", "token")``) is set; empty for a default."""
        return self._origins.get(path, "")

    def secrets(self) -> frozenset[str]:
        """Return every text that must never be shown: secrets, and the headers made of them."""
        if self._accounts:
            return frozenset[str]().union(*(account.secrets() for account in self._accounts))
        plain = {
            self.jmap.token.get_secret_value(),
            self.jmap.password.get_secret_value(),
            self.carddav.password.get_secret_value(),
            self.web.password.get_secret_value(),
            self.web.api_token.get_secret_value(),
            self.web.api_token_readonly.get_secret_value(),
            self.notify.token.get_secret_value(),
            self.notify.url.get_secret_value(),
            *self.http.proxies.secrets(),
        }
        logins = (self.jmap.credentials, self.carddav.credentials)
        headers = {credentials.header.partition(" ")[2] for credentials in logins}
        return frozenset((plain | headers) - {""})
