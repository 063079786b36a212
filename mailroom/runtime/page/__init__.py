"""The account behind the page: reads for it, and decides by putting labels on mail."""

from mailroom.runtime.page.account import PageAccount

__all__ = ["PageAccount"]
