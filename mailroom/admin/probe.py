"""Asks the service that runs on this machine for its health, for a container's health check.

Only the host and port are taken from the settings. The other settings may be wrong or lack
credentials: the answer is about the running service, not about the next start.
"""

import json
import os
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Final

from mailroom.os_errors import os_error_text
from mailroom.settings.raw import DEFAULT_HEALTH_HOST, DEFAULT_HEALTH_PORT, find_written

_SECTION: Final = "health"
_PORTS: Final = range(65536)
_TIMEOUT: Final = 5.0
"""Seconds to wait for each part of the answer; the service answers from memory."""
_LOOPBACK: Final = {"0.0.0.0": ("127.0.0.1",), "::": ("127.0.0.1", "::1")}  # noqa: S104 - only asked
"""The addresses to ask if the service listens on all addresses; a host may lack IPv4 or IPv6."""


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """The result of a probe.

    Attributes:
        is_well: True if the service is well.
        text: a line about the service for a person.
        report: the service's report; None if something else answered, or if nothing answered.
    """

    is_well: bool
    text: str
    report: Mapping[str, Any] | None = None


def probe(
    environ: Mapping[str, str] = os.environ, *, cwd: Path | None = None, timeout: float = _TIMEOUT
) -> ProbeResult:
    """Ask for ``/healthz``. Every failure becomes a result; nothing is raised.

    Args:
        environ: the environment variables.
        cwd: the folder of relative file names; the current folder unless given.
        timeout: seconds to wait for each part of an answer.
    """
    host, written = (
        find_written(environ, cwd or Path(), _SECTION, key) for key in ("host", "port")
    )
    host = DEFAULT_HEALTH_HOST if host is None else host
    port = _port(DEFAULT_HEALTH_PORT if written is None else written)
    if not isinstance(host, str) or port not in _PORTS:
        wrong = "MAILROOM_HEALTH_HOST or MAILROOM_HEALTH_PORT is wrong"
        return ProbeResult(is_well=False, text=wrong)
    if port == 0:
        unknown = "MAILROOM_HEALTH_PORT is 0: the port that was chosen is not known"
        return ProbeResult(is_well=False, text=unknown)
    return ask_service(host, port, timeout=timeout)


def _port(written: object) -> int:
    """Return the number of a port; -1 if the value is not a whole number."""
    try:
        number = float(written) if isinstance(written, str | int | float) else -1.0
        return int(number) if number.is_integer() else -1
    except (ValueError, OverflowError):
        return -1


def ask_service(host: str, port: int, *, timeout: float) -> ProbeResult:
    """Ask the service that listens at a host and port; see :func:`probe`."""
    results = []
    for address in _LOOPBACK.get(host, (host,)):
        result = _ask(address, port, timeout)
        if result.report is not None:
            return result
        results.append(result)
    return results[0]


def _ask(host: str, port: int, timeout: float) -> ProbeResult:
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}/healthz"
    # Importing aiohttp would take four times the processor time of the whole probe.
    try:
        with closing(HTTPConnection(host, port, timeout=timeout)) as connection:
            connection.request("GET", "/healthz")
            response = connection.getresponse()
            status, body = response.status, response.read()
    except TimeoutError:
        return ProbeResult(is_well=False, text=f"no answer from {url} within {timeout:g} s")
    except OSError as error:
        return ProbeResult(is_well=False, text=f"no answer from {url}: {os_error_text(error)}")
    except (HTTPException, ValueError) as error:
        return ProbeResult(
            is_well=False, text=f"no answer from {url}: {str(error) or type(error).__name__}"
        )
    try:
        report = json.loads(body)
        state = f"Mailroom {report['version']}: {report['status']}"
    except (ValueError, LookupError, TypeError):
        return ProbeResult(is_well=False, text=f"HTTP {status}, and not from Mailroom")
    is_well = status == HTTPStatus.OK
    return ProbeResult(is_well, state if is_well else f"{state} (HTTP {status})", report)
