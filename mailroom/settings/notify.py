"""The section of notices: their server, the senders that they are about, and the quiet hours."""

import re
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from yarl import URL

from mailroom.http import AllowedHosts, Credentials
from mailroom.settings.fields import (
    DAY_TIME,
    HeaderToken,
    Word,
    day_time,
    matching,
    service_url,
)
from mailroom.settings.setting import Check, Secret, Section, setting

_TOPIC: Final = re.compile(r"/[-_A-Za-z0-9]{1,64}")
"""The path of the URL of an ntfy topic."""
_QUIET: Final = rf"({DAY_TIME} ?- ?{DAY_TIME})?"


def _notify_url(value: Secret) -> Secret:
    if value.get_secret_value():
        service_url(value.get_secret_value())
    return value


def _different_times(value: str) -> str:
    begin, _, end = value.partition("-")
    if value and day_time(begin) == day_time(end):
        raise ValueError("must be two different times of day")
    return value


@dataclass(frozen=True, kw_only=True)
class NotifySettings(Section):
    """The notices about new senders, which are off until there is a URL."""

    url: Annotated[Secret, Check(_notify_url)] = setting(
        default=Secret(""),
        meaning="URL of an ntfy topic (`https://ntfy.example.com/mailroom`) or, with"
        " `MAILROOM_NOTIFY_FORMAT=webhook`, of a webhook, to"
        " which a notice is sent when a new sender waits; default: no notices",
    )
    format: Annotated[Literal["ntfy", "webhook"], Word] = setting(
        default="ntfy",
        meaning="`ntfy`, or `webhook`: JSON with the same facts, for any other program",
    )
    token: HeaderToken = setting(
        default=Secret(""),
        meaning="access token of ntfy, or another token that is sent as `Bearer`",
    )
    insecure: bool = setting(
        default=False,
        meaning="like `MAILROOM_JMAP_INSECURE`, for the server of the notices",
    )
    about: Annotated[Literal["people", "everybody"], Word] = setting(
        default="people",
        meaning="`people`, or `everybody`: also newsletters, mailing lists and programs",
    )
    details: bool = setting(
        default=True,
        meaning="`false`: a notice has no name, address, subject line or button, only the"
        " number of senders",
    )
    quiet: Annotated[
        str,
        matching(_QUIET, "must be two times of day like 22:00-07:00"),
        Check(_different_times),
    ] = setting(
        default="",
        meaning="hours without notices, in `MAILROOM_TIMEZONE`: `22:00-07:00`; one notice about"
        " all new senders comes at their end",
    )

    @property
    def is_on(self) -> bool:
        """True if notices are sent."""
        return bool(self.url.get_secret_value())

    @property
    def target(self) -> URL:
        """The URL of the topic or webhook; only if notices are sent."""
        return URL(self.url.get_secret_value())

    @property
    def is_topic(self) -> bool:
        """True if the URL can be that of an ntfy topic: one path segment, and no query."""
        target = self.target
        return _TOPIC.fullmatch(target.raw_path) is not None and not target.raw_query_string

    @property
    def credentials(self) -> Credentials:
        """The credentials for the server of the notices."""
        hosts = AllowedHosts(self.target, insecure=self.insecure)
        token = self.token.get_secret_value()
        return Credentials.bearer(token, hosts) if token else Credentials.none(hosts)
