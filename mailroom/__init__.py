"""Mailroom: the workflow of HEY's Screener for any JMAP mail account."""

import sys

__version__ = "0.1.0"

# structlog and Typer import rich, if it is there, to print tracebacks and help in colour. Mailroom
# prints neither, and a process without rich needs 3 MB less memory.
sys.modules.setdefault("rich", None)  # type: ignore[arg-type]  # None: the import fails
