"""The TLS certificates that Mailroom trusts."""

import ssl
from functools import cache


@cache
def tls_context(ca_file: str) -> ssl.SSLContext:
    """Return the TLS context with the CAs of the system and those in a file (PEM).

    All connections share one context, because each context takes nearly a megabyte.

    Args:
        ca_file: the path of the file; empty for the system's CAs alone.

    Raises:
        OSError: the file cannot be read, or has no certificates in it.
    """
    context = ssl.create_default_context()
    if ca_file:
        context.load_verify_locations(cafile=ca_file)
    return context
