"""Text as address books can carry it. Pure."""

import re
from typing import Final

_CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def clean(text: str) -> str:
    """Return text without characters that vCard or XML cannot carry; line ends become LF."""
    return _CONTROL.sub("", re.sub("\r\n?", "\n", text))
