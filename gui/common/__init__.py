"""Looks, words, threads: shared by all rooms of the window."""
