"""The specimen has no settings."""
