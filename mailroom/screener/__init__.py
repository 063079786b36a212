"""The domain: who is a sender, what was decided, where mail goes. Speaks to no server itself."""
