"""The slide window: a whole slide at any magnification, fields picked from it, and a grid of predictions over it."""
