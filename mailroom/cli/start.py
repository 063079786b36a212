"""The start of the service and of every command: the settings are loaded and the log is set up."""

from mailroom.cli.short_process import ShortProcessError, call_in_short_process
from mailroom.exits import Exit
from mailroom.logs import configure_logging
from mailroom.settings.mistakes import SettingsError
from mailroom.settings.model import Settings
from mailroom.terminal.output import fail


def settings_or_exit(*, in_own_process: bool = False) -> Settings:
    """Return the settings; if they have mistakes, print all mistakes and exit.

    Args:
        in_own_process: load the settings in a short process of its own, so that this process does
            not keep the memory that loading takes.
    """
    try:
        loaded = call_in_short_process(_load) if in_own_process else _load()
    except ShortProcessError as error:
        fail(f"the settings could not be loaded: {error}", Exit.FAILED)
    if isinstance(loaded, SettingsError):
        fail(str(loaded), Exit.CONFIGURATION)
    return loaded


def _load() -> Settings | SettingsError:
    from mailroom.settings.load import load_settings  # noqa: PLC0415 - see settings/setting.py

    try:
        return load_settings()
    except SettingsError as error:
        return error


def log_as_set(settings: Settings, *, level: str) -> None:
    """Set up logging as the settings say, but with this level."""
    configure_logging(level=level, format=settings.log.format, secrets=settings.secrets())
