"""What a command works with: settings, one account after the other, and somebody who reads.

On standard output is what was asked for and nothing else; everything said beside it is on standard
error.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NoReturn

import structlog
import typer

from mailroom.account import Account, open_account
from mailroom.admin.setup import find_lacking
from mailroom.exits import Exit
from mailroom.failing import EXPECTED, exit_code
from mailroom.logs import configure_logging, hider
from mailroom.screener.missing import MissingError
from mailroom.settings import Settings, SettingsError, load_settings

_LOG_LEVEL: Final = ("log", "level")


class Answer:
    """What a command answers about one account: text as it goes, or data in the end.

    Args:
        as_json: whether data is wanted.
        hide: takes out of a text what must not be shown; a server may have said it.

    Attributes:
        hide: as above.
        data: the answer, if data is wanted.
    """

    def __init__(self, *, as_json: bool, hide: Callable[[str], str]) -> None:
        self.hide = hide
        self.data: Mapping[str, Any] | None = None
        self._as_json = as_json

    def text(self, lines: Iterable[str]) -> None:
        """Lines for a person; left out if data is wanted."""
        if not self._as_json:
            for line in lines:
                typer.echo(self.hide(line))

    def give(self, data: Mapping[str, Any]) -> None:
        """The data; left out if text is wanted."""
        if self._as_json:
            self.data = data


Work = Callable[[Account, Answer], Awaitable[Exit]]
"""What a command does with an account."""


def settings_or_exit() -> Settings:
    """The settings; mistakes in them end the program, after all of them were told."""
    try:
        return load_settings()
    except SettingsError as error:
        fail(str(error), Exit.CONFIGURATION)


def on_accounts(
    wanted: str | None, work: Work, *, as_json: bool = False, one_only: bool = False
) -> NoReturn:
    """Work on an account, or all of them one after the other, and end with the worst exit code.

    Args:
        wanted: the name of one of several accounts; None for all there are.
        work: what to do; what a server may cause ends in one line and a code.
        as_json: print data instead of text.
        one_only: of several accounts, one has to be named.
    """
    settings = settings_or_exit()
    chosen = _choose(settings, wanted, one_only=one_only)
    # Somebody waits for what it prints: unless they want more, only warnings are logged.
    log_as_set(settings, level=settings.log.level if settings.origin(_LOG_LEVEL) else "warning")
    answers, code = asyncio.run(_on_each(chosen, work, as_json=as_json))
    if answers:
        data = {"accounts": answers} if settings.has_several else answers[""]
        text = hider(settings.secrets())(json.dumps(data, ensure_ascii=False, indent=2))
        # Half a character, which a card may hold, is no UTF-8; in JSON it can be escaped.
        typer.echo(text.encode(errors="backslashreplace").decode())
    raise typer.Exit(code)


def _choose(settings: Settings, wanted: str | None, *, one_only: bool) -> Sequence[Settings]:
    known = ", ".join(each.name for each in settings.accounts if each.name) or "none by name"
    if wanted is None:
        if one_only and settings.has_several:
            fail(f"name one account by --account (there is: {known})", Exit.CONFIGURATION)
        return settings.accounts
    chosen = [each for each in settings.accounts if each.name and each.name == wanted]
    if not chosen:
        fail(f"there is no account {wanted!r} (there is: {known})", Exit.CONFIGURATION)
    return chosen


async def _on_each(
    chosen: Sequence[Settings], work: Work, *, as_json: bool
) -> tuple[dict[str, Any], Exit]:
    answers: dict[str, Any] = {}
    codes = [Exit.OK]
    for settings in chosen:
        answer = Answer(as_json=as_json, hide=hider(settings.secrets()))
        if settings.name:
            answer.text([*([""] if len(codes) > 1 else []), f"{settings.name}:"])
        with structlog.contextvars.bound_contextvars(**_named(settings)):
            codes.append(await _on_one(settings, work, answer))
        if answer.data is not None:
            answers[settings.name] = answer.data
    return answers, max(codes)


def _named(settings: Settings) -> dict[str, str]:
    return {"account": settings.name} if settings.name else {}


async def _on_one(settings: Settings, work: Work, answer: Answer) -> Exit:
    try:
        async with open_account(settings) as account:
            try:
                return await work(account, answer)
            except MissingError:
                # Work ends at the first thing that is missing; a person wants to know of all.
                lacking = await find_lacking(account)
                if not lacking:
                    raise
                raise MissingError(mailboxes=lacking.mailboxes, groups=lacking.groups) from None
    except EXPECTED as error:
        code = exit_code(error)
        remark(answer.hide(f"{settings.name}: {error}" if settings.name else str(error)))
        if settings.name:  # the others' data is printed, and this one is not to be missed in it
            answer.give({"error": str(error), "exit_code": code})
        return code


def log_as_set(settings: Settings, *, level: str) -> None:
    """Have everything logged as the settings say, but from this level on."""
    configure_logging(level=level, format=settings.log.format, secrets=settings.secrets())


def fail(text: str, code: Exit) -> NoReturn:
    """Say why the program ends, and end it."""
    remark(text)
    raise typer.Exit(code)


def remark(text: str) -> None:
    """Say something that is not what was asked for."""
    typer.echo(text, err=True)
