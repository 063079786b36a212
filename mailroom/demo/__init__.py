"""``mailroom demo``: the service at work on an account in memory, told on the terminal.

Everything but the mail server and the people is real. Needs no credentials, listens on 127.0.0.1
only, and leaves nothing behind.
"""

from mailroom.demo.show import run_demo

__all__ = ["run_demo"]
