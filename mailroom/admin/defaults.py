"""Default values of options: the help shows them without importing the commands' own modules."""

from typing import Final

MOST_PROPOSALS: Final = 50
"""The default of ``mailroom suggest --limit``."""
