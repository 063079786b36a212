"""The parts of which settings are declared, without pydantic.

The service holds its settings for years, and pydantic would take a fifth of its memory. So settings
are plain dataclasses; :mod:`mailroom.settings.schema` makes pydantic's models from them, and is
imported only where settings are loaded.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

_T = TypeVar("_T")


class Section:
    """The base of all sections: frozen dataclasses whose fields are made by :func:`setting`."""


def setting(*, default: _T, meaning: str) -> _T:
    """Return the field of a setting.

    Args:
        default: the value if the setting is not set.
        meaning: the text about the setting in docs/settings.md, in Markdown.
    """
    value: _T = field(default=default, metadata={"meaning": meaning})
    return value


class Secret:
    """A text that is shown nowhere; empty if it is not set."""

    # Not a dataclass: pydantic-settings reads the variables of a dataclass as JSON.
    __slots__ = ("_text",)

    def __init__(self, text: str = "") -> None:
        self._text = text

    def get_secret_value(self) -> str:
        """Return the text."""
        return self._text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return "Secret('**********')" if self._text else "Secret('')"


@dataclass(frozen=True, slots=True)
class Between:
    """Mark of an annotation: a number must be at least ``least`` and at most ``most``."""

    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Convert:
    """Mark of an annotation: call ``function`` with the written value, and validate its result."""

    function: Callable[[object], object]


@dataclass(frozen=True, slots=True)
class Check:
    """Mark of an annotation: call ``function`` with the valid value, and use its result.

    The function raises ValueError if the value is not allowed.
    """

    function: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Parse:
    """Mark of an annotation: call ``function`` with the written value, and use its result.

    The function raises ValueError if the value is not allowed.
    """

    function: Callable[[object], object]
