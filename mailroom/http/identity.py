"""The name by which every request makes itself known."""

from typing import Final

from mailroom import __version__

USER_AGENT: Final = f"Mailroom/{__version__}"
"""Sent with every request and handshake: filters refuse the names of Python's libraries."""
