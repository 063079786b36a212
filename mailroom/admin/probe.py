"""Asks the service that runs on this machine for its health, for a container's health check.

Only the host and port are taken from the settings. The other settings may be wrong or lack
credentials: the answer is about the running service, not about the next start.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import aiohttp
from pydantic import ValidationError

from mailroom.http.os_errors import os_error_text
from mailroom.settings.model import PREFIX
from mailroom.settings.sections import HealthSettings
from mailroom.settings.sources import read_sources
from mailroom.settings.variables import CONFIG, SECRETS_DIR

_SECTION: Final = "health"
_TIMEOUT: Final = 5.0
"""Seconds for the whole probe; the service answers from memory."""
_LOOPBACK: Final = {"0.0.0.0": ("127.0.0.1",), "::": ("127.0.0.1", "::1")}  # noqa: S104 - asked at
"""The addresses to ask if the service listens on all; a host may lack IPv4 or IPv6."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a probe.

    Attributes:
        is_well: True if the service is well.
        text: a line about the service for a person.
        report: the service's report; None if something else answered, or nothing.
    """

    is_well: bool
    text: str
    report: Mapping[str, Any] | None = None


async def probe(
    environ: Mapping[str, str] = os.environ, *, cwd: Path | None = None, patience: float = _TIMEOUT
) -> Answer:
    """Ask for ``/healthz``. Every failure is returned as an answer; nothing is raised.

    Args:
        environ: the environment variables.
        cwd: the folder of relative file names; the current folder unless given.
        patience: seconds to wait for an answer.
    """
    relevant = (f"{PREFIX}{_SECTION}_".upper(), CONFIG, SECRETS_DIR)
    ours = {name: value for name, value in environ.items() if name.startswith(relevant)}
    values: dict[str, Any] = {}
    try:
        for source in reversed(read_sources(ours, cwd or Path())):
            values |= source.common.source().get(_SECTION, {})
        settings = HealthSettings.model_validate(values)
    except ValidationError:
        wrong = "MAILROOM_HEALTH_HOST or MAILROOM_HEALTH_PORT is wrong"
        return Answer(is_well=False, text=wrong)
    except ValueError as error:
        return Answer(is_well=False, text=str(error))
    if settings.port == 0:
        unknown = "MAILROOM_HEALTH_PORT is 0: the port that was chosen is not known"
        return Answer(is_well=False, text=unknown)
    return await ask_service(settings, patience=patience)


async def ask_service(settings: HealthSettings, *, patience: float) -> Answer:
    """Ask the service at the host and port of these settings; see :func:`probe`."""
    answers = []
    for host in _LOOPBACK.get(settings.host, (settings.host,)):
        answer = await _ask(host, settings.port, patience)
        if answer.report is not None:
            return answer
        answers.append(answer)
    return answers[0]


async def _ask(host: str, port: int, patience: float) -> Answer:
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}/healthz"
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=patience)) as session,
            session.get(url, allow_redirects=False) as response,
        ):
            status, body = response.status, await response.read()
    except TimeoutError:
        return Answer(is_well=False, text=f"no answer from {url} within {patience:g} s")
    except OSError as error:
        return Answer(is_well=False, text=f"no answer from {url}: {os_error_text(error)}")
    except (aiohttp.ClientError, ValueError) as error:
        return Answer(
            is_well=False, text=f"no answer from {url}: {str(error) or type(error).__name__}"
        )
    try:
        report = json.loads(body)
        state = f"Mailroom {report['version']}: {report['status']}"
    except (ValueError, LookupError, TypeError):
        return Answer(is_well=False, text=f"HTTP {status}, and not from Mailroom")
    is_well = status == HTTPStatus.OK
    return Answer(is_well, state if is_well else f"{state} (HTTP {status})", report)
