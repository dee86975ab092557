"""Teachers and losses."""
