"""From a file to a network's input."""
