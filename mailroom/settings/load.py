"""Loads the settings, or reports all mistakes in them at once.

To find every mistake, a wrong value is replaced by its default, and the rest is checked all the
same: a typing error in one place hides no contradiction in another.

Several accounts are checked one by one, each with its own settings above those for all accounts.
User names, secrets and account ids are never taken from the settings for all accounts.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError

from mailroom.settings.checks import (
    CATEGORIES,
    Judged,
    find_contradictions,
    find_lacking_of_carddav,
    find_misplaced,
    find_same_logins,
    inherits_credentials,
)
from mailroom.settings.fields import CategorySettings, salvage
from mailroom.settings.layers import Given, Layer, from_mapping
from mailroom.settings.mistakes import SettingsError, reason
from mailroom.settings.model import Settings
from mailroom.settings.sources import read_sources
from mailroom.settings.variables import ACCOUNTS, PATHS, Path


def load_settings(
    environ: Mapping[str, str] = os.environ, *, cwd: FilePath | None = None
) -> Settings:
    """Read the environment, the secret files and the YAML file, and check the settings.

    Args:
        environ: the environment variables.
        cwd: the folder of relative file names; the current folder unless given.

    Raises:
        SettingsError: the settings have mistakes; the error lists all of them.
    """
    cwd = cwd or FilePath()
    given = read_sources(environ, cwd)
    mistakes = [mistake for each in given for mistake in each.mistakes]
    common = _judge_common(given)
    accounts = [_judge_account(common, given, name) for name in _names(given)]
    mistakes += common.mistakes
    if accounts:
        mistakes += [mistake for each in accounts for mistake in each.mistakes]
        mistakes += [mistake for each in accounts for mistake in find_contradictions(each)]
        mistakes += [*find_misplaced(common), *find_same_logins(accounts)]
    else:
        mistakes += find_contradictions(common)
    if mistakes:
        raise SettingsError(list(dict.fromkeys(mistakes)))
    read_again = partial(_read_again, environ, cwd)
    if not accounts:
        return _complete(common, read_again)
    return _settings(common.layers, accounts=[_complete(each, read_again) for each in accounts])


def _read_again(environ: Mapping[str, str], cwd: FilePath, name: str) -> Settings:
    """Load the settings of one account again; ``name`` is empty for a single account.

    Mistakes in the values of other accounts are ignored.

    Raises:
        SettingsError: the account's settings have mistakes now.
    """
    given = read_sources(environ, cwd)
    names = _names(given)
    if (name or names) and name not in names:
        raise SettingsError([f"{ACCOUNTS}: the accounts have changed; restart Mailroom"])
    common = _judge_common(given)
    judged = _judge_account(common, given, name) if name else common
    mistakes = [mistake for each in given for mistake in each.mistakes]
    mistakes += [*judged.mistakes, *find_contradictions(judged)]
    if mistakes:
        raise SettingsError(list(dict.fromkeys(mistakes)))
    return _complete(judged, partial(_read_again, environ, cwd))


def _judge_common(given: Sequence[Given]) -> Judged:
    return _judge([each.common for each in given], unread=any(each.unread for each in given))


def _names(given: Sequence[Given]) -> list[str]:
    """Return the accounts in the order of the file, then those only in secrets or variables."""
    return list(dict.fromkeys(name for each in reversed(given) for name in each.accounts))


def _judge_account(common: Judged, given: Sequence[Given], name: str) -> Judged:
    own = [each.accounts[name] for each in given if name in each.accounts]
    return _judge([*own, *common.layers], unread=common.unread, account=name)


def _judge(layers: Sequence[Layer], *, unread: bool, account: str = "") -> Judged:
    settings, wrong = _build(layers)
    judged = Judged(settings, layers, frozenset(each.path for each in wrong), unread, account)
    found = [f"{judged.name(each.path)}{each.inside}: {each.reason}" for each in wrong]
    salvaged = salvage(_given(CATEGORIES, layers)) if CATEGORIES in judged.wrong else None
    return replace(judged, mistakes=tuple(found), salvaged=salvaged)


def _given(path: Path, layers: Sequence[Layer]) -> object:
    """Return the value of a setting from the source with the highest precedence that sets it."""
    (key,) = path
    return next(layer.source().get(key) for layer in layers if path in layer.names)


@dataclass(frozen=True, slots=True)
class _Wrong:
    """A setting with a wrong value; ``inside`` is the place in the value, if it has parts."""

    path: Path
    inside: str
    reason: str


def _build(layers: Sequence[Layer]) -> tuple[Settings, list[_Wrong]]:
    """Return the settings, with defaults for the wrong ones, and the wrong ones."""
    try:
        return _settings(layers), []
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
    wrong = [_wrong(each) for each in found]
    defaults = from_mapping({each.path: PATHS[each.path].default for each in wrong})
    return _settings([Layer(defaults), *layers]), wrong


def _settings(layers: Sequence[Layer], **more: Any) -> Settings:
    origins = {path: name for layer in reversed(layers) for path, name in layer.names.items()}
    return Settings([layer.source for layer in layers], origins, **more)


def _wrong(error: Any) -> _Wrong:
    location: tuple[str | int, ...] = error["loc"]
    length = 2 if location[:2] in PATHS else 1
    inside = "".join(
        f"[{part}]" if isinstance(part, int) else f".{part}" for part in location[length:]
    )
    if error["type"] == "extra_forbidden":
        inside = inside.rpartition(".")[0]
    path = tuple(str(part) for part in location[:length])
    return _Wrong(path, inside, reason(error, CategorySettings.model_fields))


def _complete(judged: Judged, read_again: Callable[[str], Settings]) -> Settings:
    """Return the settings with the values that CardDAV takes from JMAP."""
    layers = list(judged.layers)
    if inherits_credentials(judged):
        jmap = judged.settings.jmap
        login: dict[Path, Any] = {
            ("carddav", "username"): jmap.username,
            ("carddav", "password"): jmap.password,
        }
        names = {path: judged.name(("jmap", path[1])) for path in login}
        layers.append(Layer(from_mapping(login), names))
    lacking = list(find_lacking_of_carddav(judged))
    return _settings(
        layers,
        carddav_lacks=lacking,
        name=judged.account,
        read_again=partial(read_again, judged.account),
    )
