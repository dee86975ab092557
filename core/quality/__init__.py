"""How faithful, stable and well placed heat maps are, measured over many images."""
