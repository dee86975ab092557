"""What the networks' predictions rest on: the shortcut audit."""
