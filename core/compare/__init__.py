"""Teacher and student on one image or many."""
