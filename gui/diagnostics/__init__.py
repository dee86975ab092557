"""Self-test and benchmark of the window."""
