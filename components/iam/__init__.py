"""Roles, their policies, and what bounds them."""
