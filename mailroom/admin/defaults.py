"""Defaults of options, for the help of commands, which loads no command."""

from typing import Final

SUGGESTED: Final = 50
"""Proposals."""
