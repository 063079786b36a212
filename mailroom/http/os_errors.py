"""The texts of errors of the operating system."""

import os


def os_error_text(error: OSError) -> str:
    """Return the system's text for an error, without the address that asyncio and aiohttp add."""
    if error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)
    return error.strerror or type(error).__name__
