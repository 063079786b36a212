"""Runs the work of a command on one account, or on all accounts one after the other.

Standard output has the answer and nothing else; every other message goes to standard error.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NoReturn

import structlog

from mailroom.account import Account, open_account
from mailroom.admin.setup import find_lacking
from mailroom.cli.start import log_as_set, settings_or_exit
from mailroom.exits import Exit
from mailroom.logs import hider
from mailroom.report import printable
from mailroom.report.failures import EXPECTED, exit_code
from mailroom.screener.model.missing import MissingError
from mailroom.screener.model.subject import Subject
from mailroom.settings.model import Settings
from mailroom.terminal.output import fail, remark, say

_LOG_LEVEL: Final = ("log", "level")


class Output:
    """A command's output about one account: text line by line, or JSON data at the end.

    Args:
        as_json: True if data is wanted.
        hide: removes secrets from a text; a server's words may contain some.

    Attributes:
        hide: the function given as ``hide``.
        data: the output, if data is wanted.
    """

    def __init__(self, *, as_json: bool, hide: Callable[[str], str]) -> None:
        self.hide = hide
        self.data: Mapping[str, Any] | None = None
        self._as_json = as_json

    def print(self, lines: Iterable[str]) -> None:
        """Print lines for a person; print nothing if data is wanted."""
        if not self._as_json:
            for line in lines:
                say(self.hide(line))

    def set_data(self, data: Mapping[str, Any]) -> None:
        """Keep the data for the end; ignore it if text is wanted."""
        if self._as_json:
            self.data = data


Work = Callable[[Account, Output], Awaitable[Exit]]
"""The work of a command on one account; returns the exit code."""


def subject_or_exit(who: str) -> Subject:
    """Return the subject of decisions that a person names; exit if the text names none."""
    try:
        return Subject.parse(who)
    except ValueError as error:
        fail(printable(str(error)), Exit.CONFIGURATION)


def on_accounts(
    wanted: str | None, work: Work, *, as_json: bool = False, one_only: bool = False
) -> NoReturn:
    """Work on one account, or on all, one after the other, and exit with the worst exit code.

    Args:
        wanted: the name of one of several accounts; None for all accounts.
        work: the work; an expected failure of it prints one line and sets the exit code.
        as_json: print data instead of text.
        one_only: if there are several accounts, one has to be named.
    """
    settings = settings_or_exit()
    names = [account.name for account in settings.accounts if account.name]
    known = ", ".join(names) or "none; the only account has no name"
    if wanted is None and one_only and settings.has_several:
        fail(f"name one account by --account (there are: {known})", Exit.CONFIGURATION)
    if wanted is not None and wanted not in names:
        fail(f"there is no account {wanted!r} (there are: {known})", Exit.CONFIGURATION)
    chosen = [account for account in settings.accounts if wanted in {None, account.name}]
    # The user reads the answer, so only warnings are logged unless the user asked for more.
    log_as_set(settings, level=settings.log.level if settings.origin(_LOG_LEVEL) else "warning")
    data_by_account, code = asyncio.run(_on_each(chosen, work, as_json=as_json))
    if data_by_account:
        data = {"accounts": data_by_account} if settings.has_several else data_by_account[""]
        text = hider(settings.secrets())(json.dumps(data, ensure_ascii=False, indent=2))
        # A card may hold a lone surrogate, which UTF-8 cannot encode; JSON can escape it.
        say(text.encode(errors="backslashreplace").decode())
    sys.exit(code)


async def _on_each(
    chosen: Sequence[Settings], work: Work, *, as_json: bool
) -> tuple[dict[str, Any], Exit]:
    data: dict[str, Any] = {}
    codes = [Exit.OK]
    for settings in chosen:
        output = Output(as_json=as_json, hide=hider(settings.secrets()))
        if settings.name:
            output.print([*([""] if len(codes) > 1 else []), f"{settings.name}:"])
        fields = {"account": settings.name} if settings.name else {}
        with structlog.contextvars.bound_contextvars(**fields):
            codes.append(await _on_one(settings, work, output))
        if output.data is not None:
            data[settings.name] = output.data
    return data, max(codes)


async def _on_one(settings: Settings, work: Work, output: Output) -> Exit:
    try:
        async with open_account(settings) as account:
            try:
                return await work(account, output)
            except MissingError:
                # The work ends at the first thing that is missing; the message lists everything.
                lacking = await find_lacking(account)
                if not lacking:
                    raise
                raise MissingError(mailboxes=lacking.mailboxes, groups=lacking.groups) from None
    except EXPECTED as error:
        code = exit_code(error)
        remark(output.hide(f"{settings.name}: {error}" if settings.name else str(error)))
        if settings.name:  # so that the JSON of several accounts has an entry for this account too
            output.set_data({"error": str(error), "exit_code": code})
        return code
