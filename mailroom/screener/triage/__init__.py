"""The decisions that labels make, and the edits of contacts that follow from them. Pure."""
