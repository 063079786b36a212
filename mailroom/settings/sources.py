"""The sources of settings: the environment, secret files, a YAML file.

This module reads the sources and checks their keys; the model checks the values. The text of a
mistake never contains a value, nor the text of a parser's error, which quotes values.
"""

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from mailroom.settings.file import read_file
from mailroom.settings.layers import Layer, SourceContent, VariablesSource, empty_source
from mailroom.settings.mistakes import unknown
from mailroom.settings.raw import (
    CONFIG,
    DEFAULT_SECRETS_DIR,
    PREFIX,
    SECRETS_DIR,
    is_service_link,
    read_secret,
)
from mailroom.settings.variables import (
    ACCOUNT_PATHS,
    VARIABLES,
    SettingPath,
    account_and_variable,
    account_prefix,
    variable_of,
)

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
"""Python reads bytes in the environment that are not UTF-8 as these characters."""


def read_sources(environ: Mapping[str, str], cwd: Path) -> tuple[SourceContent, ...]:
    """Read all sources; return the one with the highest precedence first."""
    variables, file = read_environment(environ), read_file(environ.get(CONFIG, ""), cwd)
    accounts = {*variables.accounts, *file.accounts}
    secrets = read_secrets(environ.get(SECRETS_DIR, ""), cwd, accounts=accounts)
    return variables, secrets, file


def read_environment(environ: Mapping[str, str]) -> SourceContent:
    """Read the variables that begin with our prefix. An empty variable counts as not set."""
    ours = {
        name: value.rstrip("\r\n")
        for name, value in environ.items()
        if name.upper().startswith(PREFIX)
        and name not in {CONFIG, SECRETS_DIR}
        and not is_service_link(name, value)
    }
    unknown_names = [name for name in ours if account_and_variable(name)[1] not in VARIABLES]
    mistakes = [_unknown_variable(name) for name in unknown_names]
    given = {name: value for name, value in ours.items() if value and name not in unknown_names}
    broken = [name for name, value in given.items() if _SURROGATE.search(value)]
    mistakes += [f"{name}: is not UTF-8 text" for name in broken]
    usable = {name: value for name, value in given.items() if name not in broken}
    return _content({name: name for name in given}, usable, mistakes)


def _unknown_variable(name: str) -> str:
    if prefix := account_prefix(name):
        known = [variable.name.removeprefix(PREFIX) for variable in ACCOUNT_PATHS.values()]
        return unknown(name, known, prefix=prefix)
    known = [variable.removeprefix(PREFIX) for variable in (*VARIABLES, CONFIG, SECRETS_DIR)]
    return unknown(name, known, prefix=PREFIX)


def _content(
    places: Mapping[str, str], values: Mapping[str, str], mistakes: Iterable[str]
) -> SourceContent:
    """Divide variables among the accounts.

    Args:
        places: each variable that is set -> its place, for a person.
        values: the values of the variables that could be read.
        mistakes: the mistakes in the other variables.
    """
    variables: dict[str, dict[str, str]] = defaultdict(dict)
    places_by_account: dict[str, dict[SettingPath, str]] = defaultdict(dict)
    for name, place in places.items():
        account, variable = account_and_variable(name)
        places_by_account[account][VARIABLES[variable].path] = place
        if name in values:
            variables[account][variable] = values[name]
    layers = {
        account: Layer(VariablesSource(variables[account]), account_places)
        for account, account_places in places_by_account.items()
    }
    common = layers.pop("", Layer(VariablesSource({})))
    return SourceContent(common, layers, tuple(mistakes))


def read_secrets(directory: str, cwd: Path, *, accounts: Iterable[str] = ()) -> SourceContent:
    """Read the files of a directory whose names begin with our prefix; ignore all others.

    The default directory need not exist. If it exists but may not be listed (some tools for
    secrets forbid it on purpose), each possible file is looked for by its name.

    Args:
        directory: the configured directory; empty for the default one.
        cwd: the folder of a relative ``directory``.
        accounts: the names of the accounts that other sources have.
    """
    folder = cwd / (directory or DEFAULT_SECRETS_DIR)
    try:
        files = [file for file in sorted(folder.iterdir()) if file.name.upper().startswith(PREFIX)]
    except OSError as error:
        if isinstance(error, FileNotFoundError | NotADirectoryError) and directory:
            return empty_source(f"{SECRETS_DIR}: there is no such directory", unread=True)
        if directory:
            return empty_source(f"{SECRETS_DIR}: cannot be read ({error.strerror})", unread=True)
        names = [*VARIABLES]
        names += [variable_of(name, path) for name in sorted(accounts) for path in ACCOUNT_PATHS]
        files = [file for name in names if os.access(file := folder / name.lower(), os.F_OK)]
    values: dict[str, str] = {}
    places: dict[str, str] = {}
    mistakes: list[str] = []
    for file in files:
        name = file.name.upper()
        if not file.name.islower() or account_and_variable(name)[1] not in VARIABLES:
            # The mistake quotes the file's name as written, and suggests a name in lower case.
            _, _, hint = _unknown_variable(name).partition("; ")
            mistakes.append(
                f"secret file {file.name}: unknown" + (f"; {hint.lower()}" if hint else "")
            )
            continue
        places[name] = f"secret file {file.name}"
        try:
            values[name] = read_secret(file)
        except ValueError as error:
            mistakes.append(f"{places[name]}: {error}")
    return _content(places, values, mistakes)
