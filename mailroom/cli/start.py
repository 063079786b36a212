"""The start of the service and of every command: the settings are loaded and the log is set up."""

from mailroom.exits import Exit
from mailroom.logs import configure_logging
from mailroom.settings.load import load_settings
from mailroom.settings.mistakes import SettingsError
from mailroom.settings.model import Settings
from mailroom.terminal.output import fail


def settings_or_exit() -> Settings:
    """Return the settings; if they have mistakes, print all of these and exit."""
    try:
        return load_settings()
    except SettingsError as error:
        fail(str(error), Exit.CONFIGURATION)


def log_as_set(settings: Settings, *, level: str) -> None:
    """Set up logging as the settings say, but with this level."""
    configure_logging(level=level, format=settings.log.format, secrets=settings.secrets())
