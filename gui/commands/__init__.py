"""Menus, keys and the command palette."""
