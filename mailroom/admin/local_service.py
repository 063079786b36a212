"""Asks the service on this machine about an account, so that ``mailroom check`` can show it."""

import asyncio
from typing import Final

from mailroom.admin.probe import ProbeResult, ask_service
from mailroom.settings.model import Settings

_TIMEOUT: Final = 2.0
"""Seconds for each part of the answer; the service answers from memory."""


async def ask_local_service(settings: Settings) -> tuple[ProbeResult, tuple[str, ...]] | None:
    """Ask the service at the health port of the settings; return None if no service answers.

    Returns:
        The result of the probe, and lines for a person: why the account's last pass failed, what is
        left to be done, and what the server refuses for good.
    """
    if settings.health.port == 0:
        return None
    health = settings.health
    result = await asyncio.to_thread(ask_service, health.host, health.port, timeout=_TIMEOUT)
    if result.report is None:
        return None
    report = result.report
    if settings.name:
        report = dict(report.get("accounts") or {}).get(settings.name) or {}
    lines = []
    if failure := report.get("last_failure"):
        lines.append(f"the last pass failed: {failure['why']}")
    lines += [
        f"not done yet: {item['count']} x {item['what']}: {item['why']}"
        for item in report.get("incomplete") or ()
    ]
    stuck = dict(report.get("stuck") or {})
    lines += [f"refused for good: {subject}: {reason}" for subject, reason in stuck.items()]
    return result, tuple(lines)
