"""Asks a service that runs on this machine about an account, for commands to show."""

import asyncio
from typing import Final

from mailroom.admin.probe import Answer, ask_service
from mailroom.settings.model import Settings

_TIMEOUT: Final = 2.0
"""Seconds for each part of the answer; the service answers from memory."""


async def service_beside(settings: Settings) -> tuple[Answer, tuple[str, ...]] | None:
    """Ask the service at the health port of the settings; return None if none answers.

    Returns:
        The service's answer, and lines for a person: why the account's last pass failed, what is
        left to be done, and what the server refuses for good.
    """
    if settings.health.port == 0:
        return None
    health = settings.health
    answer = await asyncio.to_thread(ask_service, health.host, health.port, patience=_TIMEOUT)
    if answer.report is None:
        return None
    report = answer.report
    if settings.name:
        report = dict(report.get("accounts") or {}).get(settings.name) or {}
    lines = []
    if failure := report.get("last_failure"):
        lines.append(f"the last pass failed: {failure['why']}")
    lines += [
        f"not done yet: {left['count']} x {left['what']}: {left['why']}"
        for left in report.get("incomplete") or ()
    ]
    stuck = dict(report.get("stuck") or {})
    lines += [f"refused for good: {subject}: {reason}" for subject, reason in stuck.items()]
    return answer, tuple(lines)
