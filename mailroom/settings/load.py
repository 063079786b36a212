"""Loads the settings, or says everything that is wrong with them at once.

To find every mistake, what is wrong by itself is replaced by its default, and the rest judged all
the same: so a typing error in one place hides no contradiction in another.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError

from mailroom.settings.checks import (
    Given,
    find_contradictions,
    find_lacking_of_carddav,
    inherits_credentials,
)
from mailroom.settings.fields import CategorySettings
from mailroom.settings.mistakes import SettingsError, reason
from mailroom.settings.model import Settings
from mailroom.settings.sources import Layer, from_mapping, read_layers
from mailroom.settings.variables import PATHS, Path


def load_settings(
    environ: Mapping[str, str] = os.environ, *, cwd: FilePath | None = None
) -> Settings:
    """Read the environment, secret files and the YAML file, and judge what they say.

    Args:
        environ: the environment variables.
        cwd: what relative file names are relative to; the current folder unless given.

    Raises:
        SettingsError: something is wrong; it lists all that is.
    """
    layers = read_layers(environ, cwd or FilePath())
    settings, wrong = _build(layers)
    given = Given(settings, layers, frozenset(each.path for each in wrong))
    mistakes = [mistake for layer in layers for mistake in layer.mistakes]
    mistakes += [f"{given.name(each.path)}{each.inside}: {each.reason}" for each in wrong]
    mistakes += find_contradictions(given)
    if mistakes:
        raise SettingsError(mistakes)
    return _complete(given)


@dataclass(frozen=True, slots=True)
class _Wrong:
    """A setting with a wrong value; ``inside`` is where in it, if it has parts."""

    path: Path
    inside: str
    reason: str


def _build(layers: Sequence[Layer]) -> tuple[Settings, list[_Wrong]]:
    """The settings, with defaults for what is wrong."""
    try:
        return _settings(layers), []
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
    wrong = [_wrong(each) for each in found]
    defaults = from_mapping({each.path: PATHS[each.path].default for each in wrong})
    return _settings([Layer(defaults), *layers]), wrong


def _settings(layers: Sequence[Layer], carddav_lacks: Sequence[str] = ()) -> Settings:
    origins = {path: name for layer in reversed(layers) for path, name in layer.names.items()}
    return Settings([layer.source for layer in layers], origins, carddav_lacks=carddav_lacks)


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


def _complete(given: Given) -> Settings:
    """Fill in what one setting takes from another."""
    carddav_lacks = list(find_lacking_of_carddav(given))
    if not inherits_credentials(given):
        return _settings(given.layers, carddav_lacks)
    jmap = given.settings.jmap
    login: dict[Path, Any] = {
        ("carddav", "username"): jmap.username,
        ("carddav", "password"): jmap.password,
    }
    names = {path: given.name(("jmap", path[1])) for path in login}
    return _settings([*given.layers, Layer(from_mapping(login), names)], carddav_lacks)
