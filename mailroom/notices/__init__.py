"""Notices about new senders: their text, their forms for servers, and the client that sends them.

:mod:`mailroom.runtime.notices` decides when a notice is sent.
"""
