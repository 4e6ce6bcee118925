"""MiniStack, repaired to behave more like AWS. Imports nothing else of this project."""
