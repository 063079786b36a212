"""Proposals of categories for undecided senders, from the mail of the last year."""
