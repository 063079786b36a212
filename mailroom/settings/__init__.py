"""What can be configured, and what is wrong with it: :func:`load_settings` is the way in."""

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
