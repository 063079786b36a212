"""Hours of the day without notices. Pure."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Self

from mailroom.settings.fields import day_time


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Hours without notices, from one time of day to another, which may be on the next day.

    Attributes:
        begin: the first minute without notices.
        end: the first minute with notices.
    """

    begin: time
    end: time

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Return the hours of a text like ``22:00-07:00``; None for an empty text."""
        if not text:
            return None
        begin, end = map(day_time, text.split("-"))
        return cls(begin, end)

    def covers(self, moment: datetime) -> bool:
        """Return True if a moment is within the hours; its time zone is that of the hours."""
        now = moment.time()
        if self.begin <= self.end:
            return self.begin <= now < self.end
        return now >= self.begin or now < self.end

    def seconds_left(self, moment: datetime) -> float:
        """Return the seconds from a moment within the hours to their end."""
        end = datetime.combine(moment.date(), self.end, moment.tzinfo)
        if end <= moment:
            end = datetime.combine(moment.date() + timedelta(days=1), self.end, moment.tzinfo)
        return end.timestamp() - moment.timestamp()
