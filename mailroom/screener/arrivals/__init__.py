"""New mail: it is found, judged by its sender, and filed.

- :mod:`~mailroom.screener.arrivals.inbox` finds new mail;
- :mod:`~mailroom.screener.arrivals.correspondents` finds the people that the user has written to;
- :mod:`~mailroom.screener.arrivals.authentication` reads the server's opinion of a mail's From;
- :mod:`~mailroom.screener.arrivals.verdict` decides, without I/O;
- :mod:`~mailroom.screener.arrivals.executor` carries out the verdicts.
"""
