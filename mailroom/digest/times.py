"""The moments at which a digest is due. Pure.

On a day on which clocks go from 02:00 to 03:00, a digest for 02:30 is due at 03:30. If clocks go
back, and 02:30 comes twice, the digest is due at the first (PEP 495, ``fold=0``).
"""

from datetime import UTC, datetime, time, timedelta, tzinfo


def due_today(now: datetime, at: time, zone: tzinfo | None) -> datetime | None:
    """Return the moment (UTC) at which a digest was due today; None if today's is still to come.

    Args:
        now: the present time.
        at: the time of day.
        zone: the time zone of the time of day; None: that of the machine.
    """
    due = _moment(now, at, zone)
    return due if due <= now else None


def next_due(now: datetime, at: time, zone: tzinfo | None) -> datetime:
    """Return the next moment (UTC) after now at which a digest is due."""
    due = _moment(now, at, zone)
    return due if due > now else _moment(now, at, zone, days_later=1)


def _moment(now: datetime, at: time, zone: tzinfo | None, *, days_later: int = 0) -> datetime:
    """Return the time of day on today's date, or on a later date."""
    day = now.astimezone(zone).date() + timedelta(days=days_later)
    # If zone is None, astimezone() reads the time as one in the machine's time zone.
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)
