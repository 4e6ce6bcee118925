"""Generates parts of the documentation."""
