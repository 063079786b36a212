"""``mailroom demo``: shows the service at work on an account in memory, on the terminal.

Only the mail server and the people are not real. The demo needs no credentials, listens on
127.0.0.1 alone, and leaves no files.
"""

from mailroom.demo.show import run_demo

__all__ = ["run_demo"]
