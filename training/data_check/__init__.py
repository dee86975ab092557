"""The command ``check-data``: counts, leaks, fitness of a data set."""
