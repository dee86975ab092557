"""The main window: the only room that knows all others."""
