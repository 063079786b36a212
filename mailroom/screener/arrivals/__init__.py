"""New mail: what came, whom it is from, where it goes.

- :mod:`~mailroom.screener.arrivals.inbox` finds it;
- :mod:`~mailroom.screener.arrivals.correspondents` tells whom the user has written to;
- :mod:`~mailroom.screener.arrivals.authentication` tells what the server thinks of its From;
- :mod:`~mailroom.screener.arrivals.verdict` decides, purely;
- :mod:`~mailroom.screener.arrivals.filing` carries it out.
"""
