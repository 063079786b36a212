"""Load the settings, or report all mistakes in them at once.

To find every mistake, a wrong value is replaced by its default, and the rest is checked all the
same: a typing error in one place hides no contradiction in another.

Several accounts are checked one by one, each with its own settings above those for all accounts.
User names, secrets and account ids are never taken from the settings for all accounts.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from mailroom.settings.category_list import CategorySettings
from mailroom.settings.checks import (
    Candidate,
    find_contradictions,
    find_lacking_of_carddav,
    find_misplaced,
    find_same_logins,
    find_same_web_users,
    inherits_credentials,
)
from mailroom.settings.layers import Layer, SourceContent, from_mapping
from mailroom.settings.mistakes import SettingsError, reason
from mailroom.settings.model import Environment, Settings
from mailroom.settings.schema import validated
from mailroom.settings.sources import read_sources
from mailroom.settings.variables import ACCOUNTS, PATHS, SettingPath

_LOGIN: Final = ("username", "password")
"""The settings of JMAP that CardDAV may take."""


def load_settings(environ: Mapping[str, str] = os.environ, *, cwd: Path | None = None) -> Settings:
    """Read the environment, the secret files and the YAML file, and check the settings.

    Args:
        environ: the environment variables.
        cwd: the folder of relative file names; the current folder unless given.

    Raises:
        SettingsError: the settings have mistakes; the error lists all of them.
    """
    cwd = cwd or Path()
    sources = read_sources(environ, cwd)
    common = _candidate(sources)
    accounts = [_candidate(sources, name) for name in _account_names(sources)]
    mistakes = _mistakes_in(sources, [common, *accounts], whole=accounts or [common])
    if accounts:
        mistakes += [
            *find_misplaced(common),
            *find_same_logins(accounts),
            *find_same_web_users(accounts),
        ]
    _raise_if(mistakes)
    environment = Environment(dict(environ), cwd)
    complete = [_complete(candidate, environment) for candidate in accounts or [common]]
    return replace(common.settings, several=tuple(complete)) if accounts else complete[0]


def load_again(settings: Settings) -> Settings:
    """Load the settings of one account again, from the sources that they were read from.

    Mistakes in the values of other accounts are ignored.

    Raises:
        SettingsError: the account's settings have mistakes now, or it is no longer there.
    """
    environment, name = settings.environment, settings.name
    sources = read_sources(environment.variables, environment.cwd)
    names = _account_names(sources)
    if (name or names) and name not in names:
        raise SettingsError([f"{ACCOUNTS}: the accounts have changed; restart Mailroom"])
    candidate = _candidate(sources, name)
    _raise_if(_mistakes_in(sources, [candidate], whole=[candidate]))
    return _complete(candidate, environment)


def _account_names(sources: Sequence[SourceContent]) -> list[str]:
    """Return the accounts in the order of the file, then those only in secrets or variables."""
    return list(dict.fromkeys(name for source in reversed(sources) for name in source.accounts))


def _candidate(sources: Sequence[SourceContent], account: str = "") -> Candidate:
    """Return the settings of an account, with the mistakes in single values.

    For the empty name, these are the settings for all accounts.
    """
    layers = [source.accounts[account] for source in sources if account in source.accounts]
    layers += [source.common for source in sources]
    unread = any(source.unread for source in sources)
    try:
        return Candidate(_settings(layers), layers, unread, account)
    except ValidationError as invalid:
        errors: Any = invalid.errors(include_url=False, include_input=False)
    defaults, places = dict[SettingPath, Any](), list[tuple[SettingPath, str]]()
    for error in errors:
        # A location is a section, a key, and perhaps a place in the value: an index, a key.
        location = error["loc"]
        length = 2 if location[:2] in PATHS else 1
        inside = location[length:-1] if error["type"] == "extra_forbidden" else location[length:]
        parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in inside)
        path = location[:length]
        defaults[path] = PATHS[path].default
        places.append((path, "".join(parts)))
    settings = _settings([Layer(from_mapping(defaults)), *layers])
    candidate = Candidate(settings, layers, unread, account, wrong=frozenset(defaults))
    mistakes = (
        f"{candidate.name(path)}{inside}: {reason(error, CategorySettings.model_fields)}"
        for (path, inside), error in zip(places, errors, strict=True)
    )
    return replace(candidate, mistakes=tuple(mistakes))


def _settings(layers: Sequence[Layer]) -> Settings:
    origins = {path: place for layer in reversed(layers) for path, place in layer.places.items()}
    return Settings(**validated([layer.source for layer in layers]), origins=origins)


def _mistakes_in(
    sources: Iterable[SourceContent], candidates: Iterable[Candidate], *, whole: Iterable[Candidate]
) -> list[str]:
    """Return the mistakes in the sources, then those in single values, then contradictions.

    Args:
        sources: the sources.
        candidates: the settings to check value by value.
        whole: the candidates that are all the settings of an account. Only these are checked for
            contradictions: of several accounts, the settings for all accounts are incomplete.
    """
    mistakes = [mistake for source in sources for mistake in source.mistakes]
    mistakes += [mistake for candidate in candidates for mistake in candidate.mistakes]
    return mistakes + [mistake for account in whole for mistake in find_contradictions(account)]


def _raise_if(mistakes: Iterable[str]) -> None:
    if unique := list(dict.fromkeys(mistakes)):
        raise SettingsError(unique)


def _complete(candidate: Candidate, environment: Environment) -> Settings:
    """Return the settings with the values that CardDAV takes from JMAP."""
    settings = candidate.settings
    if inherits_credentials(candidate):
        jmap, carddav = settings.jmap, settings.carddav
        inherited: dict[SettingPath, str] = {
            ("carddav", key): candidate.name(("jmap", key)) for key in _LOGIN
        }
        settings = replace(
            settings,
            carddav=replace(carddav, username=jmap.username, password=jmap.password),
            origins={**settings.origins, **inherited},
        )
    return replace(
        settings,
        carddav_lacks=tuple(find_lacking_of_carddav(candidate)),
        name=candidate.account,
        environment=environment,
    )
