"""The content of the sources of settings, in the form that pydantic-settings reads."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic_settings import EnvSettingsSource, InitSettingsSource, PydanticBaseSettingsSource

from mailroom.settings.schema import SCHEMA
from mailroom.settings.variables import SettingPath


class VariablesSource(EnvSettingsSource):
    """Variables as a source for pydantic-settings, in place of the process's environment."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        super().__init__(SCHEMA)
        self.env_vars = {name.lower(): value for name, value in variables.items()}
        self._values: dict[str, Any] | None = None

    def __call__(self) -> dict[str, Any]:
        """Return the values; they are read only once, because every account asks for them."""
        if self._values is None:
            self._values = super().__call__()
        return self._values


def from_mapping(values: Mapping[SettingPath, Any]) -> InitSettingsSource:
    """Return values by path as a source for pydantic-settings."""
    nested: dict[str, Any] = {}
    for path, value in values.items():
        *sections, key = path
        place = nested
        for section in sections:
            place = place.setdefault(section, {})
        place[key] = value
    return InitSettingsSource(SCHEMA, nested)


@dataclass(frozen=True, slots=True)
class Layer:
    """The settings of one source for all accounts, or for one account.

    Attributes:
        source: the values, for pydantic-settings.
        places: each setting that the source sets, even to an unreadable value -> its place, for a
            person: ``("jmap", "token")`` -> ``mailroom.yaml: jmap.token``.
    """

    source: PydanticBaseSettingsSource
    places: Mapping[SettingPath, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SourceContent:
    """The content of one source.

    Attributes:
        common: the settings for all accounts.
        accounts: account name -> the settings for this account only.
        mistakes: a text for each mistake in the keys and files.
        unread: True if a part could not be read, so that more may be set than is known.
    """

    common: Layer
    accounts: Mapping[str, Layer] = field(default_factory=dict)
    mistakes: tuple[str, ...] = ()
    unread: bool = False


def empty_source(*mistakes: str, unread: bool = False) -> SourceContent:
    """Return the content of a source that sets nothing."""
    return SourceContent(Layer(from_mapping({})), mistakes=mistakes, unread=unread)
