"""Ages of mail as people write them: ``30d``. Pure."""

import re
from datetime import timedelta
from typing import Final

_DAYS: Final = re.compile(r"([1-9][0-9]{0,4})d", re.IGNORECASE | re.ASCII)


def parse_age(text: str) -> timedelta:
    """Return the age that a person writes as a number of days, like ``30d``.

    Raises:
        ValueError: the text is no such age.
    """
    match = _DAYS.fullmatch(text.strip())
    if match is None:
        raise ValueError("must be a number of days, like 30d")
    return timedelta(days=int(match[1]))
