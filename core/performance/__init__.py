"""Performance of teacher, student and reader over many images: scores, curves and tests, with intervals."""
