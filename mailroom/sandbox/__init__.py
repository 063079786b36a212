"""An embedded mail account, in memory, for the demo and for tests. The service does not use it.

The sandbox shares no code with the clients, so that both cannot have the same bug.
"""

from mailroom.sandbox.owner import OwnerConsole, SeenMail
from mailroom.sandbox.presets import CYRUS_3_14, FASTMAIL, HOSTILE, JAMES, STALWART
from mailroom.sandbox.quirks import (
    STALWART_LIMITS,
    Carddav,
    Limits,
    Pushing,
    Querying,
    Quirks,
    Serving,
)
from mailroom.sandbox.sandbox_account import SandboxAccount, User
from mailroom.sandbox.server import Sandbox

__all__ = [
    "CYRUS_3_14",
    "FASTMAIL",
    "HOSTILE",
    "JAMES",
    "STALWART",
    "STALWART_LIMITS",
    "Carddav",
    "Limits",
    "OwnerConsole",
    "Pushing",
    "Querying",
    "Quirks",
    "Sandbox",
    "SandboxAccount",
    "SeenMail",
    "Serving",
    "User",
]
