"""The age of mail as a person writes it: ``30d`` is thirty days. Pure."""

import re
from datetime import timedelta
from typing import Final

_DAYS: Final = re.compile(r"([1-9][0-9]{0,4})d", re.IGNORECASE | re.ASCII)


def parse_age(text: str) -> timedelta:
    """Return the age that a person writes as a number of days, like ``30d``.

    Raises:
        ValueError: the text is not a number of days; the text of the error says so to a person.
    """
    match = _DAYS.fullmatch(text.strip())
    if match is None:
        raise ValueError("must be a number of days, like 30d")
    return timedelta(days=int(match[1]))
