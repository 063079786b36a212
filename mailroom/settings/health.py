"""The section of the HTTP server for probes."""

from pydantic import Field

from mailroom.settings.raw import DEFAULT_HEALTH_HOST, DEFAULT_HEALTH_PORT
from mailroom.settings.section import Section


class HealthSettings(Section):
    """The HTTP server for probes and people."""

    host: str = Field(
        default=DEFAULT_HEALTH_HOST,
        description="address to listen on; `::`: all addresses of IPv4 and IPv6",
    )
    port: int = Field(
        default=DEFAULT_HEALTH_PORT,
        ge=0,
        le=65535,
        description="port to listen on; `0`: any free port",
    )
