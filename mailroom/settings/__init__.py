"""The settings: sources, model, checks. Begin with :mod:`mailroom.settings.load`."""
