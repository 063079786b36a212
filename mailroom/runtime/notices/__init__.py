"""The notices of one account's service: who is new, when a notice is sent, and the queue."""

from mailroom.runtime.notices.rounds import NoticeRounds

__all__ = ["NoticeRounds"]
