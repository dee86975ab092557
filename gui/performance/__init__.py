"""Performance of teacher, student and reader over the worklist."""
