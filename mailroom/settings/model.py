"""The settings model: all sections, and values that follow from several of them.

This module reads no source and checks no value: see :mod:`mailroom.settings.load`.

The settings of an account are complete by themselves. If there are several accounts, the settings
of the process hold the settings of each.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from mailroom.screener.model.categories import DEFAULTS, Categories
from mailroom.settings.digest import DigestSettings
from mailroom.settings.fields import ShardOption, TimeZone
from mailroom.settings.health import HealthSettings
from mailroom.settings.notify import NotifySettings
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
from mailroom.settings.setting import setting
from mailroom.settings.web import PROCESS_WIDE as _WEB_PROCESS_WIDE
from mailroom.settings.web import WebSettings

_PROCESS_WIDE: Final = frozenset({"health", "log", "shard"})
"""The sections that a process has once, however many accounts it serves."""
_FASTMAIL_AUTHSERV_ID: Final = "*.messagingengine.com"


def is_process_wide(path: Sequence[object]) -> bool:
    """Return True if a process has a setting once, however many accounts it serves."""
    return path[0] in _PROCESS_WIDE or (path[0] == "web" and path[-1] in _WEB_PROCESS_WIDE)


@dataclass(frozen=True, slots=True, repr=False)
class Environment:
    """The environment that settings are read from. It is not shown: variables hold secrets.

    Attributes:
        variables: the environment variables.
        cwd: the folder of relative file names.
    """

    variables: Mapping[str, str] = field(default_factory=dict)
    cwd: Path = Path()


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings, each valid by itself; made by :func:`mailroom.settings.load.load_settings`.

    Attributes:
        name: the account's name, if it is one of several; else empty.
        several: the settings of each account, if these settings are of a process for several.
        origins: setting -> the place where it was set, for a person; without defaults.
        carddav_lacks: the missing settings that CardDAV needs, a line for each.
        environment: the variables and the folder that the settings were read from.
    """

    jmap: JmapSettings = field(default_factory=JmapSettings)
    contacts: ContactsSettings = field(default_factory=ContactsSettings)
    carddav: CarddavSettings = field(default_factory=CarddavSettings)
    http: HttpSettings = field(default_factory=HttpSettings)
    push: PushSettings = field(default_factory=PushSettings)
    arrivals: ArrivalsSettings = field(default_factory=ArrivalsSettings)
    poll: PollSettings = field(default_factory=PollSettings)
    health: HealthSettings = field(default_factory=HealthSettings)
    log: LogSettings = field(default_factory=LogSettings)
    failure: FailureSettings = field(default_factory=FailureSettings)
    screener: ScreenerSettings = field(default_factory=ScreenerSettings)
    web: WebSettings = field(default_factory=WebSettings)
    digest: DigestSettings = field(default_factory=DigestSettings)
    notify: NotifySettings = field(default_factory=NotifySettings)
    categories: Categories = setting(
        default=DEFAULTS,
        meaning="list of categories, which replaces the default list; JSON in the environment",
    )
    timezone: TimeZone = setting(
        default="",
        meaning="time zone of times of day: `Europe/Berlin`; default: the machine's (`TZ`)",
    )
    shard: ShardOption = setting(
        default=None, meaning="`0/3`: serve only the first of three parts of the `accounts`"
    )

    name: str = ""
    several: tuple["Settings", ...] = ()
    origins: Mapping[tuple[str, ...], str] = field(default_factory=dict, repr=False)
    carddav_lacks: tuple[str, ...] = ()
    environment: Environment = field(default_factory=Environment)

    @property
    def accounts(self) -> tuple["Settings", ...]:
        """The settings of each account; of a single account, these settings."""
        return self.several or (self,)

    @property
    def has_several(self) -> bool:
        """True if accounts are given by name, even if there is only one."""
        return bool(self.several)

    @property
    def served(self) -> tuple["Settings", ...]:
        """The accounts that this process serves: all, or its shard of them."""
        shard = self.shard
        return tuple(
            account for account in self.accounts if shard is None or shard.serves(account.name)
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

    def origin(self, path: tuple[str, ...]) -> str:
        """Return the place where ``path`` (``("jmap", "token")``) is set; empty for a default."""
        return self.origins.get(path, "")

    def secrets(self) -> frozenset[str]:
        """Return every text that must never be shown: secrets, and the headers made of them."""
        if self.several:
            return frozenset[str]().union(*(account.secrets() for account in self.several))
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
