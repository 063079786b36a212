"""Runs the whole demo."""

import asyncio
from io import StringIO
from typing import Final

from mailroom.demo.play import Play
from mailroom.demo.prompt import Prompt
from mailroom.demo.script import SCENES
from mailroom.demo.stage import UnexpectedEventError, open_stage
from mailroom.demo.telling import Teller, on_terminal
from mailroom.exits import Exit
from mailroom.logs import configure_logging
from mailroom.report.failures import EXPECTED
from mailroom.terminal.input import Lines

_PAUSE: Final = 2.5
"""Seconds between scenes, for reading."""
_LOG_SHOWN: Final = 20
"""The number of log lines that are printed after a failure."""


def run_demo(*, once: bool) -> Exit:
    """Show the demo on the terminal.

    Args:
        once: end after the script, without pauses; otherwise the visitor may go on.

    Returns:
        ``OK`` if everything happened as in the script, and with ``once`` was not interrupted.
    """
    teller, log = Teller(), StringIO()
    configure_logging(level="info", format="console", stream=log)
    try:
        asyncio.run(_show(teller, once=once))
    except KeyboardInterrupt:
        teller.end_line()
        teller.goodbye()
        return Exit.FAILED if once else Exit.OK
    except (UnexpectedEventError, *EXPECTED) as error:
        teller.failed(str(error).splitlines(), log.getvalue().splitlines()[-_LOG_SHOWN:])
        return Exit.FAILED
    return Exit.OK


async def _show(teller: Teller, *, once: bool) -> None:
    teller.opening()
    async with open_stage() as stage:
        teller.account(stage.url)
        lacking = await stage.set_up()
        teller.created(mailboxes=len(lacking.mailboxes), groups=len(lacking.groups))
        async with stage.serve() as (health_url, page_url):
            teller.serving(stage.push_transport(), health_url, page_url)
            pause = 0.0 if once or not on_terminal() else _PAUSE
            await Play(stage, teller, lambda: asyncio.sleep(pause)).run(SCENES)
            if not once:
                await Prompt(stage, teller, Lines.of_stdin()).run()
    teller.goodbye()
