"""A real browser that tests drive."""
