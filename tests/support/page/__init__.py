"""An account for tests of the page's server, and requests to it."""
