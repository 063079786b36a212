"""Waiting: for several results at once, before the next try, and until the next pass is due."""
