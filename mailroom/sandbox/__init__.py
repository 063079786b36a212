"""An embedded mail account, in memory, for the demo and for tests. No part of the service.

Shares no code with the clients, so that both cannot be wrong in the same way.
"""

from mailroom.sandbox.account import Account, User
from mailroom.sandbox.desk import Desk, SeenMail
from mailroom.sandbox.quirks import STALWART_LIMITS, Limits, Quirks
from mailroom.sandbox.server import Sandbox

__all__ = ["STALWART_LIMITS", "Account", "Desk", "Limits", "Quirks", "Sandbox", "SeenMail", "User"]
