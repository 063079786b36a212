"""Asks the service that runs beside it how it is, for a container's health check.

Only where to ask is taken from the settings. They may be wrong in other places, or hold no
credentials: what counts is the service that runs, not whether it could start again.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import aiohttp
from pydantic import ValidationError

from mailroom.settings.model import PREFIX
from mailroom.settings.sections import HealthSettings
from mailroom.settings.sources import read_sources
from mailroom.settings.variables import CONFIG, SECRETS_DIR

_SECTION: Final = "health"
_PATIENCE: Final = 5.0
"""Seconds for all of it; the service answers from memory."""
_LOOPBACK: Final = {"0.0.0.0": ("127.0.0.1",), "::": ("127.0.0.1", "::1")}  # noqa: S104 - asked at
"""Where what listens on all addresses can be asked; a host may lack one of the two IP families."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was heard.

    Attributes:
        is_well: whether the service is well.
        text: a line about it for a person.
        report: what the service tells of itself; None if it was not the service that answered.
    """

    is_well: bool
    text: str
    report: Mapping[str, Any] | None = None


async def probe(
    environ: Mapping[str, str] = os.environ, *, cwd: Path | None = None, patience: float = _PATIENCE
) -> Answer:
    """Ask for ``/healthz``. Whatever comes of it is an answer; nothing is raised.

    Args:
        environ: the environment variables.
        cwd: what relative file names are relative to; the current folder unless given.
        patience: seconds until no answer is one.
    """
    try:
        hosts, port = _where(environ, cwd or Path())
    except ValueError as error:
        return Answer(is_well=False, text=str(error))
    return await _ask_any(hosts, port, patience)


async def ask_service(settings: HealthSettings, *, patience: float) -> Answer:
    """Ask a service that would run beside us with these settings. As :func:`probe`."""
    return await _ask_any(_hosts(settings), settings.port, patience)


async def _ask_any(hosts: Sequence[str], port: int, patience: float) -> Answer:
    """Ask one host after the other, until the service answers."""
    first, *others = hosts
    answer = await _ask(first, port, patience)
    for host in others:
        if answer.report is None:
            other = await _ask(host, port, patience)
            answer = answer if other.report is None else other
    return answer


def _hosts(settings: HealthSettings) -> Sequence[str]:
    return _LOOPBACK.get(settings.host, (settings.host,))


def _where(environ: Mapping[str, str], cwd: Path) -> tuple[Sequence[str], int]:
    """Hosts, of which one is to answer, and port to ask at.

    Raises:
        ValueError: they cannot be known; it says why.
    """
    relevant = (f"{PREFIX}{_SECTION}_".upper(), CONFIG, SECRETS_DIR)
    ours = {name: value for name, value in environ.items() if name.startswith(relevant)}
    given: dict[str, Any] = {}
    for each in reversed(read_sources(ours, cwd)):
        given |= each.common.source().get(_SECTION, {})
    try:
        settings = HealthSettings.model_validate(given)
    except ValidationError:
        raise ValueError("MAILROOM_HEALTH_HOST or MAILROOM_HEALTH_PORT is wrong") from None
    if settings.port == 0:
        raise ValueError("MAILROOM_HEALTH_PORT is 0: nobody knows which port it became")
    return _hosts(settings), settings.port


async def _ask(host: str, port: int, patience: float) -> Answer:
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}/healthz"
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=patience)) as session,
            session.get(url, allow_redirects=False) as response,
        ):
            return _answer(response.status, await response.read())
    except TimeoutError:
        return Answer(is_well=False, text=f"no answer from {url} within {patience:g} s")
    except (aiohttp.ClientError, ValueError) as error:
        return Answer(is_well=False, text=f"no answer from {url}: {_cause(error)}")


def _cause(error: Exception) -> str:
    """What it was, without the address, which asyncio and aiohttp put into the text."""
    if isinstance(error, OSError) and error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)
    return str(error) or type(error).__name__


def _answer(status: int, body: bytes) -> Answer:
    try:
        report = json.loads(body)
        told = f"Mailroom {report['version']}: {report['status']}"
    except (ValueError, LookupError, TypeError):
        return Answer(is_well=False, text=f"HTTP {status}, and not from Mailroom")
    is_well = status == HTTPStatus.OK
    text = told if is_well else f"{told} (HTTP {status})"
    return Answer(is_well=is_well, text=text, report=report)
