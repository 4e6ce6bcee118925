"""The test kit for your service: docs/extending/testing.md shows its fixtures."""
