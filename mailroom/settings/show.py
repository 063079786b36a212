"""The settings for people: those in effect (no secret shown), and the table of docs/settings.md."""

from dataclasses import dataclass
from functools import reduce
from typing import Any, Final

from yarl import URL

from mailroom.http import shown as shown_url
from mailroom.screener.model.categories import Categories
from mailroom.settings.model import Settings
from mailroom.settings.raw import CONFIG, DEFAULT_CONFIG, DEFAULT_SECRETS_DIR, SECRETS_DIR
from mailroom.settings.setting import Secret
from mailroom.settings.variables import VARIABLES

_NOT_SET: Final = "not set"
_FILES: Final = (
    f"| `{CONFIG}` | `{DEFAULT_CONFIG}`, if it exists | YAML file with settings |\n"
    f"| `{SECRETS_DIR}` | `{DEFAULT_SECRETS_DIR}`, if it exists"
    " | directory of files; each is named like a variable in lower case and holds its value |\n"
)


@dataclass(frozen=True, slots=True)
class Shown:
    """A setting in effect. ``origin`` is the place where it is set; empty for a default."""

    variable: str
    value: str
    origin: str


def describe(settings: Settings) -> list[Shown]:
    """Return every setting in effect; of secrets only ``set`` or ``not set``."""
    return [
        Shown(
            variable.name,
            _shown(reduce(getattr, variable.path, settings)),
            settings.origin(variable.path),
        )
        for variable in VARIABLES.values()
    ]


def settings_table() -> str:
    """Return all variables, defaults and meanings as a table in Markdown."""
    lines = ["| variable | default | meaning |", "| --- | --- | --- |"]
    for variable in VARIABLES.values():
        default = _shown(variable.default)
        if default == _NOT_SET:
            default = "none"
        elif not isinstance(variable.default, Categories):
            default = f"`{default}`"
        lines.append(f"| `{variable.name}` | {default} | {variable.meaning} |")
    return "\n".join(lines) + "\n" + _FILES


def _shown(value: Any) -> str:
    match value:
        case Secret():
            return "set" if value.get_secret_value() else _NOT_SET
        case URL():
            return shown_url(value)
        case Categories():
            return ", ".join(category.name for category in value)
        case bool():
            return str(value).lower()
        case float():
            return f"{value:g}"
        case _:
            return ("" if value is None else str(value)) or _NOT_SET
