"""The main window: the only sub-package that imports all others."""
