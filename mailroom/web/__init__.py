"""The page: a web page that shows who waits for a decision, and decides.

:mod:`mailroom.web.model` has the values of the page, and :mod:`mailroom.web.protocol` the account
behind it. The page knows nothing of mail or contact servers.
"""
