"""The health of the service: of each account, of all accounts together, and its HTTP server."""

from mailroom.health.account_health import Health
from mailroom.health.overview import Overview
from mailroom.health.server import serve

__all__ = ["Health", "Overview", "serve"]
