"""Mailroom: the workflow of HEY's Screener for any JMAP mail account."""

import sys

__version__ = "0.1.0"

# structlog imports rich, if it is there, to print tracebacks in colour. Mailroom prints none, and a
# process without rich needs 8 MB less memory.
sys.modules.setdefault("rich", None)  # type: ignore[arg-type]  # None: the import fails
