"""The running service: the process, one service for each account, and the handling of failures."""
