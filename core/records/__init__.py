"""What the program stores on this machine: history, reviews, disk usage."""
