"""Drives the real window as a person does, for ``docs/drive_window.py``."""
