"""The list of all variables, made from the model."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, Final, cast

from mailroom.settings.model import Settings, is_process_wide
from mailroom.settings.raw import PREFIX
from mailroom.settings.setting import Section

SettingPath = tuple[str, ...]
"""The section and key of a setting: ``("jmap", "token")``."""

ACCOUNTS: Final = "accounts"

_ACCOUNT_PREFIX: Final = f"{PREFIX}{ACCOUNTS}_".upper()
_ACCOUNT_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
"""A label of a host name (RFC 1123 section 2.1): valid in file names, variables and metrics."""


@dataclass(frozen=True, slots=True)
class Variable:
    """One setting, with its default."""

    name: str
    path: SettingPath
    default: Any
    meaning: str


def _variables(owner: Settings | Section, path: SettingPath) -> Iterator[Variable]:
    """List the settings in an object that holds the defaults."""
    for field in fields(cast("Any", owner)):
        here, default = (*path, field.name), getattr(owner, field.name)
        if isinstance(default, Section):
            yield from _variables(default, here)
        elif "meaning" in field.metadata:
            name = PREFIX + "_".join(here).upper()
            yield Variable(name, here, default, field.metadata["meaning"])


VARIABLES: Final = {variable.name: variable for variable in _variables(Settings(), ())}
PATHS: Final = {variable.path: variable for variable in VARIABLES.values()}
ACCOUNT_PATHS: Final = {
    path: variable for path, variable in PATHS.items() if not is_process_wide(path)
}
"""The settings that an account may have of its own."""


def is_account_name(name: object) -> bool:
    """Return True if ``name`` is valid as the name of an account."""
    return isinstance(name, str) and _ACCOUNT_NAME.fullmatch(name) is not None


def account_prefix(name: str) -> str:
    """Return the prefix of an account's variables if ``name`` looks like one of them, else "".

    ``MAILROOM_ACCOUNTS_ANNA_`` for ``MAILROOM_ACCOUNTS_ANNA_JMAP_TOKN``.
    """
    account, separator, _ = name.removeprefix(_ACCOUNT_PREFIX).partition("_")
    is_of_account = (
        name.startswith(_ACCOUNT_PREFIX) and separator and is_account_name(account.lower())
    )
    return f"{_ACCOUNT_PREFIX}{account}_" if is_of_account else ""


def variable_of(account: str, path: SettingPath) -> str:
    """Return the variable that sets ``path``; ``account`` is empty if there is a single account."""
    name = PATHS[path].name
    return f"{_ACCOUNT_PREFIX}{account.upper()}_{name.removeprefix(PREFIX)}" if account else name


def account_and_variable(name: str) -> tuple[str, str]:
    """Return the account of a variable, and the same variable of a single account.

    ``MAILROOM_ACCOUNTS_ANNA_JMAP_TOKEN`` is ``MAILROOM_JMAP_TOKEN`` for ``anna``. A variable for
    no named account is for ``""``.
    """
    if not name.startswith(_ACCOUNT_PREFIX):
        return "", name
    account, _, rest = name.removeprefix(_ACCOUNT_PREFIX).partition("_")
    variable = VARIABLES.get(PREFIX + rest)
    account = account.lower()
    if variable is None or variable.path not in ACCOUNT_PATHS or not is_account_name(account):
        return "", name
    return account, variable.name
