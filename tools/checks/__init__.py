"""Checks of the declared resources."""
