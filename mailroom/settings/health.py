"""The section of the HTTP server for probes."""

from dataclasses import dataclass
from typing import Annotated

from mailroom.settings.raw import DEFAULT_HEALTH_HOST, DEFAULT_HEALTH_PORT
from mailroom.settings.setting import Between, Section, setting


@dataclass(frozen=True, kw_only=True)
class HealthSettings(Section):
    """The HTTP server for probes and people."""

    host: str = setting(
        default=DEFAULT_HEALTH_HOST,
        meaning="address to listen on; `::`: all addresses of IPv4 and IPv6",
    )
    port: Annotated[int, Between(0, 65535)] = setting(
        default=DEFAULT_HEALTH_PORT,
        meaning="port to listen on; `0`: any free port",
    )
