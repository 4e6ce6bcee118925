"""The reliability run: no failure loses or duplicates data."""
