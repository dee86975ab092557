"""Looks, words, threads: shared by all sub-packages of the window."""
