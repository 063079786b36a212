"""Proposals of categories for senders on whom the user has not decided, from the mail of a year."""
