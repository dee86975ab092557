"""Twinlens's window: what a person sees. Uses core; starts training runs."""
