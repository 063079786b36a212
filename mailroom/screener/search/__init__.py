"""Searches for mail by the people that it names, and for the user's own addresses. Reads only."""
