"""Preferences, session and storage."""
