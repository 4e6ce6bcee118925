"""The reliability run: no failure loses, duplicates or leaks data."""
