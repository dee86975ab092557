"""All networks of both tasks by one command: ``make-all``."""
