"""The texts of errors of the operating system and of TLS."""

import os
import ssl


def os_error_text(error: OSError) -> str:
    """Return the system's text for an error, without the address that asyncio and aiohttp add."""
    match error:
        case ssl.SSLCertVerificationError(verify_message=str(text)):
            return text
        case ssl.SSLError(reason=str(text)):
            return text
        case OSError(errno=int(number)) if number > 0 and not isinstance(error, ssl.SSLError):
            return os.strerror(number).lower()
        case OSError(strerror=str(text)) if text:
            return text.lower()
        case _:
            return type(error).__name__
