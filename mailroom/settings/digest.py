"""The section of the digest: its time of day."""

from dataclasses import dataclass
from datetime import time
from typing import Annotated

from mailroom.settings.fields import DAY_TIME, day_time, matching
from mailroom.settings.setting import Section, setting


@dataclass(frozen=True, kw_only=True)
class DigestSettings(Section):
    """The digest, which is off until it has a time of day."""

    at: Annotated[
        str,
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
