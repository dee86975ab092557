"""The thread that computes, and what it found."""
