"""The account behind the page: it reads for the page, and decides by putting labels on mail."""

from mailroom.runtime.page.account import PageAccount

__all__ = ["PageAccount"]
