"""Checks of what the program declares."""
