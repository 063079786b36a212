"""The terminal: output that may fail, questions to a person."""
