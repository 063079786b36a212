"""What sources of settings give, in the form that pydantic-settings takes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic_settings import EnvSettingsSource, InitSettingsSource, PydanticBaseSettingsSource

from mailroom.settings.model import Settings
from mailroom.settings.variables import Path


class VariablesSource(EnvSettingsSource):
    """pydantic-settings' way from variables to sections, for variables that were picked already."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        super().__init__(Settings)
        self.env_vars = {name.lower(): value for name, value in variables.items()}


def from_mapping(values: Mapping[Path, Any]) -> InitSettingsSource:
    """Values by path, as a source for pydantic-settings."""
    nested: dict[str, Any] = {}
    for path, value in values.items():
        *sections, key = path
        place = nested
        for section in sections:
            place = place.setdefault(section, {})
        place[key] = value
    return InitSettingsSource(Settings, nested)


@dataclass(frozen=True, slots=True)
class Layer:
    """Some settings.

    Attributes:
        source: the values, for pydantic-settings.
        names: what is given (even if it turned out unreadable), and how a person finds it.
    """

    source: PydanticBaseSettingsSource
    names: Mapping[Path, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Given:
    """What one source gives.

    Attributes:
        common: what it says for all accounts.
        accounts: what it says for one account only, by the account's name.
        mistakes: what is wrong with keys and files.
        unread: nobody knows what is in it, as it could not be read.
    """

    common: Layer
    accounts: Mapping[str, Layer] = field(default_factory=dict)
    mistakes: tuple[str, ...] = ()
    unread: bool = False


def nothing(*mistakes: str, unread: bool = False) -> Given:
    """A source that gives nothing."""
    return Given(Layer(from_mapping({})), mistakes=mistakes, unread=unread)
