"""Run a network: one file a backend."""
