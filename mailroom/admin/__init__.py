"""The commands for an account: check, explain, setup, reset, and the health probe."""
