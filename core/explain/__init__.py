"""Heat maps, and how alike two are."""
