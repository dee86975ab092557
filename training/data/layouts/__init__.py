"""How data sets lie on disk: a file for each layout, and the table of them."""
