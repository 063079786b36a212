"""New mail: it is found, judged by its sender, and filed.

- :mod:`~mailroom.screener.arrivals.new_mail` finds new mail;
- :mod:`~mailroom.screener.arrivals.correspondents` finds the people that the user has written to;
- :mod:`~mailroom.screener.arrivals.replies` finds new mail that replies to mail of the user's;
- :mod:`~mailroom.screener.arrivals.delivery` recognises mail that a program added;
- :mod:`~mailroom.screener.arrivals.authentication` reads the server's opinion of a mail's From;
- :mod:`~mailroom.screener.arrivals.verdict` decides, without I/O;
- :mod:`~mailroom.screener.arrivals.executor` carries out the verdicts;
- :mod:`~mailroom.screener.arrivals.screening` does all of this for one account.
"""
