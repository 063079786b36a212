"""The settings: sources, model, checks. Begin with :func:`load_settings`."""

from mailroom.settings.load import load_settings
from mailroom.settings.mistakes import SettingsError
from mailroom.settings.model import Settings
from mailroom.settings.show import Shown, describe, settings_table

__all__ = [
    "Settings",
    "SettingsError",
    "Shown",
    "describe",
    "load_settings",
    "settings_table",
]
