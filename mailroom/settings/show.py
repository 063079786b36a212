"""The settings for people: those in effect (no secret shown), and the table of docs/settings.md."""

from dataclasses import dataclass
from typing import Any, Final

from pydantic import SecretStr
from yarl import URL

from mailroom.http import shown as shown_url
from mailroom.screener.model.categories import Categories
from mailroom.settings.file import DEFAULT_CONFIG
from mailroom.settings.model import Settings
from mailroom.settings.sources import DEFAULT_SECRETS_DIR
from mailroom.settings.variables import CONFIG, SECRETS_DIR, VARIABLES, Path

_NOT_SET: Final = "not set"
_FILES: Final = (
    (CONFIG, f"`{DEFAULT_CONFIG}`, if there", "YAML file with settings"),
    (
        SECRETS_DIR,
        f"`{DEFAULT_SECRETS_DIR}`, if there",
        "directory of files, each called like a variable in lower case and holding its value",
    ),
)


@dataclass(frozen=True, slots=True)
class Shown:
    """A setting in effect. ``origin`` is where it was found; empty for a default."""

    variable: str
    value: str
    origin: str


def describe(settings: Settings) -> list[Shown]:
    """Every setting in effect, secrets as ``set`` or ``not set`` only."""
    return [
        Shown(each.name, _shown(_value(settings, each.path)), settings.origin(each.path))
        for each in VARIABLES.values()
    ]


def settings_table() -> str:
    """All variables, defaults and meanings as a table in Markdown."""
    rows = [(each.name, _default(each.default), each.meaning) for each in VARIABLES.values()]
    lines = ["| variable | default | meaning |", "| --- | --- | --- |"]
    lines += [f"| `{name}` | {default} | {text} |" for name, default, text in (*rows, *_FILES)]
    return "\n".join(lines) + "\n"


def _value(settings: Settings, path: Path) -> Any:
    value: Any = settings
    for key in path:
        value = getattr(value, key)
    return value


def _shown(value: Any) -> str:
    match value:
        case SecretStr():
            return "set" if value.get_secret_value() else _NOT_SET
        case URL():
            return shown_url(value)
        case Categories():
            return ", ".join(each.name for each in value)
        case bool():
            return str(value).lower()
        case float():
            return f"{value:g}"
        case _:
            return ("" if value is None else str(value)) or _NOT_SET


def _default(value: Any) -> str:
    shown = _shown(value)
    if shown == _NOT_SET:
        return "none"
    return shown if isinstance(value, Categories) else f"`{shown}`"
