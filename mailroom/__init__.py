"""Mailroom: the workflow of HEY's Screener for any JMAP mail account."""

__version__ = "0.1.0"
