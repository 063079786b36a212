"""The section of the digest: its time of day."""

from dataclasses import dataclass
from datetime import time
from typing import Annotated, Final

from mailroom.settings.fields import DAY_TIME, day_time, matching
from mailroom.settings.setting import Convert, Section, setting

_HOUR: Final = 60
"""Minutes."""


def _time_of_day(value: object) -> object:
    """Return a time as it was written. YAML 1.1 reads ``8:30`` as 510, a number to the base 60.

    A number below 60 was written without a colon, and is no time.
    """
    if isinstance(value, int) and not isinstance(value, bool) and value >= _HOUR:
        return f"{value // 60:02}:{value % 60:02}"
    return value


@dataclass(frozen=True, kw_only=True)
class DigestSettings(Section):
    """The digest, which is off until it has a time of day."""

    at: Annotated[
        str,
        Convert(_time_of_day),
        matching(rf"({DAY_TIME})?", "must be a time of day like 08:00"),
    ] = setting(
        default="",
        meaning="time of day, in `MAILROOM_TIMEZONE`, at which a mail in the Inbox names new"
        " senders who wait: `08:00`; default: no digest",
    )

    @property
    def is_on(self) -> bool:
        """True if digests are written."""
        return bool(self.at)

    @property
    def time(self) -> time:
        """The time of day; only if digests are written."""
        return day_time(self.at)
