"""The certificates that are trusted."""

import ssl
from functools import cache


@cache
def trusting(ca_file: str) -> ssl.SSLContext:
    """Return the context for TLS with every CA of the system, and those in a file (PEM).

    One serves all connections: each holds every certificate of the system, near a megabyte.

    Args:
        ca_file: the path of the file; empty for the system's alone.

    Raises:
        OSError: the file cannot be read, or has no certificates in it.
    """
    context = ssl.create_default_context()
    if ca_file:
        context.load_verify_locations(cafile=ca_file)
    return context
