"""The page: a web page that shows who waits for a decision, and decides.

:mod:`mailroom.web.model` has the values of the page and the protocol of the account behind it. The
page reads and decides through this protocol alone, and knows nothing of mail or contact servers.
"""
