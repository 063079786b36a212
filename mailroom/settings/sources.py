"""The sources of settings: the environment, secret files, a YAML file.

This module reads the sources and checks their keys; the model checks the values. The text of a
mistake never contains a value, nor the text of a parser's error, which quotes values.
"""

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path as FilePath
from typing import Final

from mailroom.settings.file import read_file
from mailroom.settings.layers import Given, Layer, VariablesSource, nothing
from mailroom.settings.mistakes import unknown
from mailroom.settings.model import PREFIX
from mailroom.settings.variables import (
    ACCOUNT_PATHS,
    ACCOUNTS,
    CONFIG,
    SECRETS_DIR,
    VARIABLES,
    account_prefix,
    of_account,
)

DEFAULT_SECRETS_DIR: Final = "/run/secrets"

_SERVICE_LINK: Final = re.compile(
    r"\w+_SERVICE_(HOST|PORT(_\w+)?)|\w+_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?", re.ASCII
)
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
"""Python reads bytes in the environment that are not UTF-8 as these characters."""


def read_sources(environ: Mapping[str, str], cwd: FilePath) -> tuple[Given, ...]:
    """Read all sources; return the one with the highest precedence first."""
    variables, file = read_environment(environ), read_file(environ.get(CONFIG, ""), cwd)
    accounts = {*variables.accounts, *file.accounts}
    secrets = read_secrets(environ.get(SECRETS_DIR, ""), cwd, accounts=accounts)
    return variables, secrets, file


def is_service_link(name: str, value: str) -> bool:
    """Return True if Kubernetes set this variable, for a Service whose name begins ``mailroom``.

    Kubernetes sets some for each Service of the namespace: ``MAILROOM_SERVICE_HOST``,
    ``MAILROOM_PORT`` (a URL), ``MAILROOM_PORT_8080_TCP_ADDR``. For a Service with the name
    ``mailroom-health`` it sets even ``MAILROOM_HEALTH_PORT``, to a URL.
    """
    is_url = re.match(r"(tcp|udp|sctp)://", value) is not None
    return bool(_SERVICE_LINK.fullmatch(name)) or (name.endswith("_PORT") and is_url)


def read_environment(environ: Mapping[str, str]) -> Given:
    """Read the variables that begin with our prefix. An empty variable counts as not set."""
    ours = {
        name: value.rstrip("\r\n")
        for name, value in environ.items()
        if name.upper().startswith(PREFIX)
        and name not in {CONFIG, SECRETS_DIR}
        and not is_service_link(name, value)
    }
    known = {name for name in ours if of_account(name)[1] in VARIABLES}
    mistakes = [_unknown_variable(name) for name in ours if name not in known]
    given = {name: value for name, value in ours.items() if name in known and value}
    broken = [name for name, value in given.items() if _SURROGATE.search(value)]
    mistakes += [f"{name}: is not UTF-8 text" for name in broken]
    usable = {name: value for name, value in given.items() if name not in broken}
    return _given({name: name for name in given}, usable, mistakes)


def _unknown_variable(name: str) -> str:
    if prefix := account_prefix(name):
        known = [each.name.removeprefix(PREFIX) for each in ACCOUNT_PATHS.values()]
        return unknown(name, known, prefix=prefix)
    known = [each.removeprefix(PREFIX) for each in (*VARIABLES, CONFIG, SECRETS_DIR)]
    return unknown(name, known, prefix=PREFIX)


def _given(names: Mapping[str, str], values: Mapping[str, str], mistakes: Iterable[str]) -> Given:
    """Return variables as layers.

    Args:
        names: the variables that were given -> the place of each, for a person.
        values: the values that could be read.
        mistakes: the mistakes in the others.
    """
    variables: dict[str, dict[str, str]] = defaultdict(dict)
    shown: dict[str, dict[tuple[str, ...], str]] = defaultdict(dict)
    for name, where in names.items():
        account, variable = of_account(name)
        shown[account][VARIABLES[variable].path] = where
        if name in values:
            variables[account][variable] = values[name]
    layers = {
        account: Layer(VariablesSource(variables[account]), shown[account]) for account in shown
    }
    common = layers.pop("", Layer(VariablesSource({})))
    return Given(common, layers, tuple(mistakes))


def read_secrets(directory: str, cwd: FilePath, *, accounts: Iterable[str] = ()) -> Given:
    """Read the files of a directory whose names begin with our prefix; ignore all others.

    The default directory need not exist. If it exists but may not be listed (some tools for
    secrets forbid it on purpose), each possible file is looked for by its name.

    Args:
        directory: the configured directory; empty for the default one.
        cwd: the folder of a relative ``directory``.
        accounts: the names of the accounts that other sources have.
    """
    place = cwd / (directory or DEFAULT_SECRETS_DIR)
    try:
        entries = sorted(place.iterdir())
    except OSError as error:
        if not directory:
            return _read_secret_files(list(_known_files(place, accounts)))
        if isinstance(error, FileNotFoundError | NotADirectoryError):
            return nothing(f"{SECRETS_DIR}: there is no such directory", unread=True)
        return nothing(f"{SECRETS_DIR}: cannot be read ({error.strerror})", unread=True)
    return _read_secret_files([each for each in entries if each.name.upper().startswith(PREFIX)])


def _known_files(place: FilePath, accounts: Iterable[str]) -> Iterator[FilePath]:
    """Yield the files that exist with the name of a setting, as far as we may see them."""
    names = [*VARIABLES]
    for account in sorted(accounts):
        prefix = f"{PREFIX}{ACCOUNTS}_{account}_"
        names += [prefix + each.name.removeprefix(PREFIX) for each in ACCOUNT_PATHS.values()]
    for name in names:
        file = place / name.lower()
        if os.access(file, os.F_OK):
            yield file


def _read_secret_files(files: list[FilePath]) -> Given:
    values: dict[str, str] = {}
    names: dict[str, str] = {}
    mistakes: list[str] = []
    for file in files:
        name, shown = file.name.upper(), f"secret file {file.name}"
        if not file.name.islower() or of_account(name)[1] not in VARIABLES:
            mistakes.append(f"secret file {_unknown_secret(file.name)}")
            continue
        names[name] = shown
        try:
            values[name] = _read_secret(file)
        except ValueError as error:
            mistakes.append(f"{shown}: {error}")
    return _given(names, values, mistakes)


def _unknown_secret(name: str) -> str:
    """Return the mistake for an unknown secret file, in lower case as files are named."""
    said, _, hint = _unknown_variable(name.upper()).partition("; ")
    return f"{name}{said[len(name) :]}" + (f"; {hint.lower()}" if hint else "")


def _read_secret(file: FilePath) -> str:
    """Return the text of a file, without the newline at its end and without a byte order mark.

    Raises:
        ValueError: the file is empty or cannot be read; the text says why.
    """
    try:
        text = file.read_text(encoding="utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8 text") from None
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror})") from None
    if not text:
        raise ValueError("is empty")
    return text
