"""Default values of options: the help shows them without importing the commands' own modules."""

from typing import Final

DEFAULT_LIMIT: Final = 50
"""The default of ``mailroom suggest --limit``."""
