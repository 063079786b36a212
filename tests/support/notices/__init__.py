"""Servers that receive notices, and the phone on which a person presses buttons."""
