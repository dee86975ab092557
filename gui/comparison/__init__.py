"""Teacher and student side by side."""
