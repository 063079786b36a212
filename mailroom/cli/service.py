"""The command that runs the service."""

import asyncio
import sys

from mailroom.cli.start import log_as_set, settings_or_exit
from mailroom.exits import Exit
from mailroom.http.listening import PortUnavailableError
from mailroom.runtime.process import serve
from mailroom.terminal.output import fail


def run() -> None:
    """Run the service."""
    settings = settings_or_exit(in_own_process=True)
    log_as_set(settings, level=settings.log.level)
    try:
        code = asyncio.run(serve(settings))
    except PortUnavailableError as error:
        fail(str(error), Exit.CONFIGURATION)
    sys.exit(code)
