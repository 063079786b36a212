"""Lists of the subjects that wait for a decision, and of those that were decided. Reads only."""
