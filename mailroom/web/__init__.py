"""The page: a web page that lists the waiting subjects, on which a person decides.

:mod:`mailroom.web.model` has the values of the page, and :mod:`mailroom.web.protocol` the account
behind it. The page imports nothing of mail or contact servers.
"""
