"""How the service is: what its accounts tell, taken together, and the server that tells it."""

from mailroom.health.account_health import Health
from mailroom.health.overview import Overview
from mailroom.health.server import PortUnavailableError, serve

__all__ = ["Health", "Overview", "PortUnavailableError", "serve"]
